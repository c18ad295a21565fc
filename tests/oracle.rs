//! `decide`, held against the standards' steps written out slowly: strings, lists and the `url` crate, and nothing of
//! the filter's own parsers, sets or order of checks.
//!
//! Long: the standards' steps, written out once more from the first to the last; they are read in one go.

use policy::request;
use policy::verdict::{Action, AllowOrigin, ResponseCors};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use url::{Host, Url};

/// A policy, by its keys.
#[derive(Clone, Debug)]
struct Policy {
    origins: Vec<&'static str>,
    hosts: Option<Vec<&'static str>>,
    credentials: bool,
    null: bool,
    any_with_credentials: bool,
    insecure: bool,
    same_host: bool,
    by_hosts: bool,
    missing_socket: bool,
    csrf: Option<(Vec<&'static str>, bool)>,
    methods: Vec<&'static str>,
    headers: Vec<&'static str>,
}

/// A request, by its fields; `None` is absent.
#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    host: &'static str,
    scheme: &'static str,
    origin: Option<&'static str>,
    upgrade: Option<&'static str>,
    site: Option<&'static str>,
    mode: Option<&'static str>,
    content_type: Option<&'static str>,
    asked_method: Option<&'static str>,
    asked_headers: Option<&'static str>,
}

/// What comes of it: the finding, whether the request goes on, and the `Access-Control-Allow-Origin`.
#[derive(Debug, PartialEq)]
struct Outcome {
    finding: String,
    goes_on: bool,
    allow_origin: Option<String>,
}

const ORIGINS: [&str; 34] = [
    "https://a.example",
    "https://a.example:443",
    "https://a.example:8443",
    "http://a.example",
    "http://a.example:80",
    "http://a.example:443",
    "https://x.a.example",
    "https://y.x.a.example",
    "https://x.a.example:8443",
    "https://pr-1.a.example",
    "https://pr-.a.example",
    "https://pr-1.x.a.example",
    "https://b.example",
    "http://b.example:8080",
    "https://xa.example",
    "https://a.example.b.example",
    "https://A.example",
    "https://a.example/",
    "https://u@a.example",
    "https://a..example",
    "https://a.example.",
    "http://127.0.0.1:3000",
    "http://127.1:3000",
    "http://[::1]:3000",
    "http://[0:0:0:0:0:0:0:1]:3000",
    "null",
    "",
    "https://a.example:0",
    "https://a.example,https://b.example",
    "app://a.example",
    "http://localhost:3000",
    "http://x.b.example",
    "ftp://b.example",
    "https://b.example:8080",
];
const HOSTS: [&str; 17] = [
    "localhost:8000",
    "a.example",
    "a.example:443",
    "a.example:80",
    "A.Example",
    "a.example.",
    "b.example:8080",
    "b.example",
    "x.b.example",
    "xb.example",
    "127.0.0.1:3000",
    "[::1]:3000",
    "[0::1]",
    "a..example",
    "a.example:",
    "a.example:99999",
    "u@a.example",
];
const PATTERNS: [&str; 14] = [
    "https://a.example",
    "https://a.example:*",
    "https://*.a.example",
    "https://*.a.example:*",
    "https://pr-*.a.example",
    "http://b.example:8080",
    "http://127.0.0.1:3000",
    "http://[::1]:*",
    "https://a.example.",
    "app://a.example",
    "http://a.example",
    "https://b.example:443",
    "https://*.example",
    "http://localhost:*",
];

