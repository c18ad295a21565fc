//! What `import envoy` makes of generated policies of Envoy's own filters `cors` and `csrf`, against these filters.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use analysis::explain::{Explainer, Scenario};
use import::import_envoy;
use serde_json::{Value, json};

use super::artefact::Artefact;
use super::process::{RunningEnvoy, cluster, socket};
use crate::random::Random;

/// An answer, as far as browsers read it.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
}

impl Answer {
    /// Whether a page of an origin may read it, and whether with cookies.
    fn is_readable(&self, origin: &str) -> (bool, bool) {
        let allowed = self.headers.get("access-control-allow-origin").map(String::as_str);
        let with_cookies = allowed == Some(origin)
            && self
                .headers
                .get("access-control-allow-credentials")
                .is_some_and(|it| it == "true");
        (allowed == Some(origin) || allowed == Some("*"), with_cookies)
    }

    /// Whether a browser goes on after this answer to a preflight.
    fn grants(&self, origin: &str, method: &str, header: &str) -> bool {
        let has = |name: &str, item: &str| {
            let list = self.headers.get(name).map_or("", String::as_str);
            list.split(',').any(|it| it.trim().eq_ignore_ascii_case(item))
        };
        let is_method_allowed = method == "POST" || has("access-control-allow-methods", method);
        (200..300).contains(&self.status)
            && self.is_readable(origin).0
            && is_method_allowed
            && has("access-control-allow-headers", header)
    }
}

/// One connection: Envoy waits a second before it closes one.
fn ask(stream: &mut BufReader<TcpStream>, host: &str, method: &str, path: &str, headers: &[String]) -> Answer {
    let headers: String = headers.iter().map(|it| format!("{it}\r\n")).collect();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n{headers}\r\n");
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let mut lines = stream
        .by_ref()
        .lines()
        .map(Result::unwrap)
        .take_while(|it| !it.is_empty());
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HashMap<_, _> = lines
        .map(|it| {
            it.split_once(": ")
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .unwrap()
        })
        .collect();
    let length = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).unwrap();
    Answer { status, headers }
}

/// The same of a policy. The backend gives 503, as there is none.
fn explained(explainer: &Explainer, host: &str, method: &str, path: &str, headers: &[String]) -> Answer {
    let scenario = Scenario {
        host: Some(host),
        origin: None,
        method,
        path,
        scheme: "http",
        websocket: false,
        headers,
        status: Some(503),
        response: &[],
    };
    let exchange = scenario.exchange().unwrap();
    let explanation = explainer.explain(&exchange).unwrap();
    let text = |it: &[u8]| String::from_utf8(it.to_vec()).unwrap();
    let mut headers: HashMap<_, _> = explanation
        .response
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    Answer {
        status: headers.remove(":status").unwrap().parse().unwrap(),
        headers,
    }
}

const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";

fn matcher(random: &mut Random) -> Value {
    random.one(&[
        || json!({ "exact": "https://a.example" }),
        || json!({ "exact": "http://a.example" }),
        || json!({ "exact": "https://a.example:443" }),
        || json!({ "exact": "https://b.example:8443" }),
        || json!({ "exact": "HTTPS://b.example", "ignore_case": true }),
        || json!({ "exact": "null" }),
        || json!({ "exact": "*" }),
        || json!({ "prefix": "https://a." }),
        || json!({ "prefix": "https://" }),
        || json!({ "suffix": ".a.example" }),
        || json!({ "suffix": "example" }),
        || json!({ "contains": "a.example" }),
        || json!({ "safe_regex": { "regex": r"https://[a-z]+\.a\.example" } }),
        || json!({ "safe_regex": { "regex": "https://.*" } }),
        || json!({ "safe_regex": { "regex": ".*" } }),
        || json!({ "safe_regex": { "regex": r"https?://(a|b)\.example(:\d+)?" } }),
    ])()
}

fn share(of: u32) -> Value {
    json!({ "default_value": { "numerator": of } })
}

/// A policy of `cors`, of which any field may be absent.
fn cors(random: &mut Random) -> Value {
    let mut policy = json!({ "@type": format!("{FILTERS}.cors.v3.CorsPolicy") });
    if random.below(4) > 0 {
        let count = 1 + random.below(2);
        policy["allow_origin_string_match"] = (0..count).map(|_| matcher(random)).collect();
    }
    for (key, value) in [
        ("allow_methods", random.one(&["GET, PUT", "*", "DELETE,POST", ""])),
        ("allow_headers", random.one(&["x-a, content-type", "*", "x-b", ""])),
        ("expose_headers", random.one(&["x-c", ""])),
        ("max_age", random.one(&["600", "", "0"])),
    ] {
        policy[key] = value.into();
    }
    if random.below(2) == 0 {
        policy["allow_credentials"] = (random.below(2) == 0).into();
    }
    if random.below(6) == 0 {
        policy["filter_enabled"] = share(0);
        policy["shadow_enabled"] = share(random.one(&[0, 100]));
    }
    policy
}

fn csrf(random: &mut Random) -> Value {
    json!({
        "@type": format!("{FILTERS}.csrf.v3.CsrfPolicy"),
        "filter_enabled": share(random.one(&[100, 100, 0])),
        "shadow_enabled": share(random.one(&[100, 0])),
        "additional_origins": random.one(&[
            || json!([]),
            || json!([{ "exact": "a.example" }]),
            || json!([{ "exact": "b.example:8443" }, { "suffix": ".a.example" }]),
            || json!([{ "safe_regex": { "regex": ".*" } }]),
        ])(),
    })
}

