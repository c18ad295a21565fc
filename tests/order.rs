//! A path with several readings is asked of several entries. Their order changes nothing.

use policy::headers;
use policy::request::Request;
use policy::verdict::{Action, Outcome, Verdict};
use proptest::prelude::*;
use proptest::sample::select;

const ORIGINS: [&str; 4] = [
    "https://app.example",
    "https://*.example",
    "https://app.example:8443",
    "*",
];

/// Sections of an entry, of which one kind follows another.
const SECTIONS: [&[&str]; 5] = [
    &[
        "",
        r#""allowed_hosts": ["api.example"]"#,
        r#""allowed_hosts": ["b.example"]"#,
    ],
    &[
        "",
        r#""hosts": {"mode": "off"}"#,
        r#""hosts": {"mode": "report_only"}"#,
        r#""hosts": {"reject_status": 404}"#,
        r#""hosts": {"reject_status": 403, "forwarded_host": "strip"}"#,
    ],
    &[
        "",
        r#""websocket": {"mode": "off"}"#,
        r#""websocket": {"mode": "report_only"}"#,
        r#""websocket": {"allowed_hosts": true, "missing_origin": "reject"}"#,
    ],
    &[
        "",
        r#""csrf": {}"#,
        r#""csrf": {"mode": "report_only"}"#,
        r#""csrf": {"mode": "report_only", "missing_origin": "reject"}"#,
        r#""csrf": {"trusted_origins": ["https://evil.test"]}"#,
    ],
    &[
        "",
        r#""cors": {"mode": "off"}"#,
        r#""cors": {"mode": "report_only"}"#,
        r#""cors": {"upstream_headers": "keep", "expose_headers": ["*"]}"#,
        r#""cors": {"allow_methods": ["PUT", "DELETE"], "allow_headers": ["X-B", "x-a"], "expose_headers": ["a", "b"]}"#,
        r#""cors": {"allow_methods": ["*"], "allow_headers": ["*"], "max_age": 60, "expose_headers": ["B", "c"]}"#,
    ],
];

fn entry() -> impl Strategy<Value = String> {
    let origins = prop::collection::vec(select(&ORIGINS[..]), 0..3);
    let credentials = select(vec!["", r#""cors": {"allow_credentials": true}"#]);
    (origins, SECTIONS.map(select), credentials).prop_map(|(origins, mut sections, credentials)| {
        if !origins.contains(&"*") && sections[4].is_empty() {
            sections[4] = credentials;
        }
        let sections = sections.iter().filter(|it| !it.is_empty());
        let sections: String = sections.map(|it| format!(", {it}")).collect();
        format!(r#"{{"match": {{"path_prefixes": ["/a"]}}, "allowed_origins": {origins:?}{sections}}}"#)
    })
}

fn request() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let lines = [
        vec![
            (":method", "GET"),
            (":method", "POST"),
            (":method", "OPTIONS"),
            (":method", "OPTIONS"),
        ],
        vec![(":authority", "api.example"), (":authority", "b.example")],
        vec![
            ("origin", "https://app.example"),
            ("origin", "https://x.example"),
            ("origin", "https://evil.test"),
            ("origin", "https://api.example"),
            ("origin", "null"),
            ("x", ""),
        ],
        vec![
            ("upgrade", "websocket"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-method", "PATCH"),
            ("x", ""),
        ],
        vec![
            ("x-forwarded-host", "c"),
            ("x-forwarded-proto", "https"),
            ("access-control-request-headers", "x-a"),
        ],
        vec![
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-origin"),
            ("x", ""),
        ],
        vec![("content-type", "text/plain"), ("x", "")],
    ];
    lines.map(select).prop_map(|lines| lines.to_vec())
}

/// All that a client and an operator see of an answer. Behind a 403 that no page can read no entry is asked any more.
fn seen(verdict: &Verdict<'_>) -> String {
    match &verdict.action {
        Action::Reply(reply) => {
            let reply = reply.render();
            let is_read = reply.headers.iter().any(|(name, _)| *name == headers::ALLOW_ORIGIN);
            if reply.status == 403 && !is_read {
                return "403".to_owned();
            }
            let mut headers: Vec<_> = reply.headers.iter().map(|(name, value)| (name, names(value))).collect();
            headers.sort();
            format!("{} {} {} {headers:?}", verdict.finding, reply.status, reply.body)
        }
        Action::Forward(forward) => {
            let mut edits: Vec<_> = forward.request.iter().map(|it| format!("{it:?}")).collect();
            edits.sort();
            let (response, flags) = (&forward.response, (forward.is_upgrade, forward.is_cross_site));
            format!(
                "{} {edits:?} {:?} {flags:?}",
                verdict.finding,
                names(format!("{response:?}").as_bytes())
            )
        }
    }
}

/// A list without regard to order and case.
fn names(list: &[u8]) -> Vec<String> {
    let list = String::from_utf8_lossy(list).to_ascii_lowercase();
    let mut names: Vec<_> = list
        .split([',', '"', '{', '}'])
        .map(|it| it.trim().to_owned())
        .filter(|it| !it.is_empty())
        .collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_entries_changes_nothing(
        entries in prop::collection::vec(entry(), 1..4),
        rules in entry(),
        turn in any::<prop::sample::Index>(),
        requests in prop::collection::vec(request(), 16),
    ) {
        let rules = rules.split_once("]}, ").map_or("", |it| it.1);
        let policy = |entries: &[String]| {
            let text = format!(r#"{{"policies": [{}], {rules}"#, entries.join(", "));
            config::load(text.as_bytes()).map(|it| it.policy)
        };
        let mut others = entries.clone();
        others.rotate_left(turn.index(entries.len()));
        let mut reversed = others.clone();
        reversed.reverse();
        let policies = [policy(&entries), policy(&others), policy(&reversed)];
        let [Ok(policy), Ok(other), Ok(reversed)] = policies else { return Ok(()) };
        for fields in requests {
            // It decodes three times: no entry surely holds it, and none surely not.
            let fields = fields.iter().chain([&(":path", "/%252561"), &(":scheme", "https")]);
            let fields: Vec<_> = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            let head: Request<'_> = fields.iter().copied().collect();
            let answer = policy.decide(&head);
            for other in [&other, &reversed] {
                prop_assert_eq!(seen(&answer), seen(&other.decide(&head)), "{:?}\n{:?}", entries, head);
            }
            // Nothing is let through that one of them refuses, and what one would refuse is not passed over.
            let each: Vec<_> = policy.scoped.iter().map(|it| it.rules.decide(&head)).chain([policy.rules.decide(&head)]).collect();
            let refuses = |it: &Verdict<'_>| matches!(&it.action, Action::Reply(reply) if reply.render().status >= 400);
            prop_assert!(refuses(&answer) || !each.iter().any(refuses), "{:?}", entries);
            if matches!(answer.action, Action::Forward(_)) {
                let is_allowed = |it: &Verdict<'_>| matches!(it.finding.outcome, Outcome::Allowed(_));
                prop_assert!(!is_allowed(&answer) || each.iter().all(is_allowed), "{:?}\n{:?}", entries, head);
            }
        }
    }
}