fn policy() -> impl Strategy<Value = Policy> {
    let origins = prop_oneof![6 => prop::collection::vec(select(&PATTERNS[..]), 0..4), 1 => Just(vec!["*"])];
    let host = select(vec![
        "a.example",
        ".b.example",
        "[::1]",
        "127.0.0.1",
        "x.b.example",
        "localhost",
    ]);
    let hosts =
        prop_oneof![2 => Just(None), 4 => prop::collection::vec(host, 1..3).prop_map(Some), 1 => Just(Some(vec!["*"]))];
    // An error in `trusted_origins`.
    let trusted: Vec<_> = PATTERNS.into_iter().filter(|it| *it != "https://*.example").collect();
    let csrf = prop::option::of((prop::collection::vec(select(trusted), 0..2), any::<bool>()));
    let methods = select(vec![vec!["PUT"], vec!["GET", "DELETE"], vec!["*"], vec![]]);
    let headers = select(vec![vec!["x-a"], vec!["x-a", "X-B"], vec!["*"], vec![]]);
    (origins, hosts, any::<[bool; 7]>(), csrf, methods, headers).prop_map(
        |(origins, hosts, flags, csrf, methods, headers)| {
            let [credentials, null, same_host, by_hosts, missing_socket, any, insecure] = flags;
            // A wildcard over one label is an error beside credentials.
            let credentials = credentials && !origins.contains(&"https://*.example");
            let has_http = |it: &&str| it.strip_prefix("http://").is_some_and(|host| !is_loopback(host));
            Policy {
                any_with_credentials: any || credentials && origins == ["*"],
                insecure: insecure || credentials && origins.iter().any(has_http),
                origins,
                hosts,
                credentials,
                null,
                same_host,
                by_hosts,
                missing_socket,
                csrf,
                methods,
                headers,
            }
        },
    )
}

/// RFC 6761 §6.3, and the addresses of the machine itself; of a host that a port may follow.
fn is_loopback(host: &str) -> bool {
    ["localhost", "127.", "[::1]"].iter().any(|it| host.starts_with(it))
}

fn request() -> impl Strategy<Value = Request> {
    let method = select(vec!["GET", "HEAD", "OPTIONS", "OPTIONS", "POST", "PUT", "PURGE"]);
    let upgrade = prop_oneof![4 => Just(None), 1 => select(vec!["websocket", "WebSocket", "h2c", "h2c, websocket"]).prop_map(Some)];
    let site = prop::option::of(select(vec!["same-origin", "none", "same-site", "cross-site", "x"]));
    let mode = prop::option::of(select(vec![
        "cors",
        "navigate",
        "no-cors",
        "same-origin",
        "websocket",
        "x",
    ]));
    let content_type = prop::option::of(select(vec![
        "text/plain",
        "Multipart/Form-Data ;a=b",
        "text/html",
        ";text/plain",
    ]));
    let asked_method = prop::option::of(select(vec!["PUT", "GET", "put", "PURGE", "", "P T", "TRACE"]));
    let asked_headers = prop::option::of(select(vec!["x-a", "X-A , x-b", "x-c", "", "x a", "x-a,,x-b"]));
    let origin = prop::option::weighted(0.9, select(&ORIGINS[..]));
    (
        method,
        select(&HOSTS[..]),
        select(vec!["http", "https"]),
        origin,
        upgrade,
        (site, mode, content_type),
        asked_method,
        asked_headers,
    )
        .prop_map(
            |(method, host, scheme, origin, upgrade, (site, mode, content_type), asked_method, asked_headers)| {
                Request {
                    method,
                    host,
                    scheme,
                    origin,
                    upgrade,
                    site,
                    mode,
                    content_type,
                    asked_method,
                    asked_headers,
                }
            },
        )
}

/// Scheme, host and port of an origin that a browser would send (HTML, "ASCII serialization of an origin"), a default
/// port apart.
fn tuple(origin: &str) -> Option<(String, String, Option<u16>)> {
    let (scheme, rest) = origin.split_once("://")?;
    let canonical = match scheme {
        "http" | "https" => Url::parse(origin).ok()?.origin().ascii_serialization(),
        _ => origin.to_owned(),
    };
    let default = if scheme == "https" { ":443" } else { ":80" };
    if origin != canonical && origin.strip_suffix(default) != Some(&canonical) {
        return None;
    }
    let host = match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => rest,
    };
    let is_name = |it: &str| {
        it.split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'))
    };
    let is_host = host.starts_with('[') || is_name(host.strip_suffix('.').unwrap_or(host));
    let port = Url::parse(&canonical).ok()?.port();
    (is_host && port != Some(0)).then(|| (scheme.to_owned(), host.to_owned(), port))
}

