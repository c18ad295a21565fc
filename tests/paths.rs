//! Which entries are asked of a path, held to every composition of what backends do to paths.
//!
//! Long: a model of what backends do to paths, and the tables and generators that are held to it.

use std::collections::BTreeSet;

use crate::steps::{AT_ONCE, STEPS};
use policy::Scope;
use policy::path::{PathIndex, PathPattern, PathPrefix, RequestPath, any_covers};
use proptest::prelude::*;
use proptest::sample::select;

/// What paths are made of, so that one is often another spelling of the other.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "/",
    "/admin",
    "/ADMIN",
    "admin",
    "adm",
    "in",
    "/x",
    "/users",
    "users",
    "@me",
    "%40me",
    "k",
    "s",
    "//",
    "%2f",
    "%2F",
    "%252f",
    "\\",
    "%5c",
    "／",
    "%EF%BC%8F",
    "%c0%af",
    "%u002f",
    "%uff0f",
    "%e0%80%af",
    "%25%32%66",
    ".",
    "..",
    "/..",
    "/../",
    "/./",
    "%2e",
    "%252e",
    "%2e%2e",
    "．",
    "‥",
    "…",
    "%E2%80%A5",
    "%c0%ae",
    "%u002e",
    "%u2025",
    ";",
    ";x",
    ";x=1",
    "%3b",
    "%253b",
    "；",
    "%EF%BC%9B",
    ":",
    "::$DATA",
    "%3a",
    "：",
    "%EF%BC%9A",
    "%00",
    "%01",
    "%0a",
    "%3f",
    "%3F",
    "%253f",
    "%23",
    "？",
    "%EF%BC%9F",
    "%u0000",
    " ",
    "%20",
    "%2520",
    "\u{3000}",
    "+",
    ".json",
    ".html",
    "%2ejson",
    ".x.y",
    "%",
    "%25",
    "％",
    "%EF%BC%85",
    "61",
    "%61",
    "%2561",
    "ａ",
    "ſ",
    "%C5%BF",
    "\u{212A}",
    "%E2%84%AA",
    "℀",
    "ß",
    "%C2%AD",
    "\u{200B}",
    "é",
    "%C3%A9",
    "%E9",
    "%c1",
    "%C0",
    "%c0/",
    "%C0%2f",
    "%c0%ef",
    "%C0%AFx",
    "%c0%ee%c0n",
    "%c1%21",
    "%c1admin",
    "%c1%e1dmin",
    "%c0%c3%a9",
    "%25c0",
    "v1.2",
    "a:b",
    ":me",
];

const PREFIXES: &[&str] = &[
    "/admin",
    "/admin/",
    "/Admin",
    "/admin/x",
    "/admin/x/",
    "/x",
    "/x/admin",
    "/users",
    "/users/@me",
    "/users/%40me",
    "/users.json",
    "/users/x.html",
    "/a:b",
    "/a/b",
    "/v1.2",
    "/v1",
    "/caf%C3%A9",
    "/admin.",
    "/admin%20/x",
    "/k/s",
    "/ss",
    "/%E2%84%AA",
    "/admin::$DATA/x",
    "/x%EF%BC%9F/y",
    "/admin%EF%BC%8E/x",
    "/x/users.json/",
    "/users/:me",
];

fn path() -> impl Strategy<Value = Vec<u8>> {
    let chance = prop::collection::vec(select(PIECES), 1..9).prop_map(|pieces| format!("/{}", pieces.concat()));
    // A prefix, with something put in here and there.
    let inserted = prop::collection::vec((any::<prop::sample::Index>(), select(PIECES)), 1..4);
    let nearest = (
        select(vec!["", "/x/..", "/x%2fy/..", "/x", "/"]),
        select(PREFIXES),
        inserted,
    );
    let nearest = nearest.prop_map(|(before, prefix, inserted)| {
        let mut path: Vec<char> = format!("{before}{prefix}").chars().collect();
        for (at, piece) in inserted {
            let at = 1 + at.index(path.len());
            path.splice(at..at, piece.chars());
        }
        path.into_iter().collect()
    });
    prop_oneof![1 => chance, 3 => nearest].prop_map(String::into_bytes)
}

