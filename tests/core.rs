//! Rules of the core that no single request through a proxy shows.

use policy::Scope;
use policy::headers::{self, varies_by_origin};
use policy::host::Host;
use policy::origin::{MAX_ORIGIN, Origin};
use policy::path::{PathPattern, PathPrefix, RequestPath, any_covers};
use policy::pattern::{HostPattern, OriginParts, OriginPattern, OriginRegex};
use policy::request::{Field, Received, Request};
use policy::set::{HostSet, Mismatch, OriginSet};
use policy::verdict::Deny;

type Fields<'a> = &'a [(&'a [u8], &'a [u8])];

fn head<'a>(fields: Fields<'a>) -> Received<'a> {
    fields.iter().copied().collect()
}

#[test]
fn a_host_that_is_told_twice_alike_is_one_host() {
    let authority = |fields: Fields<'_>| match head(fields).authority {
        Field::One(value) => String::from_utf8(value.to_vec()).unwrap(),
        other => format!("{other:?}"),
    };
    assert_eq!(authority(&[(b":authority", b"a"), (b"host", b"a")]), "a");
    assert_eq!(authority(&[(b"host", b"a")]), "a");
    assert_eq!(authority(&[(b":authority", b"a"), (b"host", b"b")]), "Many");
    assert_eq!(
        authority(&[(b":authority", b"a"), (b"host", b"b"), (b"host", b"b")]),
        "Many"
    );
    assert_eq!(authority(&[]), "Absent");
}

#[test]
fn another_spelling_of_a_name_is_one_more_line() {
    // On Envoy names come in lower case; other hosts may keep their case.
    type Get = for<'a> fn(&Received<'a>) -> Field<'a>;
    let fields: [(&str, Get); 9] = [
        ("origin", |it| it.origin),
        ("upgrade", |it| it.upgrade),
        ("access-control-request-method", |it| it.request_method),
        ("access-control-request-private-network", |it| {
            it.request_private_network
        }),
        ("content-type", |it| it.content_type),
        ("sec-fetch-mode", |it| it.fetch_mode),
        ("sec-fetch-site", |it| it.fetch_site),
        ("sec-websocket-key", |it| it.websocket_key),
        ("x-forwarded-proto", |it| it.forwarded_proto),
    ];
    for (name, get) in fields {
        let is = |names: &[&str], expected: Field<'_>| {
            let head: Received<'_> = names.iter().map(|it| (it.as_bytes(), &b"x"[..])).collect();
            assert_eq!(get(&head), expected, "{names:?}");
        };
        is(&[name], Field::One(b"x"));
        let mut capital = name.to_owned();
        capital.get_mut(..1).unwrap().make_ascii_uppercase();
        let signs = [name.replace('-', "_"), name.replacen('-', ".", 1)];
        for other in [capital, name.to_uppercase()]
            .into_iter()
            .chain(signs)
            .filter(|it| it != name)
        {
            is(&[&other], Field::Many);
            is(&[name, &other], Field::Many);
            is(&[&other, name], Field::Many);
        }
        is(
            &[&format!("{name}s"), &format!("z{}", name.get(1..).unwrap())],
            Field::Absent,
        );
    }
}

#[test]
fn another_spelling_asks_for_nothing_and_names_no_host() {
    // No name is asked for by another spelling, and what is asked for beside it cannot be read.
    let asked = head(&[(b"access_control_request_headers", b"x-a")]).request_headers;
    assert!(asked.iter().all(|it| !headers::is_token(it)) && asked.len() == 1);
    // One host that is told twice alike is one host.
    let authority = |fields: Fields<'static>| head(fields).authority;
    assert_eq!(authority(&[(b"Host", b"a")]), Field::Many);
    assert_eq!(authority(&[(b"HOST", b"a"), (b":authority", b"a")]), Field::One(b"a"));
    assert_eq!(authority(&[(b":authority", b"a"), (b"Host", b"b")]), Field::Many);
    assert_eq!(
        authority(&[(b"Host", b"b"), (b"HOST", b"a"), (b":authority", b"a")]),
        Field::Many
    );
}

#[test]
fn forwarded_hosts_are_found_in_any_spelling() {
    let allowed: HostSet = [HostPattern::parse("a").unwrap()].into_iter().collect();
    let is_unfit = |fields: Fields<'static>| head(fields).forwarding.unfit(|host| allowed.contains(host)).is_some();
    let names: [&[u8]; 5] = [
        b"x-forwarded-host",
        b"X-Forwarded-Host",
        b"X_FORWARDED_HOST",
        b"x_forwarded-Host",
        b"x~forwarded.host",
    ];
    for name in names {
        let line = |value: &'static [u8]| -> Fields<'static> { vec![(name, value)].leak() };
        assert!(is_unfit(line(b"b")) && !is_unfit(line(b"a")), "{}", name.escape_ascii());
    }
    for name in [&b"forwarded"[..], b"Forwarded", b"FORWARDED"] {
        let line = |value: &'static [u8]| -> Fields<'static> { vec![(name, value)].leak() };
        assert!(
            is_unfit(line(b"host=b")) && !is_unfit(line(b"host=a")),
            "{}",
            name.escape_ascii()
        );
    }
    // What could end the header, were it written anew, is not read at all.
    let unread: Fields<'static> = &[(b"forwarded", b"for=\"_a\n\";host=a")];
    assert!(is_unfit(unread) && !is_unfit(&[(b"forwarded", b"for=\"_a\t\";host=a")]));
    assert!(!is_unfit(&[
        (b"xforwardedhost", b"b"),
        (b"x-forwarded-hos\xc3", b"b"),
        (b"xaforwarded-host", b"b")
    ]));
}

