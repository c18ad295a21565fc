//! Where routers and middlewares are written. Keys are in any case, as in labels.

use std::collections::BTreeMap;

use manifests::Node;

/// Values of a middleware or router, under their keys in small letters with dots between.
pub(super) type Fields = BTreeMap<String, Vec<String>>;

/// What is found in all files, by name.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) routers: BTreeMap<String, Fields>,
    pub(super) middlewares: BTreeMap<String, Fields>,
}

impl Sources {
    /// Looks for labels, for `http` of a dynamic file, and for custom resources.
    pub(super) fn read(&mut self, node: &Node) {
        if let Some(kind) = node.text("kind") {
            return self.resource(kind, node);
        }
        if let Some(http) = node.get("http") {
            for (kind, all) in [
                ("routers", http.get("routers")),
                ("middlewares", http.get("middlewares")),
            ] {
                for (name, value) in all.map_or(&[][..], Node::entries) {
                    flatten(String::new(), value, self.named(kind, name));
                }
            }
        }
        self.labels(node);
    }

    fn named(&mut self, kind: &str, name: &str) -> &mut Fields {
        let all = match kind {
            "routers" => &mut self.routers,
            _ => &mut self.middlewares,
        };
        all.entry(name.to_ascii_lowercase()).or_default()
    }

    /// `traefik.http.routers.NAME.KEY`, in lists of `key=value` or as keys of an object, wherever they stand.
    fn labels(&mut self, node: &Node) {
        for (key, value) in node.entries() {
            match scalar(value) {
                Some(text) if key.to_ascii_lowercase().starts_with(LABEL) => self.label(key, &text),
                _ => self.labels(value),
            }
        }
        for item in node.items() {
            match item.as_text().and_then(|it| it.split_once('=')) {
                Some((key, text)) => self.label(key, text),
                None => self.labels(item),
            }
        }
    }

    fn label(&mut self, key: &str, text: &str) {
        let key = key.trim().to_ascii_lowercase();
        let mut parts = key.strip_prefix(LABEL).unwrap_or_default().splitn(3, '.');
        if let (Some(kind @ ("routers" | "middlewares")), Some(name), Some(field)) =
            (parts.next(), parts.next(), parts.next())
        {
            // Compose takes `$$` for `$`.
            let text = text.replace("$$", "$");
            let list = match field {
                "rule" => vec![text],
                _ => text.split(',').map(|it| it.trim().to_owned()).collect(),
            };
            self.named(kind, name).insert(field.to_owned(), list);
        }
    }

    /// `Middleware` and `IngressRoute`.
    fn resource(&mut self, kind: &str, node: &Node) {
        let name = node
            .get("metadata")
            .and_then(|it| it.text("name"))
            .unwrap_or("(unnamed)");
        let spec = node.get("spec").unwrap_or(&Node::Null);
        match kind {
            "Middleware" => flatten(String::new(), spec, self.named("middlewares", name)),
            "IngressRoute" => {
                for (at, route) in spec.get("routes").map_or(&[][..], Node::items).iter().enumerate() {
                    let fields = self.named("routers", &format!("{name}[{at}]"));
                    let middlewares = route.get("middlewares").map_or(&[][..], Node::items);
                    let names = middlewares.iter().filter_map(|it| it.text("name"));
                    fields.insert("middlewares".to_owned(), names.map(str::to_owned).collect());
                    for (key, field) in [("match", "rule"), ("priority", "priority")] {
                        fields.extend(route.get(key).and_then(scalar).map(|it| (field.to_owned(), vec![it])));
                    }
                }
            }
            "List" => node
                .get("items")
                .map_or(&[][..], Node::items)
                .iter()
                .for_each(|it| self.read(it)),
            _ => {}
        }
    }
}

const LABEL: &str = "traefik.http.";

/// The fields of an object, those within objects under both keys.
fn flatten(prefix: String, node: &Node, fields: &mut Fields) {
    for (key, value) in node.entries() {
        let key = format!("{prefix}{}", key.to_ascii_lowercase());
        match (value, scalar(value)) {
            (_, Some(text)) => {
                fields.insert(key, vec![text]);
            }
            (Node::Array(items), _) => {
                // `chain` of a custom resource names objects.
                let texts = items
                    .iter()
                    .filter_map(|it| scalar(it).or_else(|| it.text("name").map(str::to_owned)));
                fields.insert(key, texts.collect());
            }
            _ => flatten(format!("{key}."), value, fields),
        }
    }
}

fn scalar(node: &Node) -> Option<String> {
    match node {
        Node::String(text) => Some(text.clone()),
        Node::Number(number) => Some(number.to_string()),
        Node::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