/// What is plain by itself: what it comes to together is another matter.
const PLAIN: &[&str] = &[
    "/",
    "/",
    "/",
    "..",
    ".",
    "%20",
    ":",
    "x",
    "X",
    "admin",
    ".json",
    "+",
    "%E2%80%A5",
    "%E2%80%A6",
    "%EF%BC%8E",
    "%EF%BC%8F",
    "%EF%BC%85",
    "2e",
    "2f",
    "%C2%AD",
    "%EF%BC%9B",
    "%EF%BC%9A",
    "%EF%BC%9F",
    "%C3%A9",
    "%E2%84%80",
];

/// A prefix, and what follows it: a path that lies below it byte for byte.
fn below() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let pieces = |all| prop::collection::vec(select(all), 0..6);
    (select(PREFIXES), prop_oneof![3 => pieces(PLAIN), 1 => pieces(PIECES)]).prop_map(|(prefix, pieces)| {
        let slash = if prefix.ends_with('/') { "" } else { "/" };
        (prefix, format!("{prefix}{slash}{}", pieces.concat()).into_bytes())
    })
}

/// Some steps in some order, each once.
fn reading() -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<usize> = (0..STEPS.len()).collect();
    prop::sample::subsequence(all, 0..=9)
        .prop_shuffle()
        .prop_map(|mut reading| {
            let mut seen = BTreeSet::new();
            reading.retain(|&it| seen.insert(STEPS[it].name));
            // One decodes first, and a second time at most.
            for (at, name) in AT_ONCE.iter().enumerate() {
                if let Some(place) = reading.iter().position(|&it| STEPS[it].name == *name) {
                    let step = reading.remove(place);
                    let others = ["decode", "decode again"].map(|name| STEPS.iter().position(|it| it.name == name));
                    reading.retain(|&it| others[at] != Some(it));
                    let first = AT_ONCE[0];
                    let is_second = reading.first().is_some_and(|&it| STEPS[it].name == first);
                    reading.insert(usize::from(is_second), step);
                }
            }
            reading
        })
}

fn read(path: &[u8], reading: &[usize]) -> Vec<u8> {
    reading.iter().fold(path.to_vec(), |path, &it| (STEPS[it].of)(&path))
}

fn names(reading: &[usize]) -> Vec<&'static str> {
    reading.iter().map(|&it| STEPS[it].name).collect()
}

fn lies_below(path: &[u8], prefix: &[u8]) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || prefix.ends_with(b"/") || rest.starts_with(b"/"))
}

/// Whether a prefix, read, holds a path, read. Where the reading takes something off the *end* of the prefix, it would
/// not do so to a longer path: then the prefix holds that one path. A cut never leaves nothing of what the author wrote.
fn holds(prefix: &str, prefix_reading: &[usize], path: &[u8]) -> bool {
    let is_kept = |it: &usize| STEPS[*it].name != "cut at :" || !prefix.contains("/:");
    let prefix_reading: Vec<_> = prefix_reading.iter().copied().filter(is_kept).collect();
    let without_end: Vec<_> = prefix_reading.iter().copied().filter(|&it| !STEPS[it].is_end).collect();
    let bare = |it: &[u8]| it.strip_suffix(b"/").unwrap_or(it).to_vec();
    lies_below(path, &read(prefix.as_bytes(), &without_end))
        || bare(path) == bare(&read(prefix.as_bytes(), &prefix_reading))
}

