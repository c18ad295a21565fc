//! Virtual hosts and their routes, with the policies that hold for each.

use manifests::Node;

/// A virtual host.
pub(super) struct VirtualHost<'a> {
    pub(super) name: &'a str,
    pub(super) domains: Vec<&'a str>,
    pub(super) routes: Vec<Route<'a>>,
}

/// A route, in the order of its virtual host.
pub(super) struct Route<'a> {
    pub(super) name: String,
    pub(super) paths: Paths<'a>,
    pub(super) policies: Policies<'a>,
}

/// The paths of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paths<'a> {
    All,
    /// A prefix that ends at a segment.
    Below(&'a str),
    /// A prefix that ends anywhere.
    Beginning(&'a str),
    /// What no prefix says: why.
    Other(&'static str),
}

/// The policies of the two filters that hold for a route, the nearest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies<'a> {
    pub(super) cors: Vec<&'a Node>,
    pub(super) csrf: Vec<&'a Node>,
}

/// The filters of the chain.
#[derive(Default)]
pub(super) struct Filters<'a> {
    has_chain: bool,
    has_cors: bool,
    /// Configurations of the filter `csrf`.
    pub(super) csrf: Vec<&'a Node>,
}

impl<'a> Filters<'a> {
    /// Remembers the filters of a connection manager.
    pub(super) fn see(&mut self, node: &'a Node) {
        let Some(filters) = node.get_any(&["http_filters", "httpFilters"]) else {
            return;
        };
        self.has_chain = true;
        for filter in filters.items() {
            let config = filter.get_any(&["typed_config", "typedConfig"]);
            match config.map_or("", kind) {
                "cors.v3.Cors" => self.has_cors = true,
                "csrf.v3.CsrfPolicy" => self.csrf.extend(config.filter(|it| !self.csrf.contains(it))),
                _ => {}
            }
        }
    }

    /// Whether the policies had an effect.
    pub(super) fn check(&self, hosts: &[VirtualHost<'_>]) -> Result<(), String> {
        let routes = || hosts.iter().flat_map(|it| &it.routes);
        if self.has_chain && !self.has_cors && routes().any(|it| !it.policies.cors.is_empty()) {
            return Err(
                "the filter envoy.filters.http.cors is in no filter chain, so that its policies had no effect"
                    .to_owned(),
            );
        }
        if self.csrf.len() > 1 {
            return Err("filter chains differ in envoy.filters.http.csrf: import one listener at a time".to_owned());
        }
        Ok(())
    }
}

/// The type of a configuration, from the filter's name on.
fn kind(config: &Node) -> &str {
    let kind = config.text("@type").unwrap_or_default();
    kind.rsplit_once("http.").map_or(kind, |(_, it)| it)
}

/// The policies that a route, a virtual host or a route configuration has itself.
pub(super) fn policies_of(holder: &Node) -> Policies<'_> {
    let mut policies = Policies::default();
    let configs = holder.get_any(&["typed_per_filter_config", "typedPerFilterConfig"]);
    for (_, config) in configs.map_or(&[][..], Node::entries) {
        // `envoy.config.route.v3.FilterConfig` wraps one.
        let config = config.get("config").unwrap_or(config);
        match kind(config) {
            "cors.v3.CorsPolicy" => policies.cors.push(config),
            "csrf.v3.CsrfPolicy" => policies.csrf.push(config),
            _ => {}
        }
    }
    policies
}

impl<'a> Policies<'a> {
    /// With those around, which stand back.
    fn within(mut self, outer: &Self) -> Self {
        self.cors.extend(&outer.cors);
        self.csrf.extend(&outer.csrf);
        self
    }

    /// Or, where there is none at all, the fields `cors` of before there were such policies.
    fn or_fields(mut self, fields: [Option<&'a Node>; 2]) -> Self {
        if self.cors.is_empty() {
            self.cors.extend(fields.into_iter().flatten());
        }
        self
    }
}

/// A virtual host within a route configuration.
pub(super) fn virtual_host<'a>(host: &'a Node, outer: &Policies<'a>, notes: &mut Vec<String>) -> VirtualHost<'a> {
    let name = host.text("name").unwrap_or("(unnamed)");
    let own = policies_of(host).within(outer);
    let routes = host.get("routes").map_or(&[][..], Node::items);
    let routes = routes.iter().enumerate().map(|(at, route)| {
        let action = route.get("route");
        let clusters = action.and_then(|it| it.get_any(&["weighted_clusters", "weightedClusters"])?.get("clusters"));
        let has_policy = |it: &Node| !policies_of(it).cors.is_empty() || !policies_of(it).csrf.is_empty();
        if clusters.map_or(&[][..], Node::items).iter().any(has_policy) {
            notes.push(format!(
                "{name}: left out: the policies of weighted clusters of routes[{at}]"
            ));
        }
        Route {
            name: match route.text("name") {
                Some(name) if !name.is_empty() => name.to_owned(),
                _ => format!("routes[{at}]"),
            },
            paths: route.get("match").map_or(Paths::All, paths),
            policies: policies_of(route)
                .within(&own)
                .or_fields([action.and_then(|it| it.get("cors")), host.get("cors")]),
        }
    });
    VirtualHost {
        name,
        domains: host
            .get("domains")
            .map_or(&[][..], Node::items)
            .iter()
            .filter_map(Node::as_text)
            .collect(),
        routes: routes.collect(),
    }
}

/// `envoy.config.route.v3.RouteMatch`
fn paths(matched: &Node) -> Paths<'_> {
    const KNOWN: [&str; 5] = [
        "prefix",
        "path_separated_prefix",
        "pathSeparatedPrefix",
        "case_sensitive",
        "caseSensitive",
    ];
    let is_more = |(key, value): &&(String, Node)| !KNOWN.contains(&key.as_str()) || *value == Node::Bool(false);
    if let Some((key, _)) = matched.entries().iter().find(is_more) {
        return Paths::Other(match key.as_str() {
            "path" => "it is for one path alone",
            "safe_regex" | "safeRegex" => "its paths are an expression",
            "case_sensitive" | "caseSensitive" => "its paths are in any case",
            _ => "it looks at more than the path",
        });
    }
    if let Some(prefix) = matched
        .get_any(&["path_separated_prefix", "pathSeparatedPrefix"])
        .and_then(Node::as_text)
    {
        return Paths::Below(prefix);
    }
    match matched.text("prefix") {
        None | Some("" | "/") => Paths::All,
        Some(prefix) if prefix.ends_with('/') => Paths::Below(prefix),
        Some(prefix) => Paths::Beginning(prefix),
    }
}
