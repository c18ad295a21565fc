//! What a plugin's configuration holds: a policy, and the environment that the plugin's VM gets.

use std::collections::BTreeMap;

use data_encoding::BASE64;

use super::node::Node;

/// The environment of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Variables that the manifest sets.
    pub set: BTreeMap<String, String>,
    /// Names of variables that are taken over from the proxy's own environment.
    pub from_proxy: Vec<String>,
}

impl Variables {
    /// The environment of a plugin under a proxy with this environment.
    #[must_use]
    pub fn of(&self, proxy: &[(String, String)]) -> Vec<(String, String)> {
        let is_taken = |name: &String| self.from_proxy.contains(name) && !self.set.contains_key(name);
        let taken = proxy.iter().filter(|(name, _)| is_taken(name)).cloned();
        self.set.clone().into_iter().chain(taken).collect()
    }
}

/// Who has Envoy load a plugin, as far as what becomes of a refused update goes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// A Wasm filter of Envoy's own configuration, under this plugin name.
    Envoy {
        /// The plugin's `name`, by which a policy is kept.
        name: String,
    },
    /// An `EnvoyExtensionPolicy`: Envoy fetches the module, and each plugin has a name of its own.
    EnvoyGateway,
    /// Another: a native module, or a control plane that names plugins and fetches modules itself.
    Other,
}

/// One plugin, whoever's it is.
pub(crate) struct Plugin<'a> {
    /// All that may say whose it is: names, the address of the code.
    names: Vec<&'a str>,
    /// The key with the policy, from the place of the plugin on.
    pub(crate) key: &'static str,
    /// What follows it where the policy is further in.
    pub(crate) value: &'static str,
    pub(crate) configuration: Result<Vec<u8>, String>,
    pub(crate) environment: Variables,
    pub(crate) loader: Loader,
}

impl<'a> Plugin<'a> {
    /// `envoy.extensions.filters.http.wasm.v3.Wasm`
    pub(crate) fn of_envoy(filter: &'a Node) -> Self {
        let config = filter.get("config").unwrap_or(&Node::Null);
        let vm = config.get_any(&["vm_config", "vmConfig"]);
        let code = vm.and_then(|it| it.get("code"));
        let local = code.and_then(|it| it.get("local")?.text("filename"));
        let remote = code.and_then(|it| it.get("remote")?.get_any(&["http_uri", "httpUri"])?.text("uri"));
        let root = config.get_any(&["root_id", "rootId"]).and_then(Node::as_text);
        Self {
            names: [config.text("name"), root, local, remote]
                .into_iter()
                .flatten()
                .collect(),
            key: "config.configuration",
            value: ".value",
            configuration: of_any(config.get("configuration")),
            environment: of_vm(vm),
            loader: Loader::Envoy {
                name: config.text("name").unwrap_or_default().to_owned(),
            },
        }
    }

    /// `envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter`
    pub(crate) fn of_dynamic_module(filter: &'a Node) -> Self {
        let module = filter.get_any(&["dynamic_module_config", "dynamicModuleConfig"]);
        let name = filter.get_any(&["filter_name", "filterName"]).and_then(Node::as_text);
        Self {
            names: [name, module.and_then(|it| it.text("name"))]
                .into_iter()
                .flatten()
                .collect(),
            key: "filter_config",
            value: ".value",
            configuration: of_any(filter.get_any(&["filter_config", "filterConfig"])),
            environment: Variables::default(),
            loader: Loader::Other,
        }
    }