fn shown(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    /// The first point: what lies below a prefix under any reading of both is asked of it.
    #[test]
    fn an_entry_is_asked_if_a_reading_leads_to_it(
        path in path(), readings in prop::collection::vec((reading(), reading()), 24)
    ) {
        let prefixes = PREFIXES.iter().map(|it| (it, PathPrefix::parse(it).unwrap()));
        for (written, prefix) in prefixes {
            if prefix.scope(&path) != Scope::Outside {
                continue;
            }
            for (reading, likewise) in &readings {
                let found = read(&path, reading);
                for of_prefix in [&Vec::new(), reading, likewise] {
                    prop_assert!(!holds(written, of_prefix, &found),
                        "{} is {} by {:?}, below {written} by {:?}",
                        shown(&path), shown(&found), names(reading), names(of_prefix));
                }
            }
        }
    }

    /// The second point, and the end of the first: what an entry surely holds, no reading takes out of it.
    #[test]
    fn what_is_held_is_held_under_every_reading((written, path) in below(), readings in prop::collection::vec(reading(), 24)) {
        let prefix = PathPrefix::parse(written).unwrap();
        let entry = PathPattern::parse(written).unwrap();
        if prefix.scope(&path) != Scope::Inside {
            prop_assert!(!any_covers(&[entry], &RequestPath::new(&path)) || path == written.as_bytes());
            return Ok(());
        }
        prop_assert!(lies_below(&path, written.as_bytes()));
        for reading in &readings {
            let is_kept = |it: &usize| !STEPS[*it].is_end && (STEPS[*it].name != "cut at :" || !written.contains("/:"));
            let reading: Vec<_> = reading.iter().copied().filter(is_kept).collect();
            let (found, likewise) = (read(&path, &reading), read(written.as_bytes(), &reading));
            let likewise = likewise.strip_suffix(b"/").unwrap_or(&likewise);
            prop_assert!(lies_below(&found, likewise),
                "{} is {} by {:?}, not below {}", shown(&path), shown(&found), names(&reading), shown(likewise));
        }
    }

    /// The third point: what stands at the end takes no path out of an entry that holds it.
    #[test]
    fn the_end_takes_nothing_out(prefix in select(PREFIXES), rest in "[a-zA-Z0-9@+:_-]{1,9}", end in "(|\\.|%20|/|\\.json|\\.html|%20\\.|\\.x\\.y)") {
        let slash = if prefix.ends_with('/') { "" } else { "/" };
        let path = format!("{prefix}{slash}{rest}{end}");
        prop_assert_eq!(PathPrefix::parse(prefix).unwrap().scope(path.as_bytes()), Scope::Inside, "{}", path);
        let below = format!("{}/", prefix.trim_end_matches('/'));
        prop_assert!(any_covers(&[PathPattern::parse(&below).unwrap()], &RequestPath::new(path.as_bytes())), "{}", path);
    }
}

/// `PATH_CASES=100000 cargo test -p origin-gate-tests paths::` looks longer.
fn cases() -> u32 {
    std::env::var("PATH_CASES").map_or(300, |it| it.parse().unwrap())
}

/// Paths as they are seen every day, each with the entry that is its own, if there is one.
const ORDINARY: &[(&str, Option<&str>)] = &[
    ("/", None),
    ("/index.html", None),
    ("/docs/Getting%20started.html", Some("/docs/")),
    ("/docs/v1.2/intro.html", Some("/docs/")),
    ("/documents/a.pdf", None),
    ("/v1.2/items", Some("/v1.2")),
    ("/v1/items", None),
    ("/v1.2.3/items", None),
    ("/users/@me", Some("/users/@me")),
    ("/users/@me/email", Some("/users/@me")),
    ("/users/@me2", None),
    ("/users/42", None),
    ("/users/bob@example.com", None),
    ("/users/bob%40example.com", None),
    ("/users/bob+news@example.com/orders", None),
    ("/users/%D7%A9%D7%9C%D7%95%D7%9D", None),
    ("/items/urn:isbn:0451450523", None),
    ("/items/a%3Ab%2Cc", None),
    ("/items/b2s9PQ==", None),
    ("/items/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP", None),
    ("/items/550e8400-e29b-41d4-a716-446655440000", None),
    ("/items/group%2Fproject/tree", None),
    ("/files/caf%C3%A9%20menu.html", Some("/files/caf%C3%A9%20menu.html")),
    ("/files/%E6%97%A5%E6%9C%AC%E8%AA%9E.txt", None),
    ("/files/%E2%9D%A4%EF%B8%8F", None),
    ("/files/r%C3%A9sum%C3%A9.docx", None),
    ("/.well-known/openid-configuration", None),
    ("/~alice/", None),
    ("/a..b/c", None),
    ("/search/c%2B%2B%20%26%20c%23", None),
    ("/search/100%25", None),
    ("/tags/(new)/!important,'quoted'*", None),
    ("/administrator/", None),
    ("/x/admin/y", None),
    ("/static/app.5f3c.min.js", None),
    ("/_next/image/%5Bslug%5D", None),
    ("/rooms/!abc:example.org/state", None),
];