#[test]
fn a_websocket_is_told_by_any_of_its_signs() {
    let is_websocket = |fields: Fields<'_>| head(fields).is_websocket();
    assert!(is_websocket(&[(b"upgrade", b"websocket")]));
    assert!(is_websocket(&[(b"upgrade", b"h2c, WebSocket")]));
    assert!(is_websocket(&[(b":protocol", b"websocket")]));
    // Two lines: what the backend makes of them is not known.
    assert!(is_websocket(&[(b"upgrade", b"h2c"), (b"upgrade", b"websocket")]));
    assert!(!is_websocket(&[(b"upgrade", b"h2c")]));
    assert!(!is_websocket(&[(b"upgrade", b"websockets")]));
    assert!(!is_websocket(&[]));
}

#[test]
fn the_scheme_is_what_the_proxy_in_front_says_or_else_what_this_one_sees() {
    let scheme = |fields: Fields<'_>| Request::from(head(fields)).scheme;
    let (https, http) = (Some(&b"https"[..]), Some(&b"http"[..]));
    assert_eq!(scheme(&[(b":scheme", b"https")]), https);
    assert_eq!(
        scheme(&[(b":scheme", b"http"), (b"x-forwarded-proto", b"HTTPS")]),
        https
    );
    assert_eq!(scheme(&[(b":scheme", b"https"), (b"x-forwarded-proto", b"ws")]), http);
    assert_eq!(scheme(&[(b"x-forwarded-proto", b"wss")]), https);
    assert_eq!(scheme(&[(b":scheme", b"https"), (b"x-forwarded-proto", b"ftp")]), None);
    assert_eq!(
        scheme(&[
            (b":scheme", b"https"),
            (b"x-forwarded-proto", b"http"),
            (b"x-forwarded-proto", b"http")
        ]),
        None
    );
    assert_eq!(scheme(&[]), None);
}

#[test]
fn grpc_is_told_by_its_type() {
    let is_grpc = |fields: Fields<'_>| head(fields).is_grpc();
    assert!(is_grpc(&[(b"content-type", b"application/grpc+proto")]));
    assert!(is_grpc(&[
        (b"content-type", b"text/plain"),
        (b"content-type", b"application/grpc")
    ]));
    assert!(!is_grpc(&[(b"content-type", b"application/json")]));
    assert!(!is_grpc(&[(b"content-type", b"application/grpc-web+proto")]));
    assert!(is_grpc(&[(b"content-type", b"application/grpc")]));
    assert!(!is_grpc(&[]));
}

#[test]
fn default_ports_are_those_of_their_schemes() {
    for (value, text) in [
        ("http://a:80", "http://a"),
        ("https://a:443", "https://a"),
        ("ws://a:80", "ws://a"),
        ("wss://a:443", "wss://a"),
        ("http://a:443", "http://a:443"),
        ("https://a:80", "https://a:80"),
        ("app://a:443", "app://a:443"),
        ("http://[::1]:80", "http://[::1]"),
    ] {
        assert_eq!(
            Origin::parse(value.as_bytes()).unwrap().text,
            text.as_bytes(),
            "{value}"
        );
    }
}

#[test]
fn the_longest_origin_is_read_and_no_longer_one() {
    let name = format!("{0}.{0}.{0}.{1}.", "a".repeat(63), "a".repeat(61));
    let longest = format!("{}://{name}:65535", "a".repeat(64));
    assert_eq!(longest.len(), MAX_ORIGIN);
    assert!(Origin::parse(longest.as_bytes()).is_ok());
    assert!(Origin::parse(format!("{longest}0").as_bytes()).is_err());
}

#[test]
fn of_two_near_misses_the_port_is_told() {
    let set: OriginSet = ["http://a.example", "https://a.example:1", "http://a.example:2"]
        .map(|it| OriginPattern::parse(it).unwrap())
        .into_iter()
        .collect();
    let nearest = |value: &str| set.mismatch(&Origin::parse(value.as_bytes()).unwrap());
    assert_eq!(nearest("https://a.example"), Some(Mismatch::Port));
    assert_eq!(nearest("app://a.example"), Some(Mismatch::Scheme));
    assert_eq!(nearest("https://b.example"), None);
}

#[test]
fn one_name_can_be_listed_in_many_ways() {
    let set: OriginSet = (1..=300)
        .flat_map(|port| {
            [
                format!("https://a.example:{port}"),
                format!("https://*.a.example:{port}"),
            ]
        })
        .map(|it| OriginPattern::parse(&it).unwrap())
        .collect();
    let finds = |value: &str| set.find(&Origin::parse(value.as_bytes()).unwrap()).is_some();
    assert!(finds("https://a.example:1") && finds("https://a.example:300") && finds("https://x.a.example:150"));
    assert!(!finds("https://a.example:301") && !finds("http://a.example:150") && !finds("https://x.a.example"));
}

