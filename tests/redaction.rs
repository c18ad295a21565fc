//! What the log may not say, whatever clients send: passwords and tokens come in addresses, in places where no origin or
//! host has one. One test, since the log is one for all.

use crate::captured;
use crate::verdict;
use std::cell::Cell;
use std::time::Duration;

use crate::support::fake::Native;
use crate::support::stream::{Host, Stream};
use config::Loaded;
use filter::DecisionLog;
use policy::request::Request;
use policy::verdict::Finding;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// What is in no line. The first two are user information, the last is in a query. The third comes late in a path, late
/// enough wherever a reader may let the path begin.
const SECRETS: [&str; 4] = ["us7er", "pa55", "d33p", "t0ken"];

/// What may stand anywhere in an address that somebody sends by mistake.
const NOISE: &str = "(|,| |, |/|\\?|#|\\\\|%2f|%40|%|@|,x://|\"|\n|;|:|=|\\[|\u{e9})";

fn address() -> impl Strategy<Value = String> {
    let scheme = "(https://|http://|HTTPS://|//||https:\\\\\\\\|blob:https://|https:|a\\+b://)";
    let user = (NOISE, NOISE, NOISE, "(@|@@|%40)")
        .prop_map(|(before, between, after, at)| format!("{before}us7er{between}:pa55{after}{at}"));
    let user = prop_oneof![Just(String::new()), user];
    let host = "(a\\.example|evil\\.example|api\\.example|\\[::1\\]|10\\.0\\.0\\.1|)(|:8443|:x)";
    let path = (NOISE, "[ab]{0,2}", NOISE, "(|/|/x/)")
        .prop_map(|(before, segment, after, end)| format!("/{before}{segment}/b{after}/c/e/d33p{end}"));
    let path = prop_oneof![
        Just(String::new()),
        Just("/".to_owned()),
        Just("/a/b".to_owned()),
        Just("/a/b/d33p".to_owned()),
        path
    ];
    let query = ("[?#]", NOISE).prop_map(|(mark, noise)| format!("{mark}a={noise}t0ken{noise}d33p"));
    // Sessions in parameters, of which no other mark tells.
    let parameter =
        ("[;&]", "(S=|jsessionid=|)", "(|/x|;y)").prop_map(|(mark, name, end)| format!("{mark}{name}t0ken{end}"));
    let query = prop_oneof![Just(String::new()), query, parameter];
    (scheme, user, host, path, query)
        .prop_map(|(scheme, user, host, path, query)| [scheme, user, host, path, query].concat())
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => address(),
        1 => (address(), "(,|, | )", address()).prop_map(|(one, gap, two)| [one, gap, two].concat()),
        1 => Just("https://b.example".to_owned()),
        1 => "(10\\.0\\.0\\.1|b\\.example)",
    ]
}

const NAMES: [&str; 8] = [
    ":authority",
    "origin",
    "x-forwarded-host",
    "access-control-request-method",
    "access-control-request-headers",
    "upgrade",
    "sec-fetch-site",
    ":method",
];

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let path = (address(), "(/a/b|/healthz/x)").prop_map(|(address, start)| [&start, "/d33p/", &address].concat());
    let path = prop_oneof![path, Just("/a/b/d33p".to_owned()), Just("/a;d33p".to_owned())];
    let path = path.prop_map(|it| (":path".to_owned(), it));
    let rest = (prop::sample::select(&NAMES[..]), value()).prop_map(|(name, value)| (name.to_owned(), value));
    (path, prop::collection::vec(rest, 1..5)).prop_map(|(path, rest)| [vec![path], rest].concat())
}

fn policies() -> Vec<Loaded> {
    let texts = [
        r#"{"allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"], "csrf": {},
            "hosts": {"forwarded_host": "check", "exempt_paths": ["/healthz"]}}"#,
        r#"{"allowed_origins": ["*"]}"#,
        r#"{"allowed_origins": ["https://*.a.example"], "allowed_hosts": ["*"], "cors": {"allow_credentials": true}}"#,
        r#"{"allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"], "hosts": {"mode": "report_only"},
            "websocket": {"mode": "report_only"}, "csrf": {"mode": "report_only"}}"#,
    ];
    texts.map(|it| config::load(it.as_bytes()).unwrap()).into()
}

#[test]
fn no_line_has_what_is_only_for_the_backend() {
    captured::start();
    let policies = policies();
    let lines = Cell::new(0);
    TestRunner::default()
        .run(&fields(), |fields| {
            let bytes = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            let head: Request<'_> = bytes.collect();
            for Loaded { policy, provenance, .. } in &policies {
                // Whatever the reason, though most of them have other requests.
                let decision_log = DecisionLog::default();
                for finding in Finding::all() {
                    let (verdict, now) = (verdict::of(finding), || Duration::ZERO);
                    decision_log.record(policy, provenance, &verdict, &head, now, |line| {
                        log::debug!("{}", String::from_utf8_lossy(&line.concat()))
                    });
                }
            }
            for policy in self::policies() {
                let mut native = Native::new(policy);
                let mut stream = Stream {
                    request: fields
                        .iter()
                        .map(|(name, value)| (name.clone().into(), value.clone().into()))
                        .collect(),
                    ..Stream::default()
                };
                native.begin();
                native.on_request(&mut stream);
                stream.response.push((b"set-cookie".to_vec(), b"session=1".to_vec()));
                native.on_response(&mut stream);
            }
            for (_, line) in captured::take() {
                lines.set(lines.get() + 1);
                let said = SECRETS.iter().find(|it| line.contains(*it));
                prop_assert_eq!(said, None, "{}\n{:?}", line, fields);
                prop_assert!(!line.contains('\n'), "{}", line);
            }
            Ok(())
        })
        .unwrap();
    assert!(lines.get() > 1000, "only {lines:?}");
}

/// What is left says enough.
#[test]
fn what_is_left_of_an_origin_names_it() {
    captured::start();
    let policies = policies();
    let Loaded { policy, provenance, .. } = &policies[0];
    let said = |origin: &str| {
        let decision_log = DecisionLog::default();
        let fields: [(&[u8], &[u8]); 2] = [(b":authority", b"api.example"), (b"origin", origin.as_bytes())];
        let finding = Finding::all()
            .find(|it| it.to_string() == "cors:rejected:origin_malformed")
            .unwrap();
        decision_log.record(
            policy,
            provenance,
            &verdict::of(finding),
            &fields.into_iter().collect(),
            || Duration::ZERO,
            |line| log::debug!("{}", String::from_utf8_lossy(&line.concat())),
        );
        let line = captured::take().pop().unwrap().1;
        let (_, rest) = line.split_once(" origin=\"").unwrap();
        rest.split_once("\" host=").unwrap().0.to_owned()
    };
    for (origin, shown) in [
        ("HTTPS://A.example/", "HTTPS://A.example/"),
        ("https://us7er:pa55@a.example:8443/", "https://…@a.example:8443/"),
        (
            "https://a.example,https://b.example",
            "https://a.example,https://b.example",
        ),
        ("https://a.example/x/y/d33p?t0ken", "https://a.example/x/y/…"),
        ("https://a.example/x,y://d33p", "https://a.example/x…"),
        ("https://a.example?t0ken", "https://a.example…"),
        ("https://a.example;t0ken=1", "https://a.example…"),
        ("https://a.example/x/y;t0ken", "https://a.example/x/y…"),
        ("https://a.example&t0ken", "https://a.example…"),
        ("localhost:8000", "localhost:8000"),
    ] {
        assert_eq!(said(origin), shown);
    }
}