#[test]
fn an_ordinary_path_is_asked_of_its_own_entry_and_of_no_other() {
    let prefixes = [
        "/admin",
        "/docs/",
        "/v1.2",
        "/users/@me",
        "/files/caf%C3%A9%20menu.html",
        "/private/",
        "/internal",
        "/api/v2/",
        "/x/y",
    ];
    for (path, own) in ORDINARY {
        for prefix in prefixes {
            let scope = PathPrefix::parse(prefix).unwrap().scope(path.as_bytes());
            let expected = if *own == Some(prefix) {
                Scope::Inside
            } else {
                Scope::Outside
            };
            assert_eq!(scope, expected, "{path} of {prefix}");
        }
    }
}

/// Paths of other encodings, whose letters some decoders would take for signs.
const LEGACY: &[&str] = &[
    // ISO 8859-1
    "/wiki/%C0_propos",
    "/wiki/%C0%20la%20carte",
    "/wiki/%C1lvaro",
    "/wiki/%C0/index.html",
    "/wiki/%C0o/%C0n%C0n/%C1",
    "/wiki/caf%E9",
    // windows-1251
    "/wiki/%C0%EF%F0%E5%EB%FC",
    "/wiki/%C0%EE%F0%F2%E0/%C1%FB",
    "/wiki/%C0%F5",
    // EUC-KR
    "/board/%C0%CC",
    "/board/%C0%DA%B7%E1%BD%C7/%C1%F6",
    "/board/%C0%AF%C0%A5",
    "/board/%B3%C0/1",
    // GBK
    "/wiki/%C0%EF%C0%EE",
    "/wiki/%C0%CF%CA%A6/%C1%EC%B5%BC",
    // Shift_JIS
    "/wiki/%C0%DE%B2%BD",
    "/wiki/%83%5C%83%74%83C0%C0%81",
    "/wiki/%C1%82%A0%C0%DD%BA%DE",
];

#[test]
fn an_ordinary_path_in_another_encoding_is_asked_of_no_other_entry() {
    for path in LEGACY {
        for prefix in ["/admin", "/wiki/admin", "/board/private/", "/internal", "/api/v2/"] {
            let scope = PathPrefix::parse(prefix).unwrap().scope(path.as_bytes());
            assert_eq!(scope, Scope::Outside, "{path} of {prefix}");
        }
        let own = format!("/{}", path.split('/').nth(1).unwrap());
        let scope = PathPrefix::parse(&own).unwrap().scope(path.as_bytes());
        assert_ne!(scope, Scope::Outside, "{path} of {own}");
    }
}

/// The leading bytes of a letter and its others, in windows-1251, EUC-KR, GBK and Shift_JIS.
fn letter() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0xC0..=0xFF_u8).prop_map(|it| vec![it]),
        (0xB0..=0xC8_u8, 0xA1..=0xFE_u8).prop_map(|(lead, trail)| vec![lead, trail]),
        (0x81..=0xFE_u8, prop_oneof![0x40..=0x7E_u8, 0x80..=0xFE_u8]).prop_map(|(lead, trail)| vec![lead, trail]),
        (0xA1..=0xDF_u8).prop_map(|it| vec![it]),
        "[a-z_ -]".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn text_in_any_encoding_leads_to_no_other_entry(letters in prop::collection::vec(letter(), 1..12), is_whole in any::<bool>()) {
        let encode = |byte: &u8| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
        let text: String = letters.concat().iter().map(encode).collect();
        let path = format!("/wiki/{text}{}", if is_whole { "" } else { "/x" });
        let admin = PathPrefix::parse("/administration").unwrap();
        prop_assert_eq!(admin.scope(path.as_bytes()), Scope::Outside, "{}", path);
    }
}

