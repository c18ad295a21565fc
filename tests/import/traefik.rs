//! Policies made of Traefik's middlewares. Traefik cannot be run here: its rules are played after its source.

use import::{Imported, import_traefik};
use regex_lite::Regex;
use serde_json::{Value, json};

use super::{has, lets_in, policy};
use crate::random::Random;

pub(super) const COMPOSE: &str = r#"
services:
  backend:
    labels:
      - traefik.enable=true
      - traefik.http.routers.backend.rule=Host(`api.example`) && (PathPrefix(`/api/`) || PathPrefix(`/v2/`))
      - traefik.http.routers.backend.middlewares=all@docker
      - traefik.http.routers.ws.rule=Host(`api.example`) && PathPrefix(`/ws/`)
      - traefik.http.middlewares.all.chain.middlewares=cors,gzip
      - traefik.http.middlewares.gzip.compress=true
      - traefik.http.middlewares.cors.headers.accessControlAllowOriginList=https://app.example, https://a.example:443,https://*.b.example
      - traefik.http.middlewares.cors.headers.accessControlAllowOriginListRegex=^https://[a-z]+\.c\.example$$
      - traefik.http.middlewares.cors.headers.accessControlAllowMethods=GET,PUT
      - traefik.http.middlewares.cors.headers.accessControlAllowHeaders=*
      - traefik.http.middlewares.cors.headers.accessControlAllowCredentials=true
      - traefik.http.middlewares.cors.headers.accessControlMaxAge=600
"#;

pub(super) fn import(text: &str) -> Imported {
    import_traefik(&[("compose.yaml".to_owned(), text.to_owned())])
}

#[test]
fn labels_of_containers() {
    let (made, notes) = policy(import(COMPOSE));
    let matched = |at: usize| made["policies"][at]["match"].clone();
    let prefixes = |prefix: &str| json!({ "hosts": ["api.example"], "path_prefixes": [prefix] });
    assert_eq!(
        [matched(0), matched(1), matched(2)],
        [prefixes("/api/"), prefixes("/v2/"), prefixes("/ws/")]
    );
    assert_eq!(
        made["policies"][0],
        json!({
            "name": "backend",
            "match": prefixes("/api/"),
            "allowed_origins": ["https://app.example"],
            "allowed_origin_regexes": [r"https://[a-z]+\.c\.example"],
            "cors": { "allow_credentials": true, "allow_methods": ["GET", "PUT"], "allow_headers": ["*"], "max_age": 600 }
        })
    );
    assert_eq!(made["policies"][2]["cors"], json!({ "mode": "off" }));
    for part in [
        "cors: left out: `https://a.example:443`: it let nobody in there",
        "cors: left out: `https://*.b.example`: Traefik takes it literally",
        "cors: cors.allow_headers: `*` answers with what is asked for",
        "note: Traefik lets every page open WebSockets",
    ] {
        has(&notes, part);
    }
    // As keys of an object, and in small letters, they are the same.
    let object = COMPOSE
        .replace("      - traefik", "      traefik")
        .replacen('=', ": ", 0);
    let object: String = object
        .lines()
        .map(|it| {
            if it.trim_start().starts_with("traefik") {
                it.replacen('=', ": '", 1) + "'\n"
            } else {
                format!("{it}\n")
            }
        })
        .collect();
    assert_eq!(policy(import(&object)).0, made);
    assert_eq!(
        policy(import(&COMPOSE.replace("accessControl", "accesscontrol"))).0,
        made
    );
}

/// Traefik hands the list out as it is, and to a browser this is a name.
#[test]
fn a_header_that_ends_in_a_wildcard_is_no_prefix() {
    let text = COMPOSE.replace(
        "accessControlAllowHeaders=*",
        "accessControlAllowHeaders=x-a,mcp-param-*",
    );
    let (made, notes) = policy(import(&text));
    assert_eq!(made["policies"][0]["cors"]["allow_headers"], json!(["x-a"]));
    has(&notes, "left out: the header `mcp-param-*`: there it is a name");
}

/// A router and a middleware, in a dynamic file and as custom resources.
#[test]
fn files_and_resources_say_the_same() {
    let file = "http:\n  routers:\n    api: { rule: 'Host(`a.example`)', middlewares: [cors@file] }\n  middlewares:\n    cors: { headers: { accessControlAllowOriginList: ['*'], accessControlAllowCredentials: true } }\n";
    let resources = "kind: Middleware\nmetadata: { name: cors }\nspec: { headers: { accessControlAllowOriginList: ['*'], accessControlAllowCredentials: true } }\n---\nkind: IngressRoute\nmetadata: { name: api }\nspec: { routes: [{ match: 'Host(`a.example`)', kind: Rule, middlewares: [{ name: cors }] }] }\n";
    let want = json!({
        "allowed_hosts": ["a.example"],
        "allowed_origins": ["*"],
        "cors": { "allow_credentials": false, "allow_methods": [], "allow_headers": [], "max_age": 0 }
    });
    for text in [file, resources] {
        let (made, notes) = policy(import(text));
        assert_eq!(made, want);
        has(&notes, "cors: allow_credentials is off beside `*`");
    }
    // The higher priority is asked first, without one the longer rule.
    let order = |api: &str| {
        let other = file.replace("rule: 'Host(`a.example`)'", api).replace(
            "  middlewares:\n",
            "    b: { rule: 'Host(`a.example`) && PathPrefix(`/b/`)' }\n  middlewares:\n",
        );
        let (made, _) = policy(import(&other));
        made["policies"][0]["name"].clone()
    };
    assert_eq!(order("rule: 'Host(`a.example`)'"), json!("b"));
    assert_eq!(order("rule: 'Host(`a.example`)', priority: 1000"), json!("api"));
}