/// Whether `pattern` covers the tuple, by the words of `docs/policy.md`.
fn covers(pattern: &str, (scheme, host, port): &(String, String, Option<u16>)) -> bool {
    let (wanted_scheme, rest) = pattern.split_once("://").unwrap();
    let (wanted_host, wanted_port) = match rest.strip_suffix(":*") {
        Some(host) => (host, None),
        None => match rest
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()))
        {
            Some((host, number)) => (
                host,
                Some(number.parse().ok().filter(|it| Some(*it) != default_port(scheme))),
            ),
            None => (rest, Some(None)),
        },
    };
    let is_host = match wanted_host.split_once('*') {
        None => wanted_host == host,
        Some(("", domain)) => host.ends_with(domain) && host.len() > domain.len(),
        Some((prefix, suffix)) => {
            let between = host.strip_prefix(prefix).and_then(|it| it.strip_suffix(suffix));
            between.is_some_and(|it| !it.is_empty() && !it.contains('.'))
        }
    };
    wanted_scheme == scheme && is_host && wanted_port.is_none_or(|it| it == *port)
}

fn covers_if_any(pattern: &str, tuple: &(String, String, Option<u16>)) -> bool {
    pattern != "*" && covers(pattern, tuple)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// RFC 9110 §7.2: the host, in lower case and without a root dot unless `raw`, and the port.
fn target(host: &str, raw: bool) -> Option<(String, Option<u16>)> {
    let (before, after) = host.split_at(host.rfind(']').map_or(0, |it| it + 1));
    let (name, port) = match after.split_once(':') {
        Some((rest, port)) => (format!("{before}{rest}"), Some(port)),
        None => (host.to_owned(), None),
    };
    let port = port
        .map(|it| it.parse::<u16>().ok())
        .map_or(Some(None), |it| it.map(Some))?;
    if name.starts_with('[') {
        let Host::Ipv6(address) = Host::parse(&name).ok()? else {
            return None;
        };
        return Some((format!("[{address}]"), port));
    }
    let name = name.to_lowercase();
    let short = name.strip_suffix('.').unwrap_or(&name);
    let is_name = short
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'));
    is_name.then(|| (if raw { name.clone() } else { short.to_owned() }, port))
}

fn lists(entry: &str, host: &str) -> bool {
    entry == "*"
        || entry == host
        || (entry.starts_with('.') && (host.ends_with(entry) || entry.strip_prefix('.') == Some(host)))
}

fn slow(policy: &Policy, request: &Request) -> Outcome {
    // Long: the standards' steps, read from the first to the last.
    let is_any = policy.origins == ["*"];
    let tuple = request.origin.and_then(tuple);
    let nearest = |same_scheme: bool| {
        let tuple = tuple.as_ref().unwrap();
        policy.origins.iter().filter(|it| **it != "*").any(|pattern| {
            let host_only = pattern.strip_suffix(":*").unwrap_or(pattern);
            let host_only = match host_only
                .rsplit_once(':')
                .filter(|(_, it)| it.bytes().all(|it| it.is_ascii_digit()))
            {
                Some((host, _)) => host,
                None => host_only,
            };
            let (scheme, host) = host_only.split_once("://").unwrap();
            let anywhere = format!("{}://{host}:*", tuple.0);
            covers(&anywhere, tuple) && (scheme == tuple.0) == same_scheme
        })
    };
    let found: Result<&str, &str> = match (request.origin, &tuple) {
        (None, _) => Err("origin_missing"),
        (Some("null"), _) if is_any && !policy.credentials => Ok("any"),
        (Some("null"), _) if policy.null => Ok(if is_any { "any" } else { "origin_null" }),
        (Some("null"), _) => Err("origin_null"),
        (Some(_), None) => Err("origin_malformed"),
        (Some(_), Some(_)) if is_any => Ok("any"),
        (Some(_), Some(tuple)) => {
            let by = |wild: bool| {
                policy
                    .origins
                    .iter()
                    .any(|it| it.trim_end_matches(":*").contains('*') == wild && covers(it, tuple))
            };
            match (by(false), by(true)) {
                (true, _) => Ok("listed"),
                (_, true) => Ok("pattern"),
                _ if nearest(true) => Err("port_mismatch"),
                _ if nearest(false) => Err("scheme_mismatch"),
                _ => Err("origin_not_allowed"),
            }
        }
    };
    let grant = match found {
        _ if is_any && !policy.credentials => Some("*".to_owned()),
        Ok(_) => request.origin.map(str::to_owned),
        Err(_) => None,
    };
    let outcome = |check: &str, outcome: &str, reason: &str, goes_on: bool, allow_origin: &Option<String>| Outcome {
        finding: format!("{check}:{outcome}:{reason}"),
        goes_on,
        allow_origin: allow_origin.clone(),
    };
    // The page's own host and port, a port that is not shown being the default of its scheme.
    let is_own = |any_port: bool| match (&tuple, target(request.host, true)) {
        (Some((scheme, host, port)), Some((name, shown))) if scheme.starts_with("http") => {
            let default = default_port(scheme);
            *host == name && (any_port || shown.or(default) == port.or(default))
        }
        _ => false,
    };

    // What always carries cookies: an entry counts if it is no downgrade, and grants more than reading.
    let is_downgrade = !policy.insecure && request.scheme == "https" && tuple.as_ref().is_some_and(|it| it.0 == "http");
    let by_entry: Option<Result<&str, &str>> = tuple.as_ref().and_then(|tuple| {
        let mut entries = policy.origins.iter().filter(|it| covers_if_any(it, tuple));
        let exact = entries.clone().find(|it| !it.trim_end_matches(":*").contains('*'));
        let wild = entries.find(|it| it.contains("*.") && **it != "https://*.example" || it.contains("-*"));
        let reason = match (exact, wild) {
            (Some(_), _) => "listed",
            (_, Some(_)) => "pattern",
            _ if is_any && policy.any_with_credentials => "any",
            _ => return None,
        };
        let is_listed_loopback = reason != "any" && is_loopback(&tuple.1);
        Some(match is_downgrade && !is_listed_loopback {
            true => Err("scheme_mismatch"),
            false => Ok(reason),
        })
    });

    // 1. The host.
    let host = target(request.host, false);
    if let Some(hosts) = &policy.hosts {
        match &host {
            None => return outcome("hosts", "rejected", "host_malformed", false, &grant),
            Some((name, _)) if !hosts.iter().any(|it| lists(it, name)) => {
                return outcome("hosts", "rejected", "host_not_allowed", false, &grant);
            }
            Some(_) => {}
        }
    }
    // 2. RFC 6455 §4.2.2, step 4, and §10.2.
    if request
        .upgrade
        .is_some_and(|it| it.split(',').any(|it| it.trim().eq_ignore_ascii_case("websocket")))
    {
        let mut names = policy.hosts.iter().flatten().filter(|it| **it != "*");
        let by_host = match &tuple {
            Some((_, host, _)) => !host.ends_with('.') && names.any(|it| lists(it, host)),
            None => false,
        };
        // Under a name that is not this server's, the host itself says nothing (DNS rebinding).
        let is_named = match (&policy.hosts, &host) {
            (None, _) => true,
            (Some(hosts), Some((name, _))) => hosts.iter().any(|it| lists(it, name)),
            (Some(_), None) => false,
        };
        let on_same_host = policy.same_host && is_named && is_own(true);
        let shown = target(request.host, true);
        let on_allowed_host = policy.by_hosts
            && by_host
            && tuple.as_ref().is_some_and(|it| {
                it.0.starts_with("http")
                    && (!is_loopback(&it.1) || shown.as_ref().is_some_and(|(name, _)| is_loopback(name)))
            });
        let on_allowed_port = tuple.as_ref().is_some_and(|(scheme, host, port)| {
            let asked = shown.as_ref().and_then(|(_, port)| *port);
            port.is_none() || is_loopback(host) || asked.or(default_port(scheme)) == *port
        });
        let verdict = match found {
            Err("origin_missing") if policy.missing_socket => Ok("origin_missing"),
            Err(reason @ ("origin_missing" | "origin_null" | "origin_malformed")) => Err(reason),
            _ if request.origin == Some("null") => Err("origin_not_allowed"),
            _ if by_entry.is_some() => by_entry.unwrap(),
            _ if (on_same_host || on_allowed_host) && is_downgrade => Err("scheme_mismatch"),
            _ if on_same_host && is_own(false) => Ok("same_host"),
            _ if on_allowed_host && on_allowed_port => Ok("allowed_hosts"),
            _ if on_same_host || on_allowed_host => Err("port_mismatch"),
            Ok(_) => Err("origin_not_allowed"),
            Err(reason) => Err(reason),
        };
        return match verdict {
            Ok(reason) => outcome("websocket", "allowed", reason, true, &grant),
            Err(reason) => outcome("websocket", "rejected", reason, false, &grant),
        };
    }
    // 3. Go's http.CrossOriginProtection.
    let is_trusted = match (&policy.csrf, &tuple) {
        (Some((trusted, _)), Some(tuple)) => trusted.iter().any(|it| covers(it, tuple)),
        _ => false,
    };
    if let Some((_, missing)) = &policy.csrf
        && !matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
        && !matches!(request.site, Some("same-origin" | "none"))
    {
        let refusal = match (found, request.site) {
            _ if request.origin == Some("null") => Some("origin_null"),
            _ if by_entry.is_some() => by_entry.unwrap().err(),
            _ if is_trusted => is_downgrade.then_some("scheme_mismatch"),
            (Err("origin_missing"), Some(_)) => Some("cross_site_write"),
            (Err("origin_missing"), None) => (!missing).then_some("origin_missing"),
            (Err(reason @ ("origin_null" | "origin_malformed")), _) => Some(reason),
            _ if is_own(false) && request.site.is_none() => {
                (tuple.as_ref().unwrap().0 != request.scheme).then_some("scheme_mismatch")
            }
            _ => Some("cross_site_write"),
        };
        if let Some(reason) = refusal {
            return outcome("csrf", "rejected", reason, false, &grant);
        }
    }
    // 4. Fetch §3.2.2: a CORS-preflight request.
    if request.method == "OPTIONS" && request.origin.is_some() && request.asked_method.is_some_and(|it| !it.is_empty())
    {
        let reason = match found {
            Ok(reason) => reason,
            Err(reason) => return outcome("cors", "rejected", reason, false, &None),
        };
        let is_token = |it: &str| !it.contains([' ', '\t']) && !it.is_empty();
        let method = request.asked_method.unwrap();
        let method_passes = match policy.methods.as_slice() {
            ["*"] => is_token(method) && method != "TRACE",
            methods => matches!(method, "GET" | "HEAD" | "POST") || methods.contains(&method),
        };
        let mut names = request
            .asked_headers
            .into_iter()
            .flat_map(|it| it.split(','))
            .map(str::trim)
            .filter(|it| !it.is_empty());
        let headers_pass = names.all(|name| {
            is_token(name) && (policy.headers == ["*"] || policy.headers.iter().any(|it| it.eq_ignore_ascii_case(name)))
        });
        return match (method_passes, headers_pass) {
            (false, _) => outcome("cors", "rejected", "method_not_allowed", false, &grant),
            (_, false) => outcome("cors", "rejected", "header_not_allowed", false, &grant),
            _ => outcome("cors", "allowed", reason, false, &grant),
        };
    }
    // 5. Fetch §3.2.5: what the CORS check will find, where there is one (§4.1, main fetch: not for `no-cors` or `navigate`,
    // nor for a request to its own origin).
    let asks_nothing = matches!(request.mode, Some("navigate" | "no-cors" | "same-origin" | "websocket"))
        || matches!(request.site, Some("same-origin" | "none"));
    let is_form = matches!(request.content_type, Some("text/plain" | "Multipart/Form-Data ;a=b"));
    let is_old_form = request.mode.is_none() && request.method == "POST" && is_form && is_trusted;
    let is_downgraded = tuple.as_ref().is_some_and(|it| it.0 == "http") && request.scheme == "https";
    match found {
        Ok(reason) => outcome("cors", "allowed", reason, true, &grant),
        Err("origin_missing") => outcome("cors", "allowed", "origin_missing", true, &grant),
        Err(_) if grant.is_some() => outcome("cors", "allowed", "any", true, &grant),
        // What looks like HTTP here may be TLS that ended in front; what looks like HTTPS is.
        Err(_) if is_own(false) && !is_downgraded => outcome("cors", "allowed", "same_host", true, &grant),
        Err(_) if asks_nothing || is_old_form => outcome("cors", "allowed", "not_cors", true, &grant),
        Err(_) if is_own(false) => outcome("cors", "rejected", "scheme_mismatch", true, &grant),
        Err(reason) => outcome("cors", "rejected", reason, true, &grant),
    }
}

/// `None` if the policy does not enforce `cors`, which all of these do.
fn fast(policy: &Policy, request: &Request) -> Option<Outcome> {
    // Long: the same policy and request, written for the filter key by key.
    let mut origins = policy.origins.clone();
    origins.dedup();
    let mut text = json!({
        "cors": { "allow_credentials": policy.credentials, "allow_methods": policy.methods, "allow_headers": policy.headers },
        "websocket": {
            "same_host": policy.same_host,
            "allowed_hosts": policy.by_hosts,
            "missing_origin": if policy.missing_socket { "allow" } else { "reject" },
        },
        "dangerously_allow_null_origin": policy.null,
        "dangerously_allow_any_origin_with_credentials": policy.any_with_credentials,
        "dangerously_allow_insecure_origins": policy.insecure,
    });
    let keys = text.as_object_mut().unwrap();
    if !origins.is_empty() {
        keys.insert("allowed_origins".to_owned(), json!(origins));
    }
    if let Some(hosts) = &policy.hosts {
        keys.insert("allowed_hosts".to_owned(), json!(hosts));
    }
    if let Some((trusted, missing)) = &policy.csrf {
        let missing = if *missing { "allow" } else { "reject" };
        keys.insert(
            "csrf".to_owned(),
            json!({ "trusted_origins": trusted, "missing_origin": missing }),
        );
    }
    let loaded = config::load(text.to_string().as_bytes()).unwrap();
    let fields = [
        (":method", Some(request.method)),
        (":path", Some("/")),
        (":scheme", Some(request.scheme)),
        (":authority", Some(request.host)),
        ("origin", request.origin),
        ("upgrade", request.upgrade),
        ("sec-fetch-site", request.site),
        ("sec-fetch-mode", request.mode),
        ("content-type", request.content_type),
        ("access-control-request-method", request.asked_method),
        ("access-control-request-headers", request.asked_headers),
    ];
    let head: request::Request<'_> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.as_bytes(), (*value)?.as_bytes())))
        .collect();
    let verdict = loaded.policy.decide(&head);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (goes_on, allow_origin) = match verdict.action {
        Action::Forward(forward) => {
            let ResponseCors::Replace(grant) = forward.response else {
                return None;
            };
            let origin = match grant.origin {
                AllowOrigin::Any => Some("*".to_owned()),
                AllowOrigin::Named(origin) => Some(text(&origin)),
                AllowOrigin::Withheld => None,
            };
            (true, origin)
        }
        Action::Reply(reply) => {
            let reply = reply.render();
            let header = reply
                .headers
                .iter()
                .find(|(name, _)| *name == "access-control-allow-origin");
            (false, header.map(|(_, value)| text(value)))
        }
    };
    Some(Outcome {
        finding: verdict.finding.to_string(),
        goes_on,
        allow_origin,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decision_is_what_the_standards_steps_come_to(policy in policy(), requests in prop::collection::vec(request(), 8)) {
        for request in requests {
            prop_assert_eq!(fast(&policy, &request), Some(slow(&policy, &request)), "{:?}\n{:?}", policy, request);
        }
    }
}