#[test]
fn what_lenient_decoders_take_for_a_sign_is_asked_of_where_it_leads() {
    for (path, prefix) in [
        ("/admin%c0%2fy", "/admin"),
        ("/admin%C0%EFy", "/admin"),
        ("/admin%C0oy", "/admin/y"),
        ("/admin%c1%1cy", "/admin"),
        ("/x%c0%2fy", "/x"),
        ("/x%c0%2fadmin", "/x/admin"),
        ("/x/%c0%2e%c0%2e/admin", "/admin"),
        ("/x/%c0%ee%c0n/admin", "/admin"),
        ("/%c1%21dmin", "/admin"),
        ("/%c1admin/x", "/admin"),
        ("/%c0%ae%c0%ae/admin", "/admin"),
        ("/x%c0%25%32%66", "/admin"),
    ] {
        let scope = PathPrefix::parse(prefix).unwrap().scope(path.as_bytes());
        assert_eq!(scope, Scope::Ambiguous, "{path} of {prefix}");
    }
}

#[test]
fn an_entry_has_one_reading_of_its_segments() {
    for prefix in [
        "//",
        "/a//b",
        "/a/../b",
        "/a/%2e%2e/b",
        "/..",
        "/a;b",
        "/a\\b",
        "/a%2fb",
        "/%61",
        "/a/.../b",
        "/%20/x",
        "/a/..:x",
        "/a%EF%BC%8Fb",
        "/%E2%80%A5/x",
        "/.%C2%AD./x",
    ] {
        assert!(
            PathPrefix::parse(prefix).is_err() && PathPattern::parse(prefix).is_err(),
            "{prefix}"
        );
    }
    for prefix in [
        "/users/@me",
        "/users/%40me",
        "/users/:me",
        "/Admin",
        "/a.b",
        "/v1.",
        "/a%20",
        "/wiki/%E4%BD%95%EF%BC%9F",
        "/{id}|^`[",
    ] {
        assert!(
            PathPrefix::parse(prefix).is_ok() && PathPattern::parse(prefix).is_ok(),
            "{prefix}"
        );
    }
}

/// What no reading follows is of every entry; what follows no entry ends soon.
#[test]
fn long_and_deep_paths_are_of_every_entry_or_of_their_own() {
    let admin = PathPrefix::parse("/admin").unwrap();
    for of_all in [
        "/x%25252561",
        "/%u0025u0025u0025",
        "/x%c0%252fy",
        "/x%25c0%2fy",
        "*",
        "",
        "x",
        "http://a/b",
    ] {
        assert_eq!(admin.scope(of_all.as_bytes()), Scope::Ambiguous, "{of_all}");
    }
    assert_eq!(admin.scope("/x".repeat(30_000).as_bytes()), Scope::Outside);
    for piece in ["/x;a", "//x", "/x.", "/;a"] {
        assert_eq!(admin.scope(piece.repeat(9000).as_bytes()), Scope::Outside, "{piece}");
    }
    for piece in ["/%20", "/%C3%A9", "/y/../x", "/:x"] {
        let long = piece.repeat(3000);
        assert_eq!(admin.scope(&long.as_bytes()[..8192]), Scope::Outside, "{piece}");
        assert_eq!(admin.scope(&long.as_bytes()[..8193]), Scope::Ambiguous, "{piece}");
    }
    // An exemption is not lost by length.
    let exempt = PathPattern::parse("/hooks/").unwrap();
    let long = format!("/hooks{}", "/%20".repeat(9000));
    assert!(any_covers(&[exempt], &RequestPath::new(long.as_bytes())));
}

#[test]
fn a_path_with_too_many_ways_through_the_tree_is_of_every_entry() {
    let prefixes: Vec<_> = (0..40)
        .map(|it| PathPrefix::parse(&"/a".repeat(it + 1)).unwrap())
        .collect();
    let index = PathIndex::new(prefixes.chunks(1));
    let asked = |path: String| index.scopes(&RequestPath::new(path.as_bytes()));
    assert_eq!(asked("/a".repeat(30)).len(), 30);
    assert_eq!(asked(format!("{}/..", "/a".repeat(30))).len(), 30);
    assert_eq!(
        asked(format!("{}/..", "/a".repeat(3000))),
        (0..40).map(|it| (it, Scope::Ambiguous)).collect::<Vec<_>>()
    );
}
