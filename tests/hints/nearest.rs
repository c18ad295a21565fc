//! Which entry comes nearest to an origin that is refused.

use super::{hint, policy};
use advice::nearest::{Difference, nearest};
use policy::origin::Origin;
use policy::pattern::OriginPattern;
use policy::set::OriginSet;

fn set(entries: &[&str]) -> OriginSet {
    entries
        .iter()
        .map(|entry| OriginPattern::parse(entry).unwrap())
        .collect()
}

#[test]
fn the_nearest_entry_is_the_one_a_person_would_name() {
    // Long: a table of origins, each with its nearest entry.
    for (entries, origin, entry, difference) in [
        (
            &["https://a.example"][..],
            "https://a.example:8443",
            "https://a.example",
            Difference::Port,
        ),
        (
            &["https://a.example:1", "http://a.example"],
            "https://a.example",
            "https://a.example:1",
            Difference::Port,
        ),
        (
            &["http://a.example:1", "http://a.example:2"],
            "https://a.example:2",
            "http://a.example:2",
            Difference::Scheme,
        ),
        (
            &["http://a.example:*"],
            "https://a.example",
            "http://a.example:*",
            Difference::Scheme,
        ),
        (
            &["https://*.a.example"],
            "https://b.a.example:1",
            "https://*.a.example",
            Difference::Port,
        ),
        (
            &["https://a-*-b.c.example:9"],
            "https://a-x-b.c.example",
            "https://a-*-b.c.example:9",
            Difference::Port,
        ),
        (
            &["capacitor://a.example"],
            "ionic://a.example",
            "capacitor://a.example",
            Difference::Scheme,
        ),
        (
            &["https://[::1]:1"],
            "https://[::1]",
            "https://[::1]:1",
            Difference::Port,
        ),
        (
            &["https://a.example"],
            "https://a.example.",
            "https://a.example",
            Difference::RootDot,
        ),
        (
            &["https://a.example."],
            "https://a.example",
            "https://a.example.",
            Difference::RootDot,
        ),
        (
            &["https://*.a.example"],
            "https://b.a.example.",
            "https://*.a.example",
            Difference::RootDot,
        ),
        (
            &["https://*.a.example"],
            "https://a.example",
            "https://*.a.example",
            Difference::Apex,
        ),
        (
            &["http://*.a.example"],
            "https://a.example",
            "http://*.a.example",
            Difference::Apex,
        ),
        (
            &["https://www.a.example"],
            "https://a.example",
            "https://www.a.example",
            Difference::Www,
        ),
        (
            &["https://a.example"],
            "https://www.a.example",
            "https://a.example",
            Difference::Www,
        ),
        (
            &["https://a.example"],
            "https://b.c.a.example",
            "https://a.example",
            Difference::Subdomain,
        ),
        (
            &["https://a.example", "https://c.a.example"],
            "https://b.c.a.example",
            "https://c.a.example",
            Difference::Subdomain,
        ),
        (
            &["http://a.example", "https://a.example"],
            "https://b.a.example",
            "https://a.example",
            Difference::Subdomain,
        ),
        (
            &["https://a-*-b.c.example"],
            "https://x.a-1-b.c.example",
            "https://a-*-b.c.example",
            Difference::Label,
        ),
        (
            &["https://a-*-b.c.example"],
            "https://a-1-x.c.example",
            "https://a-*-b.c.example",
            Difference::Label,
        ),
        (
            &["https://a-*-b.c.example"],
            "https://a--b.c.example",
            "https://a-*-b.c.example",
            Difference::Label,
        ),
    ] {
        let nearest = nearest(&set(entries), &Origin::parse(origin.as_bytes()).unwrap());
        let nearest = nearest.map(|nearest| (nearest.entry.to_string(), nearest.difference));
        assert_eq!(nearest, Some((entry.to_owned(), difference)), "{entries:?} {origin}");
    }
    for (entries, origin) in [
        (&["https://a.example"][..], "https://b.example"),
        (&["https://a.example"], "https://aa.example"),
        (&["https://a.example"], "https://a.example.evil.test"),
        (&["https://example"], "https://a.example"),
        (&["https://127.0.0.1"], "https://127.0.0.2"),
        (&[], "https://a.example"),
    ] {
        assert_eq!(
            nearest(&set(entries), &Origin::parse(origin.as_bytes()).unwrap()),
            None,
            "{entries:?} {origin}"
        );
    }
}

/// Among entries that differ only in scheme and port, the one that allows the origin comes before those that do not.
#[test]
fn the_entry_that_allows_is_the_closest() {
    let set = set(&[
        "http://a.example",
        "https://a.example:1",
        "https://a.example:2",
        "https://a.example:3",
    ]);
    for (origin, entry) in [
        ("https://a.example:2", "https://a.example:2"),
        ("https://a.example:9", "https://a.example:1"),
        ("http://a.example:9", "http://a.example"),
    ] {
        let origin = Origin::parse(origin.as_bytes()).unwrap();
        let entries: Vec<_> = set
            .entries_on(b"a.example", &origin)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(entries, [entry]);
    }
}

/// An entry that covers everybody under one label says of nobody that they are the operator's.
#[test]
fn an_entry_for_everybody_is_near_to_nobody() {
    for (entry, origin) in [
        ("https://*.com", "https://q.com"),
        ("https://*.com:*", "https://q.com"),
        ("https://*.com", "https://q.com:81"),
        ("https://*.com", "http://q.com"),
        ("https://*.com.", "https://q.com."),
        ("https://pre-*.com", "https://pre-q.com"),
        ("https://pre-*.com", "https://pre-.com"),
        ("https://pre-*.com", "https://x.pre-a.com"),
    ] {
        let text = format!(r#"{{"allowed_origins": ["{entry}"], "allowed_hosts": ["api.example"], "csrf": {{}}}}"#);
        let origin = format!("origin: {origin}");
        for kind in [":method: POST", "upgrade: websocket", "accept: */*"] {
            let (found, hint) = hint(
                &policy(&text),
                &[":authority: api.example", ":scheme: https", &origin, kind],
            );
            let is_careful = hint.nearest.is_none() && hint.fix.starts_with("if it is yours, ");
            assert!(
                found.contains(":allowed:") || is_careful,
                "{entry} {origin} {found} {hint:?}"
            );
        }
    }
}
