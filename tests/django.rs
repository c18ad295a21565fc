//! The filter under Django's settings, against Django, django-cors-headers and Channels themselves: every spelling of a
//! host and an origin in the corpus, under settings of every kind. Where the two differ, a difference that is written
//! down here must cover it, and each of those must occur.
//!
//! `./build.sh test` names Python with these packages in `ORIGIN_GATE_PYTHON`.
//!
//! Long: Django's settings by groups, and each difference that is meant, beside the test that needs it.

use crate::support;
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use policy::Policy;
use policy::origin::{NoOrigin, Origin};
use policy::verdict::{Action, AllowOrigin, ResponseCors};
use serde_json::{Value, json};

/// Settings under which one part of Django is asked.
struct Group {
    kind: &'static str,
    /// As the environment has them.
    environment: Vec<(&'static str, &'static str)>,
    /// As Django has them.
    settings: Value,
    host: &'static str,
    is_secure: bool,
}

/// One request under one group's settings.
struct Pair<'g> {
    group: &'g Group,
    host: Vec<u8>,
    origin: Option<Vec<u8>>,
}

/// A way in which the two differ on purpose.
struct Difference {
    name: &'static str,
    reason: &'static str,
    /// What the filter says; Django says the other, or ends in an exception.
    filter: bool,
    covers: fn(&Pair<'_>) -> bool,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "an underscore in a host",
        reason: "Docker and Kubernetes names have them; Django answers 400",
        filter: true,
        covers: |pair| pair.group.kind == "hosts" && pair.host.contains(&b'_'),
    },
    Difference {
        name: "an IPv6 host in another spelling",
        reason: "addresses are compared by value; Django compares text",
        filter: true,
        covers: |pair| pair.group.kind == "hosts" && pair.host.starts_with(b"[") && !pair.host.starts_with(b"[::1]"),
    },
    Difference {
        name: "a host with a port past 65535",
        reason: "safer: there is no such port",
        filter: false,
        covers: |pair| pair.group.kind == "hosts" && port_of(&pair.host).is_some_and(|it| it > 65535),
    },
    Difference {
        name: "a host with an empty label",
        reason: "safer: no such name can be registered or resolved",
        filter: false,
        covers: |pair| pair.group.kind == "hosts" && has_empty_label(&pair.host),
    },
    Difference {
        name: "a host that is too long",
        reason: "safer: past the limits of DNS",
        filter: false,
        covers: |pair| {
            let has_long_label = pair.host.split(|&byte| byte == b'.').any(|label| label.len() > 63);
            pair.group.kind == "hosts" && (has_long_label || pair.host.len() > 253)
        },
    },
    Difference {
        name: "brackets around what is no IPv6 address",
        reason: "safer: Django's expression takes any hexadecimal digits and colons",
        filter: false,
        covers: |pair| pair.group.kind == "hosts" && pair.host.starts_with(b"["),
    },
    Difference {
        name: "a default port that is written out",
        reason: "never matched in Django; browsers leave it out, other clients and the seed's platform write it",
        filter: true,
        covers: |pair| canonical(pair).is_some_and(|it| Some(it) != pair.origin.as_deref()),
    },
    Difference {
        name: "what is no origin",
        reason: "safer: django-cors-headers and Channels read a scheme and host out of URLs, user information and controls",
        filter: false,
        covers: |pair| malformed(pair),
    },
    Difference {
        name: "a literal `*` for what is no origin",
        reason: "the answer is the same for everybody, and no browser sends such an origin",
        filter: true,
        covers: |pair| malformed(pair) && pair.group.environment == [("CORS_ALLOW_ALL_ORIGINS", "1")],
    },
    Difference {
        name: "an expression that Django matches at the beginning only",
        reason: "safer: the whole origin must match; the filter warns when it starts",
        filter: false,
        covers: |pair| {
            pair.group
                .environment
                .iter()
                .any(|(name, text)| *name == "CORS_ALLOWED_ORIGIN_REGEXES" && !text.ends_with('$'))
        },
    },
    Difference {
        name: "null beside credentials",
        reason: "safer: any site can send it; django-cors-headers reflects it",
        filter: false,
        covers: |pair| pair.group.kind == "cors" && pair.origin.as_deref() == Some(b"null"),
    },
    Difference {
        name: "a WebSocket of any origin under `*`",
        reason: "safer: `*` in ALLOWED_HOSTS says nothing of origins, and covers no WebSocket here",
        filter: false,
        covers: |pair| pair.group.kind == "channels" && pair.group.environment.contains(&("ALLOWED_HOSTS", "*")),
    },
    Difference {
        name: "a WebSocket without an origin",
        reason: "no browser omits it, so its absence is no attack through one; `missing_origin` refuses it",
        filter: true,
        covers: |pair| pair.group.kind == "channels" && pair.origin.is_none(),
    },
    Difference {
        name: "a WebSocket of the visitor's own machine",
        reason: "safer: any program there can be it, so it may ask that machine alone",
        filter: false,
        covers: |pair| of_channels(pair).is_some_and(|it| it.is_loopback() && !pair.group.host.ends_with("localhost")),
    },
    Difference {
        name: "a WebSocket of another scheme than http and https",
        reason: "safer: such a page is on no host of a list of hosts; list its origin",
        filter: false,
        covers: |pair| of_channels(pair).is_some_and(|it| !matches!(it.scheme, b"http" | b"https")),
    },
    Difference {
        name: "a WebSocket over https of a page over http",
        reason: "safer: whoever sits on the visitor's network can write that page",
        filter: false,
        covers: |pair| of_channels(pair).is_some_and(|it| pair.group.is_secure && it.scheme == b"http"),
    },
    Difference {
        name: "a WebSocket of a page on another port",
        reason: "safer: what is on another port need not be the host's own; list its origin",
        filter: false,
        covers: |pair| of_channels(pair).is_some_and(|it| it.port.is_some()),
    },
    Difference {
        name: "a write over https of a trusted page over http",
        reason: "safer: a page of http never writes to https, unless it is of this machine and in `allowed_origins`",
        filter: false,
        covers: |pair| {
            let is_http = pair.origin.as_ref().is_some_and(|it| it.starts_with(b"http://"));
            pair.group.kind == "csrf" && pair.group.is_secure && is_http
        },
    },
    Difference {
        name: "a write from the host itself, its port or case written otherwise",
        reason: "never matched in Django, which compares text",
        filter: true,
        covers: |pair| pair.group.kind == "csrf" && pair.host != b"example.com",
    },
];

