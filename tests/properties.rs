//! What must hold of every input, not only of those that somebody thought of.

use std::fmt::Write;

use advice::nearest::{Difference, nearest, sibling};
use policy::Policy;
use policy::headers;
use policy::host::{Authority, Host};
use policy::origin::{MAX_ORIGIN, Origin};
use policy::pattern::{HostPattern, OriginHosts, OriginPattern, Ports};
use policy::request::Request;
use policy::set::{HostSet, OriginSet};
use policy::verdict::{Action, Finding, Outcome, RequestEdit};
use proptest::prelude::*;

/// Few labels, so that names meet often.
fn name() -> impl Strategy<Value = String> {
    "(shop-a-x|shop-b|shop--x|a|b|xa|a_|-)(\\.(a|b|com|localhost)){0,3}\\.?"
}

fn origin() -> impl Strategy<Value = String> {
    let host = prop_oneof![8 => name(), 1 => "\\[(::1|::2|1::)\\]", 1 => "(127|10)\\.0\\.0\\.[12]"];
    ("(https|http|app)", host, "(|:443|:80|:8443|:1)")
        .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

fn origin_pattern() -> impl Strategy<Value = String> {
    let host = prop_oneof![3 => name(), 2 => name().prop_map(|it| format!("*.{it}")), 2 => "(shop-|shop-a-|shop--|-)\\*(|-x|x|-)\\.(a|b|com)(\\.a)?\\.?"];
    let pattern = ("(https|http)", host, "(|:443|:8443|:\\*)");
    prop_oneof![
        pattern.prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}")),
        origin()
    ]
}

fn host_pattern() -> impl Strategy<Value = String> {
    prop_oneof![3 => name(), 2 => name().prop_map(|it| format!(".{it}")), 1 => "\\[(::1|0:0::2)\\]"]
}

/// A byte string that begins like an origin and then need not go on like one.
fn almost_origin() -> impl Strategy<Value = Vec<u8>> {
    (origin(), any::<prop::sample::Index>(), any::<Option<u8>>()).prop_map(|(text, at, byte)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        match byte {
            Some(byte) => bytes.insert(at, byte),
            None => drop(bytes.remove(at)),
        }
        bytes
    })
}

const NAMES: [&[u8]; 17] = [
    b":method",
    b":path",
    b":authority",
    b":scheme",
    b"origin",
    b"upgrade",
    b"forwarded",
    b"Origin",
    b"sec_fetch_site",
    b"x-forwarded-host",
    b"x_forwarded_host",
    b"x-forwarded-proto",
    b"sec-fetch-site",
    b"sec-fetch-mode",
    b"content-type",
    b"access-control-request-method",
    b"access-control-request-headers",
];

/// What headers are made of, put together in ways that no client would.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "https://x.a.example", "https://", "x.a.example", "null", "OPTIONS", "POST", "PUT", "x-a", "/x/", "/y/../", "/",
            "websocket", "cross-site", "navigate", "text/plain", "wss", ",", ":443", "[::1]", "*", "host=", "for=", "\"", "\\", ";", "=",
        ]).prop_map(|it| it.as_bytes().to_vec()),
        2 => prop::sample::select(vec!["\r", "\n", "\x0c", "\0", " ", "\t", "\u{7f}"]).prop_map(|it| it.as_bytes().to_vec()),
        1 => any::<Vec<u8>>(),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// What stands in `Forwarded`, and what nearly does.
fn forwarded() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "host=",
        "Host=",
        "ho\\st=",
        "x-host=",
        "host =",
        "host=\"",
        "for=",
        "proto=https",
        "by=_b",
        "x=\"",
        "\"",
        "\\",
        "\\\"",
        ";",
        ",",
        " ",
        "\t",
        "evil.example",
        "a",
        "=",
        "_",
        "é",
    ]);
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// One well-formed element, and the same without its host.
fn element() -> impl Strategy<Value = (String, String)> {
    let pair = prop::sample::select(vec![
        "for=192.0.2.1",
        "for=\"[2001:db8::1]:4711\"",
        "proto=https",
        "By=_b",
        "x=\"a;b, c=\\\"d\\\"\"",
        "host=evil.example",
        "HOST=\"evil.example:443\"",
        "host=\"e\\vil\"",
    ]);
    prop::collection::vec(pair, 1..5).prop_map(|pairs| {
        let is_host = |pair: &&str| pair.get(..5).is_some_and(|it| it.eq_ignore_ascii_case("host="));
        let rest: Vec<_> = pairs.iter().copied().filter(|it| !is_host(it)).collect();
        (pairs.join(";"), rest.join(";"))
    })
}