/// Long lists are looked up in another way.
#[test]
fn a_long_list_answers_as_the_entries_of_one_host_do() {
    let ports = ["", ":1", ":80", ":443", ":8443", ":65535", ":*"];
    let entries: Vec<Vec<String>> = (0..600)
        .map(|host| {
            let is_there = |at: &usize| host % 7 == *at || host >> (at % 9) & 1 == 1;
            (0..21)
                .filter(is_there)
                .take(7)
                .map(|at| {
                    format!(
                        "{}://h{host}.example{}",
                        ["https", "http", "app"][at % 3],
                        ports[at / 3]
                    )
                })
                .collect()
        })
        .collect();
    let set_of =
        |entries: &[String]| -> OriginSet { entries.iter().filter_map(|it| OriginPattern::parse(it).ok()).collect() };
    let all = set_of(&entries.concat());
    assert!(all.exact().len() > 2500);
    for (host, entries) in entries.iter().enumerate() {
        let own = set_of(entries);
        for (scheme, port) in ["https", "http", "app"]
            .iter()
            .flat_map(|it| ports.map(|port| (it, port)))
        {
            let value = format!("{scheme}://h{host}.example{port}");
            let Ok(origin) = Origin::parse(value.as_bytes()) else {
                continue;
            };
            let answers = |set: &OriginSet| {
                let host = origin.host.text();
                (set.find(&origin), set.mismatch(&origin), set.entries_on(host, &origin))
            };
            assert_eq!(answers(&all), answers(&own), "{value} among {entries:?}");
            let parts = OriginParts::parse(&value).unwrap().unwrap();
            assert_eq!(
                all.exact().position(&parts).is_some(),
                own.exact().position(&parts).is_some()
            );
        }
    }
    for other in ["https://h.example", "https://h600.example", "http://h1.exampl"] {
        let origin = Origin::parse(other.as_bytes()).unwrap();
        assert_eq!((all.find(&origin), all.mismatch(&origin)), (None, None), "{other}");
    }
}

#[test]
fn paths_are_cut_where_the_query_begins() {
    for (target, path) in [("/a?b#c", "/a"), ("/a#b?c", "/a"), ("/a", "/a"), ("?", "")] {
        assert_eq!(head(&[(b":path", target.as_bytes())]).path, path.as_bytes(), "{target}");
    }
}

#[test]
fn prefixes_go_by_segments() {
    let covers = |prefix: &str, path: &str| PathPrefix::parse(prefix).unwrap().scope(path.as_bytes()) == Scope::Inside;
    assert_eq!(PathPrefix::parse("/a").unwrap().scope(b"/A/b"), Scope::Ambiguous);
    assert_eq!(PathPrefix::parse("/a").unwrap().scope(b"/b/c"), Scope::Outside);
    assert!(covers("/a", "/a") && covers("/a", "/a/") && covers("/a", "/a/b"));
    assert!(!covers("/a", "/ab") && !covers("/a", "/") && !covers("/a", "/b/a"));
    assert!(covers("/a/", "/a/") && covers("/a/", "/a/b") && !covers("/a/", "/a"));
    // Django and Express put the slash there.
    assert_eq!(PathPrefix::parse("/a/").unwrap().scope(b"/a"), Scope::Ambiguous);
    let exempts = |entry: &str, path: &str| {
        any_covers(
            &[PathPattern::parse(entry).unwrap()],
            &RequestPath::new(path.as_bytes()),
        )
    };
    assert!(!exempts("/a/", "/a") && !exempts("/a", "/a/"));
}

#[test]
fn vary_is_a_list_of_names() {
    for (vary, varies) in [
        ("Origin", true),
        ("origin", true),
        ("Accept,\tORIGIN ", true),
        ("Accept, *", true),
        ("*", true),
        ("", false),
        ("X-Origin, Origin-Agent-Cluster", false),
        ("Accept;Origin", false),
    ] {
        assert_eq!(varies_by_origin(vary.as_bytes()), varies, "{vary}");
    }
}

#[test]
fn every_error_type_is_an_error() {
    fn text<E: std::error::Error>(error: E) -> String {
        error.to_string()
    }
    let errors = [
        text(config::load(b"").unwrap_err()),
        text(config::load(b"").unwrap_err().errors.remove(0)),
        text(Origin::parse(b"").unwrap_err()),
        text(Origin::parse(b"null").unwrap_err()),
        text(Host::parse(b"").unwrap_err()),
        text(OriginPattern::parse("").unwrap_err()),
        text(HostPattern::parse(":").unwrap_err()),
        text(OriginRegex::parse("").unwrap_err()),
        text(PathPattern::parse("").unwrap_err()),
        text(Deny::OriginMissing),
        text(filter::Unavailable),
        text(analysis::TooLarge),
    ];
    assert!(errors.iter().all(|it| !it.is_empty()), "{errors:?}");
}