/// Every group with each spelling.
fn pairs(groups: &[Group]) -> Vec<Pair<'_>> {
    let (origins, hosts) = spellings();
    let mut pairs = Vec::new();
    for group in groups {
        if group.kind == "hosts" {
            pairs.extend(hosts.iter().map(|host| Pair {
                group,
                host: host.clone(),
                origin: None,
            }));
        } else {
            let host = group.host.as_bytes().to_vec();
            let all = origins.iter().cloned().map(Some).chain([None]);
            // Django's answers to requests without an origin go by Referer, or are no answers.
            let asked = all.filter(|origin| origin.is_some() || group.kind == "channels");
            pairs.extend(asked.map(|origin| Pair {
                group,
                host: host.clone(),
                origin,
            }));
        }
    }
    pairs
}

#[test]
#[ignore = "needs Python with Django: ./build.sh test"]
fn the_filter_agrees_with_django_or_says_why_not() {
    let groups = groups();
    let pairs = pairs(&groups);
    assert!(pairs.len() >= 2000, "only {} pairs", pairs.len());

    let policies: Vec<_> = groups.iter().map(|group| (group, policy(group))).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unnamed = Vec::new();
    for (pair, django) in pairs.iter().zip(ask_django(&pairs)) {
        let (_, policy) = policies
            .iter()
            .find(|(group, _)| std::ptr::eq(*group, pair.group))
            .unwrap();
        let filter = is_allowed(pair, policy);
        if filter == (django == "allowed") {
            *counts.entry("agree").or_default() += 1;
            continue;
        }
        let difference = DIFFERENCES.iter().find(|it| it.filter == filter && (it.covers)(pair));
        match difference {
            Some(difference) => *counts.entry(difference.name).or_default() += 1,
            None => unnamed.push(format!(
                "{} {:?}: host {}, origin {:?}: Django {django}, filter {filter}",
                pair.group.kind,
                pair.group.environment,
                pair.host.escape_ascii(),
                pair.origin.as_ref().map(|it| it.escape_ascii().to_string()),
            )),
        }
    }
    println!("{} pairs", pairs.len());
    for (name, count) in &counts {
        let difference = DIFFERENCES.iter().find(|it| it.name == *name);
        let reason = difference.map(|it| format!(" ({})", it.reason)).unwrap_or_default();
        println!("{count:>6} {name}{reason}");
    }
    assert!(
        unnamed.is_empty(),
        "{} differences are not written down:\n{}",
        unnamed.len(),
        unnamed.join("\n")
    );
    for difference in DIFFERENCES {
        assert!(
            counts.contains_key(difference.name),
            "this difference never occurs: {}",
            difference.name
        );
    }
}