thread_local! {
    static STRIPS: Option<Policy> =
        config::load(br#"{"allowed_hosts": ["a"], "hosts": {"forwarded_host": "strip"}}"#).ok().map(|it| it.policy);
}

/// `Forwarded` as a policy that strips hosts sends it on; `None` if the policy did anything else.
fn stripped(lines: &[String]) -> Option<Vec<String>> {
    STRIPS.with(|policy| {
        let host: (&[u8], &[u8]) = (b":authority", b"a");
        let fields = lines.iter().map(|it| (&b"forwarded"[..], it.as_bytes()));
        let head: Request<'_> = fields.chain([host]).collect();
        let Action::Forward(forward) = policy.as_ref()?.decide(&head).action else {
            return None;
        };
        let mut left = lines.to_vec();
        for edit in forward.request {
            match edit {
                RequestEdit::Remove(name) if name == "forwarded" => left.clear(),
                RequestEdit::Rewrite("forwarded", value) => left.push(String::from_utf8(value).ok()?),
                _ => return None,
            }
        }
        Some(left)
    })
}

/// A reader that does not know of quotes, as Hypercorn's `ProxyFixMiddleware`, and is laxer still with white space.
fn is_host_to_who_splits(line: &str) -> bool {
    let mut pairs = line.split([';', ',']).filter_map(|it| it.split_once('='));
    pairs.any(|(name, _)| name.trim().eq_ignore_ascii_case("host"))
}

/// Spring's `ForwardedHeaderUtils`: an expression that is looked for anywhere.
fn is_host_to_spring(line: &str) -> bool {
    line.to_ascii_lowercase().contains("host=")
}

/// A reader that begins anew at each comma, whatever stood before.
fn is_host_to_who_recovers(line: &str) -> bool {
    line.split(',')
        .any(|it| it.trim().to_ascii_lowercase().starts_with("host="))
}

/// The one serialization of what was parsed.
fn serialize(origin: &Origin<'_>) -> String {
    let mut text = String::from_utf8_lossy(origin.scheme).into_owned() + "://";
    text.push_str(&String::from_utf8_lossy(origin.host.text()));
    if let Some(port) = origin.port {
        let _ = write!(text, ":{port}");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The compiled set answers what asking each pattern would.
    #[test]
    fn a_set_of_origins_is_its_patterns(patterns in prop::collection::vec(origin_pattern(), 0..8), value in origin()) {
        let patterns: Vec<_> = patterns.iter().filter_map(|it| OriginPattern::parse(it).ok()).collect();
        let Ok(origin) = Origin::parse(value.as_bytes()) else { return Ok(()) };
        let is_allowed = patterns.iter().any(|it| it.matches(&origin));
        let set: OriginSet = patterns.iter().cloned().collect();
        prop_assert_eq!(set.find(&origin).is_some(), is_allowed);
        prop_assert!(!is_allowed || OriginSet::from_iter([OriginPattern::Any]).find(&origin).is_some());
        // A near miss names a host that some pattern has.
        let has_host = patterns.iter().any(|it| match it {
            OriginPattern::Any => true,
            OriginPattern::Of { hosts, .. } => {
                let any_port = OriginPattern::Of { scheme: origin.scheme.into(), hosts: hosts.clone(), ports: Ports::Any };
                any_port.matches(&origin)
            }
        });
        prop_assert_eq!(set.mismatch(&origin).is_some(), has_host);
        // Entries that are named are entries that there are, and the one that allows is among them.
        let on_host = set.entries_on(origin.host.text(), &origin);
        prop_assert!(on_host.iter().all(|it| patterns.contains(it)));
        prop_assert_eq!(on_host.iter().any(|it| it.matches(&origin)), is_allowed);
        if !is_allowed && let Some(nearest) = nearest(&set, &origin) {
            prop_assert!(patterns.contains(&nearest.entry), "{nearest:?}");
            prop_assert_eq!(matches!(nearest.difference, Difference::Port | Difference::Scheme), has_host);
        }
        prop_assert!(sibling(&set, &origin, |_| true).is_none_or(|it| patterns.contains(&it.entry)));
        prop_assert_eq!(set.entries().filter(|it| !patterns.contains(it)).count(), 0);
    }

    /// What is shown of an entry is that entry.
    #[test]
    fn an_entry_is_shown_as_it_is_read(text in origin_pattern()) {
        let Ok(pattern) = OriginPattern::parse(&text) else { return Ok(()) };
        prop_assert_eq!(OriginPattern::parse(&pattern.to_string()), Ok(pattern));
    }

    #[test]
    fn a_set_of_hosts_is_its_patterns(patterns in prop::collection::vec(host_pattern(), 0..8), value in name(), upper in any::<bool>()) {
        let patterns: Vec<_> = patterns.iter().filter_map(|it| HostPattern::parse(it).ok()).collect();
        let value = if upper { value.to_uppercase() } else { value };
        let Ok(host) = Host::parse(value.as_bytes()) else { return Ok(()) };
        let set: HostSet = patterns.iter().cloned().collect();
        prop_assert_eq!(set.contains(&host), patterns.iter().any(|it| it.matches(&host)));
        prop_assert_eq!(set.lists(&host), set.contains(&host));
    }

    /// What is accepted is its own serialization, a default port aside: nothing was folded or repaired.
    #[test]
    fn an_accepted_origin_is_canonical(value in prop_oneof![origin().prop_map(String::into_bytes), almost_origin()]) {
        prop_assert!(value.len() <= MAX_ORIGIN);
        let Ok(origin) = Origin::parse(&value) else { return Ok(()) };
        let text = serialize(&origin);
        let default = match origin.scheme { b"https" => ":443", b"http" => ":80", _ => "" };
        prop_assert!(value == text.as_bytes() || value == (text.clone() + default).as_bytes());
        prop_assert_eq!(serialize(&Origin::parse(text.as_bytes()).unwrap()), text);
    }

    /// The config-time parser and the request-time parser agree on what an origin is.
    #[test]
    fn the_parsers_agree(value in prop_oneof![origin().prop_map(String::into_bytes), almost_origin()]) {
        let Ok(text) = std::str::from_utf8(&value) else { return Ok(()) };
        let pattern = OriginPattern::parse(text).ok();
        let is_exact = |it: &OriginPattern| {
            matches!(it, OriginPattern::Of { hosts: OriginHosts::One(_), ports: Ports::One(_), .. })
        };
        match (pattern.filter(is_exact), Origin::parse(&value)) {
            (Some(pattern), Ok(origin)) => prop_assert!(pattern.matches(&origin)),
            (None, Err(_)) => {}
            (pattern, origin) => prop_assert!(false, "{text}: {pattern:?}, {origin:?}"),
        }
    }

    #[test]
    fn nothing_that_a_client_sends_panics(fields in prop::collection::vec((0_usize..NAMES.len(), value()), 0..14)) {
        let policy = r#"{"allowed_origins": ["https://*.a.example"], "allowed_hosts": [".a.example"],
            "cors": {"allow_methods": ["*"], "allow_headers": ["*"]}, "csrf": {},
            "hosts": {"forwarded_host": "check", "exempt_paths": ["/x/"]},
            "policies": [{"match": {"path_prefixes": ["/y"]}, "allowed_origins": ["*"]}]}"#;
        let policy = config::load(policy.as_bytes()).unwrap().policy;
        let head: Request<'_> = fields.iter().map(|(name, value)| (NAMES[*name], value.as_slice())).collect();
        let verdict = policy.decide(&head);
        prop_assert!(Finding::all().any(|it| it == verdict.finding));
        // Whatever is sent back could not end a header or begin another.
        if let Action::Reply(reply) = verdict.action {
            for (name, value) in &reply.render().headers {
                prop_assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')), "{name}: {value:?}");
            }
        }
    }

    #[test]
    fn no_reader_finds_a_host_that_was_taken_out(lines in prop::collection::vec(forwarded(), 0..3)) {
        let joined = stripped(&lines).map(|it| it.join(","));
        prop_assert!(joined.is_some());
        let joined = joined.unwrap_or_default();
        prop_assert!(!is_host_to_who_splits(&joined), "{joined}");
        prop_assert!(!is_host_to_spring(&joined.replace('\\', "")), "{joined}");
        prop_assert!(!is_host_to_who_recovers(&joined), "{joined}");
    }

    #[test]
    fn the_rest_of_forwarded_stays(elements in prop::collection::vec(element(), 1..4), two_lines in any::<bool>()) {
        let (sent, rests): (Vec<_>, Vec<_>) = elements.into_iter().unzip();
        let rest: Vec<_> = rests.into_iter().filter(|it| !it.is_empty()).collect();
        let lines = if two_lines { sent } else { vec![sent.join(", ")] };
        prop_assert_eq!(stripped(&lines).map(|it| it.join(", ")), Some(rest.join(", ")));
    }

    /// Removing an entry never allows what was refused.
    #[test]
    fn fewer_entries_allow_less(patterns in prop::collection::vec(origin_pattern(), 1..6), removed in any::<prop::sample::Index>(), value in origin()) {
        let mut patterns: Vec<_> = patterns.into_iter().filter(|it| OriginPattern::parse(it).is_ok()).collect();
        if patterns.len() < 2 {
            return Ok(());
        }
        let outcome = |patterns: &[String]| {
            let text = format!("{{\"allowed_origins\": {patterns:?}}}");
            let policy = config::load(text.as_bytes()).unwrap().policy;
            let fields: [(&[u8], &[u8]); 2] = [(b":method", b"GET"), (b"origin", value.as_bytes())];
            policy.decide(&fields.into_iter().collect()).finding.outcome
        };
        let before = outcome(&patterns);
        patterns.remove(removed.index(patterns.len()));
        prop_assert!(before.is_allowed() || matches!(outcome(&patterns), Outcome::Rejected(_)));
    }

    #[test]
    fn an_authority_is_a_host_and_a_port(host in name(), port in any::<u16>()) {
        let text = format!("{host}:{port}");
        let Ok(authority) = Authority::parse(text.as_bytes()) else {
            prop_assert!(Host::parse(host.as_bytes()).is_err());
            return Ok(());
        };
        prop_assert_eq!(authority.port, Some(port));
        prop_assert_eq!(authority.host.text(), host.as_bytes());
    }

    #[test]
    fn tokens_are_what_rfc_9110_says(byte in any::<u8>()) {
        let is_tchar = byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
        prop_assert_eq!(headers::is_token(&[b'a', byte]), is_tchar);
        prop_assert!(!headers::is_token(b""));
    }

    /// What an entry is said to be meant as is what a browser makes of it.
    #[test]
    fn hints_are_the_origins_of_the_url_standard(entry in
        "(HTTP|https)://([A-Za-b-]{1,3}\\.){0,2}([a-bX]{1,2}|[0-9x]{1,4}|(0x7F|0177|127)(\\.[0-9]{1,3}){0,3}(\\.0)?|\\[(::1|2001:DB8:0::01|1::)\\])\\.?(|:|:443|:080|:8443|:+8443|:70000)(|/|/a/b|\\\\a|\\?q|#f)"
    ) {
        // The port that the whole of `https://a:` ends with is none: `url` drops it as well.
        let expected = url::Url::parse(&entry).map(|it| it.origin().ascii_serialization());
        let expected = expected.ok().filter(|it| it != &entry && OriginPattern::parse(it).is_ok_and(|it| !it.covers_single_label()));
        let hint = OriginPattern::parse(&entry).map_err(|it| it.instead);
        prop_assert_eq!(hint.map_or_else(|hint| hint, |_| expected.clone()), expected);
    }
}
