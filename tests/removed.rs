//! What the log says of a backend's CORS headers that the policy takes away.

use crate::captured;
use config::{Environment, Loaded};
use filter::{MAX_LOGGED, Pairs, QUIET, Removed, Replacement};
use log::Level;
use policy::request::Request;
use policy::verdict::{Action, Check, Outcome, ResponseCors};

const PAGE: &str = "https://app.example";

/// What is told of a response, and how much is counted.
fn tell(removed: &Removed, loaded: &Loaded, origin: &str, response: &[(&str, &str)]) -> (u32, Vec<String>) {
    let request = [
        (":method", "GET"),
        (":path", "/files/a"),
        (":scheme", "https"),
        (":authority", "api.example"),
        ("origin", origin),
    ];

    let request: Request<'_> = request
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let verdict = loaded.policy.decide(&request);
    let Action::Forward(forward) = &verdict.action else {
        panic!("{:?}", verdict.finding)
    };
    let ResponseCors::Replace(grant) = &forward.response else {
        panic!("{:?}", forward.response)
    };
    let fields: Vec<_> = response
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let replacement = Replacement {
        grant,
        is_refused: matches!(
            (verdict.finding.check, verdict.finding.outcome),
            (Check::Cors, Outcome::Rejected(_))
        ),
        by: verdict.by,
        provenance: &loaded.provenance,
    };
    let told = removed.record(replacement, &Pairs::new(Pairs::encode(fields.into_iter())));
    let lines = captured::take();
    assert!(lines.iter().all(|(level, _)| *level == Level::Warn), "{lines:?}");
    (told, lines.into_iter().map(|(_, line)| line).collect())
}

fn load(policy: &str, environment: &Environment) -> Loaded {
    config::load_with(policy.as_bytes(), environment).unwrap()
}

const EXPOSED: (&str, &str) = ("access-control-expose-headers", "X-Total-Count, content-type, ETag");

#[test]
fn what_a_page_no_longer_reads_is_told_once_with_the_line_that_keeps_it() {
    captured::start();
    let policy = r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"],
        "cors": {"expose_headers": ["etag"]}}"#;
    let (removed, loaded) = (Removed::default(), load(policy, &[]));
    let answer = [
        ("access-control-allow-origin", PAGE),
        ("Access-Control-Allow-Credentials", "true"),
        EXPOSED,
    ];
    let lines = [
        "Backend's grant removed header=access-control-expose-headers value=\"X-Total-Count\" fix=\"if pages may read it, \
         list it by name in cors.expose_headers\"",
        "Backend's grant removed header=access-control-allow-credentials value=\"true\" fix=\"if all pages that are listed \
         may read with cookies, set cors.allow_credentials to true\"",
    ];
    assert_eq!(
        tell(&removed, &loaded, PAGE, &answer),
        (2, lines.map(str::to_owned).to_vec())
    );
    assert_eq!(tell(&removed, &loaded, PAGE, &answer), (0, vec![]), "told already");
    let lower = [("access-control-expose-headers", "x-total-count")];
    assert_eq!(
        tell(&removed, &loaded, PAGE, &lower),
        (0, vec![]),
        "the same in another case"
    );
    let more = [EXPOSED, ("access-control-expose-headers", "x-more, set-cookie, b c, *")];
    let (told, lines) = tell(&removed, &loaded, PAGE, &more);
    assert_eq!(told, 2, "what no list may have is not told: {lines:?}");
    assert!(lines[0].contains("value=\"x-more\""), "{lines:?}");
    assert!(
        lines[1].contains("value=\"*\"") && lines[1].contains("list it by name in cors.expose_headers"),
        "{lines:?}"
    );
}

#[test]
fn a_grant_to_others_is_told_where_a_page_was_refused() {
    captured::start();
    let policy = r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"]}"#;
    let (removed, loaded) = (Removed::default(), load(policy, &[]));
    let any = [("access-control-allow-origin", "*")];
    assert_eq!(
        tell(&removed, &loaded, PAGE, &any),
        (0, vec![]),
        "the page reads it still"
    );
    let line = "Backend's grant removed header=access-control-allow-origin value=\"*\" fix=\"list who may read in \
                allowed_origins, or, where the backend is to decide, set cors.upstream_headers to keep\"";
    assert_eq!(
        tell(&removed, &loaded, "https://b.example", &any),
        (1, vec![line.to_owned()])
    );
    assert_eq!(tell(&removed, &loaded, "https://c.example", &any), (0, vec![]));
    // Nothing but the origin keeps these from a page that is refused.
    assert_eq!(tell(&removed, &loaded, "https://c.example", &[EXPOSED]), (0, vec![]));
}

#[test]
fn the_line_is_named_where_it_was_written() {
    captured::start();
    let scoped = r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"],
        "policies": [{"match": {"path_prefixes": ["/files"]}, "cors": {"max_age": 60}}]}"#;
    let (_, lines) = tell(&Removed::default(), &load(scoped, &[]), PAGE, &[EXPOSED]);
    assert!(
        lines[0].contains("list it by name in policies[0].cors.expose_headers"),
        "{lines:?}"
    );
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let settings = vec![
        setting("CORS_ALLOWED_ORIGINS", PAGE),
        setting("CORS_EXPOSE_HEADERS", "etag"),
    ];
    let (_, lines) = tell(
        &Removed::default(),
        &load(r#"{"django_env": true}"#, &settings),
        PAGE,
        &[EXPOSED],
    );
    assert!(lines[0].contains("list it by name in CORS_EXPOSE_HEADERS"), "{lines:?}");
    let any = load(r#"{"allowed_origins": ["*"]}"#, &[]);
    let cookies = [
        ("access-control-allow-origin", PAGE),
        ("access-control-allow-credentials", "true"),
    ];
    let (_, lines) = tell(&Removed::default(), &any, PAGE, &cookies);
    assert!(
        lines[0].contains("list these in the place of * and set cors.allow_credentials to true"),
        "{lines:?}"
    );
}

/// A backend that makes up names fills neither the log nor the memory, and is not looked at for ever.
#[test]
fn it_comes_to_an_end() {
    captured::start();
    let policy = r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"]}"#;
    let (removed, loaded) = (Removed::default(), load(policy, &[]));
    let mut told = 0;
    for number in 0..1000 {
        let name = format!("x-{number}");
        told += tell(&removed, &loaded, PAGE, &[("access-control-expose-headers", &name)]).0;
    }
    assert_eq!(usize::try_from(told), Ok(MAX_LOGGED));

    let removed = Removed::default();
    for _ in 0..QUIET {
        assert!(removed.looks());
        tell(&removed, &loaded, PAGE, &[("access-control-allow-origin", PAGE)]);
    }
    assert!(!removed.looks());
}
