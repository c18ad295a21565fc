//! Where in a file the policies are.

use super::node::Node;
use super::wasm::{Loader, Plugin, Variables};
use super::yaml::{begins_as_json, documents};

/// A policy, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The place in the file; `None` if the file is the policy.
    pub place: Option<String>,
    /// Where in that the name of its resource begins, which stays the same where others come before it.
    pub resource: usize,
    /// The policy as the filter gets it.
    pub configuration: Vec<u8>,
    /// The environment of the plugin; `None` if the file is the policy, and so says nothing of that.
    pub environment: Option<Variables>,
    /// Who has it loaded.
    pub loader: Loader,
    /// The texts around the policy that are values of the file, the outermost first: a file in a `ConfigMap`.
    pub within: Vec<(Spot, String)>,
    /// Where in the innermost of them, or in the file, the value is that is or holds the policy; `None` if all of it is the
    /// policy.
    pub spot: Option<Spot>,
}

/// A value of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The document, from 0, those aside that are empty.
    pub document: usize,
    /// The path in it (`spec.pluginConfig`).
    pub path: String,
}

/// Where a value is that is looked at, for people and as it is.
#[derive(Clone)]
struct At {
    label: String,
    spot: Spot,
}

impl At {
    /// A key of what stands here.
    fn under(&self, key: &str) -> Self {
        let join = |path: &str| match path.is_empty() || path.ends_with(' ') {
            true => format!("{path}{key}"),
            false => format!("{path}.{key}"),
        };
        let (label, path) = (join(&self.label), join(&self.spot.path));
        self.with(label, path)
    }

    fn item(&self, at: usize) -> Self {
        self.with(format!("{}[{at}]", self.label), format!("{}[{at}]", self.spot.path))
    }

    /// The same, for people under a name.
    fn named(&self, name: &str) -> Self {
        let place = &self.label;
        let gap = if place.is_empty() || place.ends_with(' ') {
            ""
        } else {
            ": "
        };
        self.with(format!("{place}{gap}{name}: "), self.spot.path.clone())
    }

    fn with(&self, label: String, path: String) -> Self {
        let document = self.spot.document;
        Self {
            label,
            spot: Spot { document, path },
        }
    }
}

/// Keys that a document has at its top which holds a policy further in, or none.
const HOLDERS: [&str; 13] = [
    "@type",
    "admin",
    "apiVersion",
    "configs",
    "dynamic_resources",
    "http_filters",
    "kind",
    "layered_runtime",
    "node",
    "resources",
    "stats_config",
    "static_resources",
    "typed_config",
];

/// Finds the policies of a file: the file itself, in JSON or YAML, or those in an Envoy configuration, in the file of a
/// discovery service, in a dump of Envoy's admin page, or in manifests of Kubernetes, Istio and Envoy Gateway.
///
/// JSON that is the policy comes back as it is, byte for byte, and so does what nobody can read: the reader of policies
/// says what is wrong with it.
///
/// # Errors
///
/// If the file is no YAML, if a policy in it is no text, or if it holds other things than policies.
pub fn policies(file: &[u8]) -> Result<Vec<Found>, String> {
    let search = Search::of(file)?;
    match search.found.is_empty() {
        true => Err(search.none()),
        false => Ok(search.found),
    }
}

#[derive(Default)]
struct Search {
    found: Vec<Found>,
    /// The names of plugins that are not ours.
    others: Vec<String>,
    /// The filters whose configuration is elsewhere.
    discovered: Vec<String>,
    /// Where in a place the name of the outermost resource begins.
    resource: usize,
}

impl From<Found> for Search {
    fn from(found: Found) -> Self {
        Self {
            found: vec![found],
            ..Self::default()
        }
    }
}

impl Search {
    /// What a file holds: nothing found means that it holds other things than policies.
    fn of(file: &[u8]) -> Result<Self, String> {
        let itself = || Found {
            place: None,
            resource: 0,
            configuration: file.to_vec(),
            environment: None,
            loader: Loader::Other,
            within: Vec::new(),
            spot: None,
        };
        let Ok(text) = std::str::from_utf8(file) else {
            return Ok(itself().into());
        };
        let is_json = begins_as_json(text);
        let nodes = match documents(text) {
            Ok(nodes) => nodes,
            Err(_) if is_json => return Ok(itself().into()),
            Err(problem) => return Err(problem),
        };
        let mut search = Self::default();
        for (at, document) in nodes.iter().enumerate() {
            let label = match nodes.len() {
                1 => String::new(),
                _ => format!("document {}: ", at.saturating_add(1)),
            };
            let spot = Spot {
                document: at,
                path: String::new(),
            };
            search.walk(document, &At { label, spot }, None)?;
        }
        if !search.found.is_empty() {
            return Ok(search);
        }
        let holds_others = |node: &Node| HOLDERS.iter().any(|key| node.get(key).is_some());
        match nodes.as_slice() {
            nodes if nodes.iter().any(holds_others) || !search.others.is_empty() => Ok(search),
            _ if is_json => Ok(itself().into()),
            [policy @ Node::Object(_)] => Ok(Found {
                configuration: serde_json::to_vec(policy).map_err(|error| error.to_string())?,
                ..itself()
            }
            .into()),
            [] => Ok(itself().into()),
            _ => Err("this is no policy: write keys such as `allowed_origins`, in JSON or YAML".to_owned()),
        }
    }