/// The values of the corpus, and some that only Django's own tests have.
fn spellings() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let values = |file: &str, header: &str| -> Vec<Vec<u8>> {
        let suite = support::corpus().into_iter().find(|it| it.file == file).unwrap();
        let of = |case: support::Case| case.headers.into_iter().find(|(name, _)| name == header).unwrap().1;
        suite.cases.into_iter().map(of).collect()
    };
    let mut origins = values("origins/exact", "origin");
    origins.extend(
        [
            "https://www.example.com",
            "https://api.shop.example",
            "https://shop.example",
            "http://foo.localhost:3000",
            "https://trusted.example",
            "https://a.trusted.example",
            "http://a.trusted.example",
            "http://my_service:8000",
        ]
        .map(Into::into),
    );
    let mut hosts = values("authorities/exact", "host");
    hosts.extend(
        [
            "api.shop.example",
            "shop.example",
            "SHOP.example.",
            "localhost:8000",
            "foo.localhost",
            "127.0.0.2",
            "example.com:99999",
            "[::1]:99999",
            "[12:34]",
            "[::]",
            "evil.example",
        ]
        .map(Into::into),
    );
    (origins, hosts)
}

fn groups() -> Vec<Group> {
    // Long: a table of settings, each with what is asked under it.
    let mut groups = Vec::new();
    for (text, hosts, debug) in [
        ("example.com", json!(["example.com"]), false),
        (".example.com", json!([".example.com"]), false),
        ("*", json!(["*"]), false),
        (
            "EXAMPLE.com .shop.example",
            json!(["EXAMPLE.com", ".shop.example"]),
            false,
        ),
        (
            r#"["127.0.0.1", "[::1]", "xn--4ca9at.com"]"#,
            json!(["127.0.0.1", "[::1]", "xn--4ca9at.com"]),
            false,
        ),
        ("my_service,localhost", json!(["my_service", "localhost"]), false),
        ("", json!([]), true),
    ] {
        let environment = if debug {
            vec![("DEBUG", "true")]
        } else {
            vec![("ALLOWED_HOSTS", text)]
        };
        for kind in ["hosts", "channels"] {
            groups.push(Group {
                kind,
                environment: environment.clone(),
                settings: json!({ "ALLOWED_HOSTS": hosts, "DEBUG": debug }),
                host: "unrelated.example",
                is_secure: true,
            });
        }
    }
    let list = json!([
        "https://example.com",
        "http://localhost:8080",
        "http://[::1]:8080",
        "capacitor://localhost"
    ]);
    for (environment, settings) in [
        (
            vec![(
                "CORS_ALLOWED_ORIGINS",
                "https://example.com,http://localhost:8080,http://[::1]:8080,capacitor://localhost",
            )],
            json!({ "CORS_ALLOWED_ORIGINS": list }),
        ),
        (
            vec![("CORS_ALLOW_ALL_ORIGINS", "1")],
            json!({ "CORS_ALLOW_ALL_ORIGINS": true }),
        ),
        (
            vec![("CORS_ALLOW_ALL_ORIGINS", "true"), ("CORS_ALLOW_CREDENTIALS", "yes")],
            json!({ "CORS_ALLOW_ALL_ORIGINS": true, "CORS_ALLOW_CREDENTIALS": true }),
        ),
        (
            vec![("CORS_ALLOWED_ORIGIN_REGEXES", r"^https://\w+\.example\.com$")],
            json!({ "CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://\w+\.example\.com$"] }),
        ),
        (
            vec![("CORS_ALLOWED_ORIGIN_REGEXES", r"^https://example\.com")],
            json!({ "CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://example\.com"] }),
        ),
    ] {
        groups.push(Group {
            kind: "cors",
            environment,
            settings,
            host: "unrelated.example",
            is_secure: true,
        });
    }
    for (host, is_secure) in [
        ("example.com", true),
        ("example.com", false),
        ("example.com:443", true),
        ("EXAMPLE.com", true),
    ] {
        groups.push(Group {
            kind: "csrf",
            environment: vec![(
                "CSRF_TRUSTED_ORIGINS",
                "https://*.trusted.example,http://localhost:8080",
            )],
            settings: json!({
                "CSRF_TRUSTED_ORIGINS": ["https://*.trusted.example", "http://localhost:8080"],
                "ALLOWED_HOSTS": ["*"],
            }),
            host,
            is_secure,
        });
    }
    groups
}

