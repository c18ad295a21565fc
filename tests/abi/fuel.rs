//! What callbacks cost in WebAssembly instructions, which neither machine nor load changes, held to `tests/bench/fuel.json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::MODULE;
use crate::bare::Vm;
use crate::bare::state::Refusal;
use crate::support::stream::{Host, Stream, reply_on_the_wire, respond};
use crate::support::{Response, root};

/// How far a figure may go from the one that was accepted, in parts of a hundred.
const TOLERANCE: f64 = 2.0;

const POLICY: &str = r#"{
    "allowed_origins": ["https://app.example", "https://*.preview.example"],
    "allowed_hosts": ["api.example"],
    "cors": {"allow_credentials": true, "allow_headers": ["content-type", "authorization", "x-requested-with"]}
}"#;

/// What a browser sends with any request.
const BROWSER: &[&str] = &[
    ":method: GET",
    ":path: /items?page=2",
    ":scheme: https",
    ":authority: api.example",
    "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "accept: application/json, text/plain, */*",
    "accept-language: en-GB,en;q=0.9",
    "accept-encoding: gzip, deflate, br, zstd",
    "referer: https://app.example/shop",
    "cookie: sessionid=0123456789abcdef0123456789abcdef; csrftoken=fedcba9876543210",
    "sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"",
    "sec-ch-ua-mobile: ?0",
    "sec-fetch-mode: cors",
    "sec-fetch-site: cross-site",
    "x-request-id: 8e9b1d2c-5f3a-4c6b-9d7e-0a1b2c3d4e5f",
];

const ANSWER: &[&str] = &[
    "content-type: application/json",
    "content-length: 512",
    "server: backend",
    "date: now",
];

/// A request, and what the backend or the proxy answers it.
struct Typical {
    name: &'static str,
    method: &'static str,
    lines: Vec<String>,
    status: u16,
}

fn with(name: &'static str, lines: &[&str]) -> Typical {
    Typical {
        name,
        method: "GET",
        lines: lines.iter().map(ToString::to_string).collect(),
        status: 200,
    }
}

fn preflight(name: &'static str, lines: &[&str]) -> Typical {
    let asks = ["access-control-request-method: PUT", "origin: https://app.example"];
    Typical {
        method: "OPTIONS",
        ..with(name, &[&asks, lines].concat())
    }
}

fn typical() -> Vec<Typical> {
    let mut typical = vec![
        with("GET without Origin", &[]),
        with("GET, allowed origin", &["origin: https://app.example"]),
        with("GET, refused origin", &["origin: https://evil.example"]),
        Typical {
            status: 404,
            ..with("GET, allowed origin, 404", &["origin: https://app.example"])
        },
        preflight(
            "preflight",
            &["access-control-request-headers: authorization,content-type"],
        ),
        Typical {
            status: 101,
            ..with(
                "WebSocket handshake",
                &[
                    "origin: https://app.example",
                    "upgrade: websocket",
                    "connection: upgrade",
                    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
                ],
            )
        },
    ];
    typical.extend(hostile());
    typical
}

fn hostile() -> [Typical; 5] {
    let long = |unit: &str| unit.repeat(16384 / unit.len());
    [
        with(
            "hostile: origin of 16 KB",
            &[&format!("origin: https://{}", long("a.b-"))],
        ),
        with(
            "hostile: origin of 16 KB of bytes 0xFF",
            &[&format!("origin: {}", long("\u{ff}"))],
        ),
        preflight(
            "hostile: 16 KB of names asked for",
            &[&format!(
                "access-control-request-headers: {}",
                long("x-a,authorization,")
            )],
        ),
        preflight(
            "hostile: 16 KB of commas asked for",
            &[&format!("access-control-request-headers: {}", long(","))],
        ),
        with("hostile: host of 16 KB", &[&format!("host: {}", long("a."))]),
    ]
}

fn field(line: &str) -> (Vec<u8>, Vec<u8>) {
    let (name, value) = line.split_once(": ").unwrap();
    let latin1 = |text: &str| text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
    (latin1(name), latin1(value))
}

/// One request in a VM that has seen it before: `request`, `response` and the making and ending of the `context`.
fn measure(vm: &mut Vm, typical: &Typical) -> [u64; 3] {
    let mut spent = [0; 3];
    for _ in 0..8 {
        let mut request: Vec<_> = BROWSER.iter().map(|it| field(it)).collect();
        request[0].1 = typical.method.into();
        request.extend(typical.lines.iter().map(|it| field(it)));
        let mut stream = Stream {
            request,
            ..Stream::default()
        };
        vm.begin();
        let begun = vm.spent;
        let goes_on = vm.on_request(&mut stream);
        let asked = vm.spent;
        let response = if goes_on {
            let headers = ANSWER.iter().map(|it| it.split_once(": ").unwrap());
            Response {
                status: typical.status,
                headers: headers.map(|(name, value)| (name.to_owned(), value.into())).collect(),
            }
        } else {
            reply_on_the_wire(&stream)
        };
        respond(vm, &mut stream, response);
        let answered = vm.spent;
        let ended = vm.end_at_a_cost();
        spent = [asked, answered, begun + ended];
    }
    spent
}

fn policy_of(origins: usize) -> String {
    let origins: Vec<_> = (0..origins)
        .map(|it| format!("https://shop-{it}.example-{}.example", it % 977))
        .collect();
    json!({ "allowed_origins": origins, "allowed_hosts": ["api.example"] }).to_string()
}

/// By name, in the order of the table; only sums are held to the baseline.
fn figures() -> Vec<(String, u64, String)> {
    let mut vm = Vm::new(&MODULE, Refusal::default());
    assert!(vm.configure(POLICY.as_bytes()));
    let mut figures = Vec::new();
    for typical in typical() {
        let [request, response, context] = measure(&mut vm, &typical);
        let parts = format!("request {request}, response {response}, context {context}");
        figures.push((typical.name.to_owned(), request + response + context, parts));
    }
    let long = policy_of(100_000);
    let compiled = config::compile(long.as_bytes(), config::LONG).unwrap();
    let inline = config::inline(&compiled);
    for (what, policy) in [
        ("1 origins", policy_of(1).into_bytes()),
        ("100000 origins", long.into_bytes()),
        ("100000 compiled origins", compiled),
        ("100000 compiled origins in base64", inline.into_bytes()),
    ] {
        let mut vm = Vm::new(&MODULE, Refusal::default());
        let size = u32::try_from(policy.len()).unwrap();
        vm.store.data_mut().configuration = policy;
        assert_eq!(
            vm.call("proxy_on_configure", &[crate::bare::ROOT, size]).unwrap(),
            Some(1)
        );
        let parts = format!("{size} bytes, {} pages of memory", vm.pages());
        figures.push((format!("on_configure, {what}"), vm.spent, parts));
    }
    figures
}

fn baseline() -> PathBuf {
    root().join("tests/bench/fuel.json")
}

#[test]
fn callbacks_cost_what_they_did() {
    let figures = figures();
    let is_accepted = std::env::var_os("ORIGIN_GATE_ACCEPT").is_some();
    if is_accepted {
        let all: BTreeMap<_, _> = figures.iter().map(|(name, sum, _)| (name, sum)).collect();
        fs::write(baseline(), serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
    let text = fs::read_to_string(baseline()).unwrap_or_else(|_| "{}".to_owned());
    let accepted: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap();
    let mut table = String::from("WebAssembly instructions a stream:\n");
    let mut changes = String::new();
    for (name, sum, parts) in &figures {
        writeln!(table, "  {name:<40} {sum:>12}  ({parts})").unwrap();
        let was = accepted.get(name).copied().unwrap_or_default();
        let change = (*sum as f64 / was as f64 - 1.0) * 100.0;
        if change.abs() > TOLERANCE {
            writeln!(changes, "  {name}: {was} → {sum} ({change:+.1} %)").unwrap();
        }
    }
    table.push_str(&hostility(&figures));
    println!("{table}");
    assert!(
        changes.is_empty(),
        "callbacks cost more or less than tests/bench/fuel.json says, by over {TOLERANCE} %:\n{changes}\
         to accept the new figures: ./build.sh host --accept"
    );
    let names: Vec<_> = figures.iter().map(|(name, ..)| name).collect();
    for name in accepted.keys() {
        assert!(
            names.contains(&name),
            "tests/bench/fuel.json: nothing measures {name}: ./build.sh host --accept"
        );
    }
}

/// What the worst request costs, over a typical one of its kind.
fn hostility(figures: &[(String, u64, String)]) -> String {
    let sum = |name: &str| figures.iter().find(|(it, ..)| it == name).unwrap().1 as f64;
    let mut text = String::from("the hostile over the typical:\n");
    for (name, hostile, _) in figures.iter().filter(|(name, ..)| name.starts_with("hostile")) {
        let like = if name.contains("asked for") {
            "preflight"
        } else {
            "GET, refused origin"
        };
        writeln!(text, "  {name:<40} {:>12.2}  (of {like})", *hostile as f64 / sum(like)).unwrap();
    }
    text
}