fn per_filter(random: &mut Random) -> Value {
    let mut configs = json!({});
    if random.below(3) > 0 {
        configs["envoy.filters.http.cors"] = cors(random);
    }
    if random.below(3) == 0 {
        configs["envoy.filters.http.csrf"] = csrf(random);
    }
    configs
}

fn virtual_host(number: usize, random: &mut Random) -> Value {
    let route = |prefix: &str, configs: Value| json!({ "match": { "prefix": prefix }, "route": { "cluster": "none" }, "typed_per_filter_config": configs });
    json!({
        "name": format!("h{number}"),
        "domains": [format!("h{number}.example")],
        "typed_per_filter_config": per_filter(random),
        "routes": [route("/in/", per_filter(random)), route("/", if random.below(2) == 0 { json!({}) } else { per_filter(random) })],
    })
}

fn filters() -> Value {
    json!([
        { "name": "envoy.filters.http.cors", "typed_config": { "@type": format!("{FILTERS}.cors.v3.Cors") } },
        {
            "name": "envoy.filters.http.csrf",
            "typed_config": { "@type": format!("{FILTERS}.csrf.v3.CsrfPolicy"), "filter_enabled": share(0) },
        },
        { "name": "envoy.filters.http.router", "typed_config": { "@type": format!("{FILTERS}.router.v3.Router") } },
    ])
}

fn configuration(hosts: &[Value]) -> Value {
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "native",
        "http_filters": filters(),
        "route_config": { "virtual_hosts": hosts },
    });
    json!({
        "admin": { "address": socket(([127, 0, 0, 1], 0).into()) },
        "static_resources": {
            "listeners": [{
                "name": "native",
                "address": socket(([127, 0, 0, 1], 0).into()),
                "filter_chains": [{ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] }],
            }],
            // Nothing listens there.
            "clusters": [cluster("none", ([127, 0, 0, 1], 1).into())],
        },
    })
}

const ORIGINS: [&str; 10] = [
    "https://a.example",
    "http://a.example",
    "https://b.example",
    "https://b.example:8443",
    "https://x.a.example",
    "https://x.y.a.example",
    "https://a.evil.example",
    "https://evil.test",
    "https://xa.example",
    "null",
];

#[test]
#[ignore = "needs Envoy: ./build.sh test"]
fn an_imported_policy_lets_in_whom_envoys_filters_let_in() {
    // Long: each kind of question, asked of both.
    let mut random = Random(0x5DEE_CE66_D1CE_4E5B);
    let hosts: Vec<_> = (0..40).map(|number| virtual_host(number, &mut random)).collect();
    let envoy = RunningEnvoy::spawn_with(Artefact::Module, &[], |_| configuration(&hosts)).wait();
    let stream = &mut BufReader::new(TcpStream::connect(envoy.address("native")).unwrap());
    let (mut equal, mut stricter, mut imported) = (0, 0, 0);
    for (number, host) in hosts.iter().enumerate() {
        let one = json!({ "http_filters": filters(), "virtual_hosts": [host] }).to_string();
        let made = import_envoy(&[("envoy.json".to_owned(), one)]);
        let Some(policy) = made.policy else {
            let is_said = |it: &String| it.contains("no route has a policy") || it.contains("nothing is left");
            assert!(made.notes.iter().any(is_said), "{:#?}\n{host:#}", made.notes);
            continue;
        };
        imported += 1;
        let explainer = Explainer::new(config::load(policy.as_bytes()).unwrap());
        let is_exact = !made
            .notes
            .iter()
            .any(|it| it.contains("left out") || it.contains("is off beside"));
        let name = format!("h{number}.example");
        for path in ["/in/x", "/out"] {
            for origin in ORIGINS {
                let origin_line = format!("origin: {origin}");
                let mut compare = |what: &str, before: bool, after: bool| {
                    assert!(
                        before || !after,
                        "{what} {origin} {path} more than before:\n{policy}\n{:#?}\n{host:#}",
                        made.notes
                    );
                    // Ours takes no plain page of `http` for one that may write, or read with cookies.
                    assert!(
                        after || !before || !is_exact,
                        "{what} {origin} {path} less, unsaid:\n{policy}\n{:#?}\n{host:#}",
                        made.notes
                    );
                    *(if before == after { &mut equal } else { &mut stricter }) += 1;
                };
                let plain = [origin_line.clone()];
                let [before, after] = [
                    ask(stream, &name, "GET", path, &plain),
                    explained(&explainer, &name, "GET", path, &plain),
                ];
                compare("reading", before.is_readable(origin).0, after.is_readable(origin).0);
                compare("cookies", before.is_readable(origin).1, after.is_readable(origin).1);
                let [before, after] = [
                    ask(stream, &name, "POST", path, &plain),
                    explained(&explainer, &name, "POST", path, &plain),
                ];
                compare("writing", before.status != 403, after.status != 403);
                for (method, header) in [("PUT", "x-a"), ("POST", "content-type"), ("DELETE", "x-b")] {
                    let lines = [
                        origin_line.clone(),
                        format!("access-control-request-method: {method}"),
                        format!("access-control-request-headers: {header}"),
                    ];
                    let [before, after] = [
                        ask(stream, &name, "OPTIONS", path, &lines),
                        explained(&explainer, &name, "OPTIONS", path, &lines),
                    ];
                    compare(
                        "a preflight",
                        before.grants(origin, method, header),
                        after.grants(origin, method, header),
                    );
                }
            }
        }
    }
    println!("{imported} policies: {equal} answers alike, {stricter} stricter");
    assert!(imported > 25 && equal > 5 * stricter, "{imported} {equal} {stricter}");
}
