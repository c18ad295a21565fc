//! Istio's `VirtualService`: its routes, and `corsPolicy`, which Istio's proxies hand to Envoy's filter `cors`.

use manifests::Node;

use super::routes::{Paths, Policies, Route, VirtualHost};

/// The virtual host of a `VirtualService`.
pub(super) fn virtual_hosts<'a>(service: &'a Node, notes: &mut Vec<String>) -> Option<VirtualHost<'a>> {
    let name = service
        .get("metadata")
        .and_then(|it| it.text("name"))
        .unwrap_or("(unnamed)");
    let spec = service.get("spec")?;
    let mut routes = Vec::new();
    for (at, http) in spec.get("http").map_or(&[][..], Node::items).iter().enumerate() {
        let own = match http.text("name") {
            Some(name) => name.to_owned(),
            None => format!("spec.http[{at}]"),
        };
        if http.get("delegate").is_some() {
            notes.push(format!(
                "{name}: left out: the routes that {own} leaves to another VirtualService; give that one too"
            ));
        }
        let policies = Policies {
            cors: http.get("corsPolicy").into_iter().collect(),
            csrf: Vec::new(),
        };
        let matches = http.get("match").map_or(&[][..], Node::items);
        let paths = match matches {
            [] => vec![Paths::All],
            matches => matches.iter().map(paths).collect(),
        };
        routes.extend(paths.into_iter().map(|paths| Route {
            name: own.clone(),
            paths,
            policies: policies.clone(),
        }));
    }
    let hosts = spec.get("hosts").map_or(&[][..], Node::items);
    Some(VirtualHost {
        name,
        domains: hosts.iter().filter_map(Node::as_text).collect(),
        routes,
    })
}

/// `HTTPMatchRequest`
fn paths(matched: &Node) -> Paths<'_> {
    let is_more = |(key, _): &&(String, Node)| !matches!(key.as_str(), "uri" | "name" | "gateways" | "port");
    if matched.entries().iter().any(|it| is_more(&it)) {
        return Paths::Other("it looks at more than the path");
    }
    let Some(uri) = matched.get("uri") else {
        return Paths::All;
    };
    match (uri.text("prefix"), uri.text("exact")) {
        (Some("/"), _) => Paths::All,
        // Istio makes a prefix end at a segment, unless it ends in `/` itself.
        (Some(prefix), _) if prefix.ends_with('/') => Paths::Below(prefix),
        (Some(prefix), _) => Paths::Beginning(prefix),
        (None, Some(_)) => Paths::Other("it is for one path alone"),
        (None, None) => Paths::Other("its paths are an expression"),
    }
}