    /// Looks at a value, which stands at `place`, and into it. `holder` names the resource or filter around it.
    fn walk(&mut self, node: &Node, place: &At, holder: Option<&str>) -> Result<(), String> {
        match node.text("@type").and_then(|it| it.rsplit('/').next()) {
            Some("envoy.extensions.filters.http.wasm.v3.Wasm") => {
                return self.take(Plugin::of_envoy(node), place, holder);
            }
            Some("envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter") => {
                return self.take(Plugin::of_dynamic_module(node), place, holder);
            }
            Some("udpa.type.v1.TypedStruct" | "xds.type.v3.TypedStruct") => {
                let kind = node
                    .get_any(&["type_url", "typeUrl"])
                    .and_then(Node::as_text)
                    .unwrap_or_default();
                if let (true, Some(value)) = (kind.ends_with(".wasm.v3.Wasm"), node.get("value")) {
                    return self.take(Plugin::of_envoy(value), &place.under("value"), holder);
                }
            }
            _ => {}
        }
        if node.text("apiVersion").is_some()
            && let Some(kind) = node.text("kind")
        {
            return self.resource(node, kind, place);
        }
        let holder = node.text("name").or(holder);
        if node.get_any(&["config_discovery", "configDiscovery"]).is_some() {
            self.discovered.extend(holder.map(str::to_owned));
        }
        for (key, value) in node.entries() {
            self.walk(value, &place.under(key), holder)?;
        }
        for (at, item) in node.items().iter().enumerate() {
            self.walk(item, &place.item(at), holder)?;
        }
        Ok(())
    }

    /// A resource of Kubernetes.
    fn resource(&mut self, node: &Node, kind: &str, place: &At) -> Result<(), String> {
        if let Some(items) = node.get("items") {
            return self.walk(items, &place.under("items"), None);
        }
        let metadata = node.get("metadata").unwrap_or(&Node::Null);
        let name = metadata.text("name").unwrap_or("(unnamed)");
        let full = match metadata.text("namespace") {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        let named = format!("{kind} {full}");
        let at = place.named(&named);
        let is_outermost = self.resource == 0;
        if is_outermost {
            self.resource = at.label.len() - format!("{named}: ").len();
        }
        let found = self.policies_of(node, kind, name, &at);
        if is_outermost {
            self.resource = 0;
        }
        found
    }

    fn policies_of(&mut self, node: &Node, kind: &str, name: &str, place: &At) -> Result<(), String> {
        let Some(spec) = node.get("spec") else {
            return self.config_map(node, place);
        };
        match kind {
            "WasmPlugin" => self.take(Plugin::of_istio(spec), &place.under("spec"), Some(name)),
            "TrafficExtension" => match spec.get("wasm") {
                Some(wasm) => self.take(Plugin::of_istio(wasm), &place.under("spec.wasm"), Some(name)),
                None => Ok(()),
            },
            "EnvoyExtensionPolicy" => [("wasm", Loader::EnvoyGateway), ("dynamicModule", Loader::Other)]
                .into_iter()
                .try_for_each(|(key, loader)| {
                    let items = spec.get(key).map_or(&[][..], Node::items);
                    items.iter().enumerate().try_for_each(|(at, item)| {
                        let place = place.under(&format!("spec.{key}[{at}]"));
                        self.take(Plugin::of_envoy_gateway(item, loader.clone()), &place, None)
                    })
                }),
            _ => self.walk(spec, &place.under("spec"), Some(name)),
        }
    }

    /// The files in a `ConfigMap`.
    fn config_map(&mut self, node: &Node, place: &At) -> Result<(), String> {
        let files = node.get("data").map_or(&[][..], Node::entries);
        let is_read = |name: &str| [".json", ".yaml", ".yml"].iter().any(|it| name.ends_with(it));
        for (name, text) in files.iter().filter(|(name, _)| is_read(name)) {
            let at = place.under(&format!("data.{name}"));
            let place = &at.label;
            let text = text.as_text().unwrap_or_default();
            let inner = Self::of(text.as_bytes()).map_err(|problem| format!("{place}: {problem}"))?;
            // Another document may have what this one only refers to.
            self.others.extend(inner.others);
            self.discovered.extend(inner.discovered);
            for found in inner.found {
                let place = match found.place {
                    Some(inner) => format!("{place}: {inner}"),
                    None => place.clone(),
                };
                let outermost = (at.spot.clone(), text.to_owned());
                self.found.push(Found {
                    place: Some(place),
                    resource: self.resource,
                    within: [outermost].into_iter().chain(found.within).collect(),
                    ..found
                });
            }
        }
        Ok(())
    }

    fn take(&mut self, plugin: Plugin<'_>, place: &At, holder: Option<&str>) -> Result<(), String> {
        if !plugin.is_ours(holder) {
            self.others.push(plugin.name().to_owned());
            return Ok(());
        }
        let At { label, spot } = place.under(plugin.key);
        let configuration = plugin.configuration.map_err(|problem| format!("{label}: {problem}"))?;
        let path = format!("{}{}", spot.path, plugin.value);
        self.found.push(Found {
            place: Some(label),
            resource: self.resource,
            within: Vec::new(),
            spot: Some(Spot { path, ..spot }),
            configuration,
            environment: Some(plugin.environment),
            loader: plugin.loader,
        });
        Ok(())
    }

    /// Why there is none.
    fn none(&self) -> String {
        const NONE: &str = "there is no policy of Origin Gate in this file";
        match (self.others.as_slice(), self.discovered.as_slice()) {
            ([], []) => format!("{NONE}: it has no Wasm filter and no dynamic module"),
            ([], [name, ..]) => format!(
                "{NONE}: the filter `{name}` takes its configuration from a discovery service (`config_discovery`); give the file \
                 that the service serves"
            ),
            (others, _) => format!(
                "{NONE}: it has other plugins (`{}`); the filter's `name` and `root_id` are `origin_gate`",
                others.join("`, `")
            ),
        }
    }
}