/// The filter under the same settings, with the part on that is asked about.
fn policy(group: &Group) -> Policy {
    let part = match group.kind {
        "hosts" => json!({}),
        // Channels knows no other rule.
        "channels" => json!({ "websocket": { "same_host": false }, "hosts": { "mode": "off" } }),
        "cors" => json!({ "dangerously_allow_any_origin_with_credentials": true }),
        _ => json!({ "csrf": {} }),
    };
    let mut policy = part;
    policy["django_env"] = json!(true);
    config::load_with(policy.to_string().as_bytes(), &crate::variables(&group.environment))
        .unwrap()
        .policy
}

fn is_allowed(pair: &Pair<'_>, policy: &Policy) -> bool {
    let scheme: &[u8] = if pair.group.is_secure { b"https" } else { b"http" };
    let method: &[u8] = if pair.group.kind == "csrf" { b"POST" } else { b"GET" };
    let mut fields: Vec<(&[u8], &[u8])> = vec![
        (b":method", method),
        (b":path", b"/"),
        (b":scheme", scheme),
        (b":authority", &pair.host),
    ];
    if let Some(origin) = &pair.origin {
        fields.push((b"origin", origin));
    }
    if pair.group.kind == "channels" {
        fields.push((b"upgrade", b"websocket"));
    }
    let head = fields.into_iter().collect();
    match (policy.decide(&head).action, pair.group.kind) {
        (Action::Forward(forward), "cors") => {
            !matches!(forward.response, ResponseCors::Replace(grant) if grant.origin == AllowOrigin::Withheld)
        }
        (Action::Forward(_), _) => true,
        (Action::Reply(_), _) => false,
    }
}

fn ask_django(pairs: &[Pair<'_>]) -> Vec<String> {
    let python = env::var("ORIGIN_GATE_PYTHON").expect("ORIGIN_GATE_PYTHON names Python: run ./build.sh test");
    let oracle = crate::root().join("tests/django/oracle.py");
    let mut process = Command::new(python)
        .arg("-B")
        .arg(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let latin1 = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let lines: Vec<_> = pairs
        .iter()
        .map(|pair| {
            json!({
                "kind": pair.group.kind,
                "settings": pair.group.settings,
                "host": latin1(&pair.host),
                "origin": pair.origin.as_deref().map(latin1),
                "secure": pair.group.is_secure,
            })
        })
        .collect();
    let mut stdin = process.stdin.take().unwrap();
    let writer = thread::spawn(move || lines.iter().for_each(|line| writeln!(stdin, "{line}").unwrap()));
    let answers: Vec<_> = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .collect();
    writer.join().unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(answers.len(), pairs.len());
    answers
}

fn port_of(host: &[u8]) -> Option<u64> {
    let digits = host.rsplit(|&byte| byte == b':').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn has_empty_label(host: &[u8]) -> bool {
    let name = host.split(|&byte| byte == b':').next().unwrap_or_default();
    name.strip_suffix(b".")
        .unwrap_or(name)
        .split(|&byte| byte == b'.')
        .any(<[u8]>::is_empty)
}

/// The pair's origin where Channels is asked.
fn of_channels<'p>(pair: &'p Pair<'_>) -> Option<Origin<'p>> {
    let origin = pair.origin.as_deref().filter(|_| pair.group.kind == "channels");
    origin.and_then(|it| Origin::parse(it).ok())
}

/// The one serialization of the pair's origin.
fn canonical<'p>(pair: &'p Pair<'_>) -> Option<&'p [u8]> {
    pair.origin
        .as_deref()
        .and_then(|it| Origin::parse(it).ok())
        .map(|it| it.text)
}

fn malformed(pair: &Pair<'_>) -> bool {
    pair.origin
        .as_deref()
        .is_some_and(|it| matches!(Origin::parse(it), Err(NoOrigin::Malformed)))
}