    /// The `spec` of Istio's `WasmPlugin`, and the `spec.wasm` of its `TrafficExtension`.
    pub(crate) fn of_istio(spec: &'a Node) -> Self {
        let variables = spec
            .get("vmConfig")
            .and_then(|it| it.get("env"))
            .map_or(&[][..], Node::items);
        let mut environment = Variables::default();
        for variable in variables {
            let Some(name) = variable.text("name") else { continue };
            match variable.text("valueFrom") {
                Some("HOST") => environment.from_proxy.push(name.to_owned()),
                _ => {
                    let value = variable.text("value").unwrap_or_default();
                    environment.set.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        Self {
            names: [spec.text("pluginName"), spec.text("url")]
                .into_iter()
                .flatten()
                .collect(),
            key: "pluginConfig",
            value: "",
            configuration: Ok(of_struct(spec.get("pluginConfig"))),
            environment,
            loader: Loader::Other,
        }
    }

    /// An item of `spec.wasm` of Envoy Gateway's `EnvoyExtensionPolicy`, or of its `spec.dynamicModule`.
    pub(crate) fn of_envoy_gateway(item: &'a Node, loader: Loader) -> Self {
        let code = item.get("code");
        let source = |kind| code.and_then(|it| it.get(kind)?.text("url"));
        let root = item.get_any(&["rootID", "filterName"]).and_then(Node::as_text);
        let names = [item.text("name"), root, source("image"), source("http")];
        let keys = item
            .get("env")
            .and_then(|it| it.get("hostKeys"))
            .map_or(&[][..], Node::items);
        Self {
            names: names.into_iter().flatten().collect(),
            key: "config",
            value: "",
            configuration: Ok(of_struct(item.get("config"))),
            environment: Variables {
                from_proxy: texts(keys),
                ..Variables::default()
            },
            loader,
        }
    }

    /// Whether one of its names, or the name of what holds it, is Origin Gate's.
    pub(crate) fn is_ours(&self, holder: Option<&str>) -> bool {
        let is_ours = |name: &str| name.replace('-', "_").contains("origin_gate");
        self.names.iter().copied().chain(holder).any(is_ours)
    }

    /// What a person knows it by.
    pub(crate) fn name(&self) -> &'a str {
        self.names.first().copied().unwrap_or("(unnamed)")
    }
}

/// `google.protobuf.Any`, as Envoy hands it to a plugin.
fn of_any(any: Option<&Node>) -> Result<Vec<u8>, String> {
    let Some(any) = any else { return Ok(Vec::new()) };
    let kind = any.text("@type").unwrap_or_default();
    let value = any.get("value");
    match (kind.rsplit(['/', '.']).next(), value) {
        (Some("StringValue"), Some(Node::String(text))) => Ok(text.clone().into_bytes()),
        (Some("BytesValue"), Some(Node::String(text))) => {
            let digits: String = text.chars().filter(|it| !it.is_ascii_whitespace()).collect();
            let bytes = BASE64.decode(digits.as_bytes());
            bytes.map_err(|error| format!("the value of google.protobuf.BytesValue is not base64: {error}"))
        }
        (Some("StringValue" | "BytesValue"), None) => Ok(Vec::new()),
        (Some("Struct"), value) => Ok(of_struct(value)),
        (Some("StringValue" | "BytesValue"), Some(_)) => Err(format!("the value of `{kind}` is not a string")),
        _ => Err(format!(
            "`@type` is `{kind}`; write type.googleapis.com/google.protobuf.StringValue, whose value is the policy as a string"
        )),
    }
}

fn of_struct(value: Option<&Node>) -> Vec<u8> {
    match value {
        None | Some(Node::Null) => Vec::new(),
        Some(value) => serde_json::to_vec(value).unwrap_or_default(),
    }
}

fn of_vm(vm: Option<&Node>) -> Variables {
    let Some(variables) = vm.and_then(|it| it.get_any(&["environment_variables", "environmentVariables"])) else {
        return Variables::default();
    };
    let keys = variables
        .get_any(&["host_env_keys", "hostEnvKeys"])
        .map_or(&[][..], Node::items);
    let values = variables
        .get_any(&["key_values", "keyValues"])
        .map_or(&[][..], Node::entries);
    let values = values
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_text()?.to_owned())));
    Variables {
        set: values.collect(),
        from_proxy: texts(keys),
    }
}

fn texts(items: &[Node]) -> Vec<String> {
    items.iter().filter_map(Node::as_text).map(str::to_owned).collect()
}
