//! What must hold of any bytes. `./build.sh fuzz` looks for bytes of which it does not, guided by what they reach;
//! `tests/fuzz_smoke.rs` tries the seeds and some changed ones with every test run.

use policy::host::{Authority, Host};
use policy::origin::{MAX_ORIGIN, Origin};
use policy::pattern::{HostPattern, OriginHosts, OriginPattern, Ports};
use policy::request::Request;
use policy::set::HostSet;
use policy::verdict::{Action, AllowOrigin, Finding, ResponseCors};

const POLICY: &str = r#"{
    "allowed_origins": ["https://app.example", "https://*.preview.example", "https://shop-*-acme.vercel.example", "http://localhost:*"],
    "allowed_origin_regexes": ["https://pr-[0-9]+\\.example"],
    "allowed_hosts": ["api.example", ".shop.example", "[::1]"],
    "cors": {"allow_credentials": true, "allow_methods": ["*"], "allow_headers": ["*"], "presets": ["mcp"]},
    "hosts": {"exempt_paths": ["/healthz", "/probes/"], "forwarded_host": "check"},
    "csrf": {"trusted_origins": ["https://trusted.example"], "exempt_paths": ["/api/"]},
    "policies": [
        {"match": {"hosts": ["cdn.example"], "path_prefixes": ["/public/"]}, "allowed_origins": ["*"], "cors": {}},
        {"match": {"path_prefixes": ["/watch"]}, "cors": {"mode": "report_only"}, "websocket": {"mode": "report_only"}}
    ]
}"#;

/// An accepted origin is canonical, and the pattern parser reads the same origin out of it.
pub(crate) fn origin(value: &[u8]) {
    let pattern = std::str::from_utf8(value)
        .ok()
        .and_then(|text| OriginPattern::parse(text).ok());
    let is_exact = |it: &OriginPattern| {
        matches!(
            it,
            OriginPattern::Of {
                hosts: OriginHosts::One(_),
                ports: Ports::One(_),
                ..
            }
        )
    };
    match Origin::parse(value) {
        Ok(origin) => {
            assert!(value.len() <= MAX_ORIGIN && value.is_ascii() && value.starts_with(origin.text));
            assert!(
                !value
                    .iter()
                    .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_whitespace())
            );
            assert_eq!(Origin::parse(origin.text).unwrap().text, origin.text);
            let scheme = origin.scheme;
            let has_none = matches!(
                scheme,
                b"about" | b"blob" | b"data" | b"file" | b"filesystem" | b"javascript"
            );
            assert!(has_none || pattern.is_some_and(|it| it.matches(&origin)));
        }
        Err(_) => assert!(!pattern.is_some_and(|it| is_exact(&it))),
    }
}

/// An accepted authority is a host and a port, and a listed host is found whatever its case and root dot.
pub(crate) fn authority(value: &[u8]) {
    let Ok(authority) = Authority::parse(value) else { return };
    let text = authority.host.text();
    assert!(value.starts_with(text) && text.is_ascii() && text.len() <= 254);
    assert!(Host::parse(text).is_ok_and(|it| it == authority.host));
    let name = std::str::from_utf8(text).unwrap();
    let listed = HostPattern::parse(name.strip_suffix('.').unwrap_or(name)).unwrap();
    let set: HostSet = [listed.clone()].into_iter().collect();
    let upper = text.to_ascii_uppercase();
    assert!(listed.matches(&authority.host) && set.lists(&authority.host));
    assert!(set.lists(&Host::parse(&upper).unwrap()));
}

