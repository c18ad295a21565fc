//! How Envoy Gateway 1.9 orders the HTTP filters of a listener: `sortHTTPFilters` in its `internal/xds/translator`.

use serde_json::Value;

const PREFIX: &str = "envoy.filters.http.";

/// The filters that stand before Wasm by default, in that order. None of the first two has a page to answer: one replaces
/// answers after every filter has run, the other answers load balancers.
pub(crate) const EARLY: [&str; 15] = [
    "custom_response",
    "health_check",
    "fault",
    "cors",
    "csrf",
    "header_mutation",
    "ext_authz",
    "api_key_auth",
    "basic_auth",
    "oauth2",
    "jwt_authn",
    "stateful_session",
    "buffer",
    "lua",
    "ext_proc",
];

/// Those that stand after it.
pub(crate) const LATE: [&str; 13] = [
    "dynamic_modules",
    "geoip",
    "rbac",
    "local_ratelimit",
    "ratelimit",
    "bandwidth_limit",
    "grpc_web",
    "grpc_stats",
    "credential_injector",
    "compressor",
    "dynamic_forward_proxy",
    "router",
    "unheard_of",
];

/// Where a filter stands by default; one that the sorter does not know is between Lua and `ext_proc`.
fn order(name: &str) -> usize {
    let index = || {
        name.rsplit('/')
            .next()
            .and_then(|it| it.parse::<usize>().ok())
            .unwrap_or(0)
    };
    let is = |kind: &&str| name.starts_with(&format!("{PREFIX}{kind}"));
    match EARLY.iter().position(&is) {
        Some(13) => 13 + index(),
        Some(14) => 100 + index(),
        Some(at) => at,
        None if is(&"wasm") => 200 + index(),
        None => match LATE.iter().take(12).position(&is) {
            Some(0) => 250 + index(),
            Some(at) => 299 + at,
            None => 50,
        },
    }
}

/// The chain that comes of these filters under `EnvoyProxy.spec.filterOrder`.
pub(crate) fn sorted(filters: &[String], rules: &[Value]) -> Vec<String> {
    let mut chain = filters.to_vec();
    chain.sort_by_key(|name| (order(name), name.clone()));
    for rule in rules {
        let of = |key: &str| rule.get(key).and_then(Value::as_str);
        let Some(name) = of("name") else { continue };
        let (moved, rest): (Vec<_>, Vec<_>) = chain.iter().cloned().partition(|it| it.starts_with(name));
        let at = match (of("before"), of("after")) {
            (Some(before), _) => rest.iter().position(|it| it.starts_with(before)),
            (None, Some(after)) => rest.iter().rposition(|it| it.starts_with(after)).map(|at| at + 1),
            (None, None) => None,
        };
        // A rule whose other filter is not in the chain does nothing.
        if let Some(at) = at {
            chain = rest;
            chain.splice(at..at, moved);
        }
    }
    chain
}

/// The names that Envoy Gateway gives the filters of these kinds.
pub(crate) fn named(kinds: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    let name = |kind: &str| match kind {
        "lua" | "ext_proc" | "wasm" | "dynamic_modules" => {
            format!("{PREFIX}{kind}/envoyextensionpolicy/default/origin-gate/{kind}/0")
        }
        "ext_authz" | "basic_auth" | "oauth2" => format!("{PREFIX}{kind}/securitypolicy/default/shop"),
        _ => format!("{PREFIX}{kind}"),
    };
    kinds.into_iter().map(name).collect()
}