#[test]
fn what_cannot_be_said_gives_no_policy() {
    // Long: a table of labels.
    let router = |rule: &str| format!("  - traefik.http.routers.b.rule={rule}\n");
    let with = |more: &str| {
        format!(
            "l:\n  - traefik.http.routers.a.rule=Host(`a.example`)\n  - traefik.http.routers.a.middlewares=cors\n  - traefik.http.middlewares.cors.headers.accessControlAllowOriginList=https://b.example\n{more}"
        )
    };
    for (text, why) in [
        (
            with(&router("Host(`a.example`) && Method(`GET`)")),
            "b: `Method` of its rule cannot be said here",
        ),
        (
            with(&router("Host(`a.example`) && PathPrefix(`/x`)")),
            "b: Traefik takes `/xx` for below `/x`",
        ),
        (
            with(&router("Host(`a.example`")),
            "b: the rule `Host(`a.example`` cannot be read",
        ),
        (
            with(&router("!Host(`a.example`)")),
            "b: `!Host` of its rule cannot be said here",
        ),
        (
            with("  - traefik.http.routers.a.middlewares=cors,other@file\n"),
            "a: its middleware `other@file` is not in these files",
        ),
        (
            with(
                "  - traefik.http.routers.a.middlewares=cors,two\n  - traefik.http.middlewares.two.headers.accessControlMaxAge=1\n",
            ),
            "a: several of its middlewares are about CORS",
        ),
        (
            "http: { routers: { a: { rule: 'Host(`a`)' } } }\n".to_owned(),
            "no router has a middleware `headers` with CORS",
        ),
        (
            "http: { middlewares: {} }\n".to_owned(),
            "there is no router with a rule",
        ),
        ("[http]\n".to_owned(), "compose.yaml: this is not JSON"),
        ("[http.routers]\n  a = 1\n".to_owned(), "is to be written as YAML first"),
    ] {
        let made = import(&text);
        assert_eq!(made.policy, None, "{text}");
        has(&made.notes, why);
    }
    // Where the others let nobody in, what a prefix has beyond segments is theirs.
    let text = "l:\n  - traefik.http.routers.a.rule=Host(`a.example`) && PathPrefix(`/x`)\n  - traefik.http.routers.a.middlewares=cors\n  - traefik.http.middlewares.cors.headers.accessControlAllowOriginList=https://b.example\n  - traefik.http.routers.b.rule=Host(`a.example`)\n";
    has(&policy(import(text)).1, "a: `/xx` is not below `/x` here");
}

/// `isOriginAllowed` of Traefik.
fn traefik_lets_in(list: &[&str], expressions: &[&str], origin: &str) -> bool {
    list.iter().any(|it| *it == "*" || *it == origin)
        || expressions.iter().any(|it| Regex::new(it).unwrap().is_match(origin))
}

#[test]
fn a_middleware_lets_in_whom_traefik_lets_in() {
    // Long: what is generated, beside the property.
    const LIST: [&str; 7] = [
        "https://a.example",
        "http://a.example",
        "https://a.example:443",
        "https://*.a.example",
        "*",
        "null",
        "https://b.example:8443",
    ];
    const EXPRESSIONS: [&str; 8] = [
        r"^https://[a-z]+\.a\.example$",
        r"https://[a-z]+\.a\.example",
        r"a\.example$",
        r"^https://b",
        r"^https://(a|b)\.example$",
        r"^https://a\.example$|^https://c\.example$",
        "example",
        r"^(https?://a\.example)$",
    ];
    const ORIGINS: [&str; 9] = [
        "https://a.example",
        "http://a.example",
        "https://x.a.example",
        "https://x.y.a.example",
        "https://x.a.example.evil.test",
        "https://b.example:8443",
        "https://b.evil.test",
        "https://c.example",
        "null",
    ];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let (mut let_in, mut kept_out) = (0, 0);
    for _ in 0..300 {
        let list: Vec<_> = (0..random.below(3)).map(|_| random.one(&LIST)).collect();
        let expressions: Vec<_> = (0..random.below(3)).map(|_| random.one(&EXPRESSIONS)).collect();
        let file = json!({ "http": {
            "routers": { "a": { "rule": "Host(`api.example`)", "middlewares": ["cors"] } },
            "middlewares": { "cors": { "headers": { "accessControlAllowOriginList": list, "accessControlAllowOriginListRegex": expressions, "accessControlMaxAge": 5 } } },
        } });
        let text = import(&file.to_string()).policy.unwrap();
        let loaded = config::load(text.as_bytes()).unwrap();
        for origin in ORIGINS {
            let is_let_in = lets_in(&loaded, origin);
            let by_traefik = traefik_lets_in(&list, &expressions, origin);
            assert!(by_traefik || !is_let_in, "{file} lets {origin} in: {text}");
            // `null` in a list is left out, and said so.
            assert!(
                is_let_in || !by_traefik || origin == "null",
                "{file} keeps {origin} out: {text}"
            );
            *(if is_let_in { &mut let_in } else { &mut kept_out }) += 1;
        }
    }
    assert!(let_in > 300 && kept_out > 300, "{let_in} {kept_out}");
}

#[test]
fn a_rule_of_many_parts_is_read() {
    let made = policy(import(&COMPOSE.replace(
        "Host(`api.example`) && (PathPrefix(`/api/`) || PathPrefix(`/v2/`))",
        "(Host(`a.example`, `b.example`) || Host(`c.example`)) && PathPrefix(`/api/`)",
    )))
    .0;
    let hosts: Vec<Value> = made["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["match"]["hosts"].clone())
        .collect();
    assert_eq!(
        hosts,
        [
            json!(["a.example", "b.example"]),
            json!(["c.example"]),
            json!(["api.example"])
        ]
    );
}