/// Whatever the text, an answer comes; errors have a place and fit on a line.
pub(crate) fn config(text: &[u8]) {
    let as_text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let settings = config::SETTING_NAMES.iter().filter_map(|name| {
        let found = text.windows(name.len()).position(|it| it == name.as_bytes())?;
        let value = text.get(found + name.len()..)?.split(|&byte| byte == b'\n').next()?;
        Some(((*name).to_owned(), as_text(value)))
    });
    let others = text
        .split(|&byte| byte == b'\n')
        .map(|name| (as_text(name), String::new()));
    let environment: Vec<_> = settings.chain(others).collect();
    let notes: Vec<String> = match config::load_with(text, &environment) {
        Ok(loaded) => loaded.warnings.iter().map(ToString::to_string).collect(),
        Err(errors) => {
            assert!(!errors.errors.is_empty());
            errors.errors.iter().map(ToString::to_string).collect()
        }
    };
    for note in notes {
        assert!(
            note.contains(": ") && !note.contains('\n') && !note.contains('\x1b'),
            "{note}"
        );
    }
}

/// What says of itself that it was compiled, with a checksum that is right: an error, or a policy that decides as its text
/// does, and lists only what can be listed.
pub(crate) fn compiled(body: &[u8]) {
    let checksum = body
        .iter()
        .fold(policy::fnv::SEED, |hash, &byte| policy::fnv::add(hash, byte));
    let file = [format!("origin-gate compiled 1\n{checksum:016x}\n").as_bytes(), body].concat();
    let Ok(loaded) = config::load(&file) else { return };
    let text = config::decompile(file.clone()).unwrap();
    let again = config::load(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let inline = config::load(config::inline(&file).as_bytes()).unwrap();
    assert_eq!((loaded.origins, &loaded.digest), (inline.origins, &inline.digest));
    let lists = |it: &config::Loaded| {
        let rules = it.policy.scoped.iter().map(|it| &it.rules).chain([&it.policy.rules]);
        let sets = rules.flat_map(|it| {
            let trusted = it.csrf.iter().flat_map(|it| it.trusted.entries().collect::<Vec<_>>());
            it.origins.set.entries().chain(trusted).collect::<Vec<_>>()
        });
        sets.map(|it| it.to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let listed = lists(&loaded);
    assert_eq!(listed, lists(&again));
    for entry in &listed {
        assert!(
            OriginPattern::parse(entry).is_ok_and(|it| it.to_string() == *entry),
            "{entry}"
        );
        for (upgrade, method) in [(&b""[..], b"GET"), (b"websocket", b"GET"), (b"", b"PUT")] {
            let fields: [(&[u8], &[u8]); 4] = [
                (b":authority", b"api.example"),
                (b":method", method),
                (b"origin", entry.as_bytes()),
                (b"upgrade", upgrade),
            ];
            let head: Request<'_> = fields.into_iter().collect();
            let finding = loaded.policy.decide(&head).finding;
            assert_eq!(finding, again.policy.decide(&head).finding, "{entry}");
        }
    }
}

/// A `google.protobuf.Struct` in any bytes: never a panic, and the same policy as the JSON that says the same.
pub(crate) fn message(bytes: &[u8]) {
    let _ = config::load(bytes);
    let _ = config::load(&[b"\n", bytes].concat());
}

/// Requests of any fields under a policy with everything in it: one of the findings that there are, and headers that
/// could not end or begin another.
pub(crate) fn decide(text: &[u8]) {
    thread_local! {
        static LOADED: config::Loaded = config::load(POLICY.as_bytes()).unwrap();
    }
    let fields = text.split(|&byte| byte == b'\n').filter_map(|line| {
        let at = line.iter().skip(1).position(|&byte| byte == b':')? + 1;
        Some((
            &line[..at],
            line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..]),
        ))
    });
    let head: Request<'_> = fields.collect();
    LOADED.with(|loaded| {
        let verdict = loaded.policy.decide(&head);
        assert!(Finding::all().any(|it| it == verdict.finding));
        match verdict.action {
            Action::Reply(reply) => {
                for (name, value) in &reply.render().headers {
                    assert!(
                        value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')),
                        "{name}: {value:?}"
                    );
                }
            }
            Action::Forward(forward) => {
                if let ResponseCors::Replace(grant) | ResponseCors::Keep(grant) = forward.response
                    && let AllowOrigin::Named(origin) = grant.origin
                {
                    assert!(origin.iter().all(u8::is_ascii_graphic));
                }
            }
        }
    });
}
