//! Policies made of Django's settings: of `.env` files, and of what Django says of itself.
//!
//! Long: tables of settings, each with the policy that comes of it.

use import::Imported;
use serde_json::{Value, json};

fn import(files: &[(&str, &str)]) -> Imported {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    import::import_django(&files)
}

/// The policy, which loads, and the notes.
fn policy(imported: Imported) -> (Value, Vec<String>) {
    let Some(text) = imported.policy else {
        panic!("no policy: {:#?}", imported.notes);
    };
    config::load(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    (serde_json::from_str(&text).unwrap(), imported.notes)
}

fn of_dotenv(text: &str) -> (Value, Vec<String>) {
    policy(import(&[(".env", text)]))
}

fn has(notes: &[String], part: &str) {
    assert!(
        notes.iter().any(|it| it.contains(part)),
        "is missing: {part}\n{notes:#?}"
    );
}

/// What the script prints for settings, with `CorsMiddleware` in MIDDLEWARE.
fn answer(settings: Value, more: Value) -> String {
    let mut cors = json!({
        "CORS_ALLOW_HEADERS": config::DEFAULT_HEADERS,
        "CORS_ALLOW_METHODS": config::DEFAULT_METHODS,
        "CORS_URLS_REGEX": "^.*$",
    });
    let mut all = json!({ "ALLOWED_HOSTS": ["api.example"], "DEBUG": false, "SESSION_COOKIE_SAMESITE": "Lax" });
    for (name, value) in settings.as_object().unwrap() {
        all[name] = value.clone();
        if name.starts_with("CORS_") {
            cors[name] = value.clone();
        }
    }
    let mut answer = json!({
        "settings": all,
        "cors": cors,
        "middleware": [{ "name": "corsheaders.middleware.CorsMiddleware", "kind": "cors" }],
    });
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    let rest = answer.to_string();
    format!("{{\"origin_gate_django\": 1, {}", rest.strip_prefix('{').unwrap())
}

fn of_answer(settings: Value, more: Value) -> (Value, Vec<String>) {
    policy(import(&[("settings.json", &answer(settings, more))]))
}

#[test]
fn a_file_of_variables() {
    let (policy, notes) = of_dotenv(
        r#"
# The shop
SECRET_KEY="do not repeat me"
CORS_ALLOWED_ORIGINS='https://shop.example,https://www.shop.example'
CORS_ALLOW_CREDENTIALS=True
CORS_PREFLIGHT_MAX_AGE=600
ALLOWED_HOSTS="api.shop.example localhost"
CSRF_TRUSTED_ORIGINS='["https://*.shop.example"]'
CORS_REPLACE_HTTPS_REFERER=True
DEBUG=off
"#,
    );
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://shop.example", "https://www.shop.example"],
            "allowed_hosts": ["api.shop.example", "localhost"],
            "cors": { "allow_credentials": true, "max_age": 600 },
            "csrf": { "mode": "off", "trusted_origins": ["https://*.shop.example", "https://shop.example"] }
        })
    );
    has(
        &notes,
        "left out: `CORS_REPLACE_HTTPS_REFERER` looks like one of Django's settings",
    );
    has(&notes, "note: health checks");
    has(&notes, "note: `csrf` is off");
    assert_eq!(notes.len(), 3, "{notes:#?}");
    assert!(!notes.concat().contains("do not repeat me"));
}

/// The variables of the platform that Origin Gate began with. What its guide expects besides is not in them.
#[test]
fn what_a_file_of_variables_does_not_know() {
    let (policy, notes) = of_dotenv(include_str!("django/projects/shop/production.env"));
    assert_eq!(
        policy["allowed_origins"],
        json!(["https://shop.example", "https://www.shop.example"])
    );
    assert_eq!(policy["cors"], json!(null));
    has(&notes, "CORS_ALLOW_CREDENTIALS is not in this file");
    has(&notes, "\"exempt_paths\": [\"/healthz\"]");
    has(&notes, "`csrf` is off");
}

#[test]
fn what_never_matched_is_said_and_left_out() {
    let (policy, notes) = of_dotenv(
        "CORS_ALLOWED_ORIGINS='localhost:8000,https://a.example/,https://b.example,null,https://*.vercel.app,http://localhost:*,*,https://c.example:443'\n\
         ALLOWED_HOSTS=*.a.example,b.example,c.example:80\n\
         CORS_ALLOWED_ORIGIN_REGEXES='^https://\\w+\\.a\\.example'\n\
         CSRF_TRUSTED_ORIGINS=https://*.a.example,https://pr-*.a.example,http://localhost:*\n",
    );
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://b.example"],
            "allowed_origin_regexes": ["^https://\\w+\\.a\\.example"],
            "allowed_hosts": ["b.example"],
            "csrf": { "mode": "off", "trusted_origins": ["https://*.a.example", "https://a.example"] }
        })
    );
    for part in [
        "left out: CORS_ALLOWED_ORIGINS[0]: `localhost:8000`: an origin begins with a scheme; write `http://localhost:8000`",
        "left out: CORS_ALLOWED_ORIGINS[1]: `https://a.example/`: an origin ends after the host or port",
        "left out: CORS_ALLOWED_ORIGINS[3]: `null`",
        "left out: CORS_ALLOWED_ORIGINS[4]: `https://*.vercel.app`: Django takes this as it is written",
        "left out: CORS_ALLOWED_ORIGINS[5]: `http://localhost:*`: Django takes this as it is written",
        "left out: CORS_ALLOWED_ORIGINS[6]: `*`: Django takes this as it is written",
        "left out: CORS_ALLOWED_ORIGINS[7]: `https://c.example:443`: Django takes this as it is written",
        "left out: CSRF_TRUSTED_ORIGINS[1]: `https://pr-*.a.example`: Django takes this as it is written",
        "left out: CSRF_TRUSTED_ORIGINS[2]: `http://localhost:*`: Django takes this as it is written",
        "left out: ALLOWED_HOSTS[0]: `*.a.example`: a leading `.` stands for",
        "left out: ALLOWED_HOSTS[2]: `c.example:80`: the port of a request is ignored",
        "warning: CORS_ALLOWED_ORIGIN_REGEXES[0]: `^https://\\w+\\.a\\.example`: django-cors-headers does not look for its end",
    ] {
        has(&notes, part);
    }
}

/// What is not known does not become a default that allows more.
#[test]
fn lists_do_not_fall_back_to_defaults() {
    let text = "CORS_ALLOWED_ORIGINS=https://a.example\nCORS_ALLOW_METHODS=get,post\nCORS_ALLOW_HEADERS=*\n";
    let (policy, notes) = of_dotenv(text);
    assert_eq!(policy["cors"], json!({ "allow_methods": [], "allow_headers": [] }));
    has(
        &notes,
        "left out: CORS_ALLOW_METHODS[0]: `get`: methods are compared by case; write `GET`",
    );
    has(
        &notes,
        "left out: CORS_ALLOW_HEADERS: browsers take `*` for every header but Authorization",
    );
    has(&notes, "ALLOWED_HOSTS is not set here: every host would be allowed");
    let (policy, notes) = of_dotenv(&format!("{text}CORS_ALLOW_CREDENTIALS=1\n"));
    assert_eq!(policy["cors"]["allow_headers"], json!([]));
    has(
        &notes,
        "left out: CORS_ALLOW_HEADERS: beside credentials browsers take `*` for a name",
    );
}

/// A policy that would let in everybody because something is missing from it is none.
#[test]
fn what_would_let_in_more_is_no_policy() {
    for text in [
        "ALLOWED_HOSTS=*.a.example\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "ALLOWED_HOSTS='[\"a'\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "ALLOWED_HOSTS=${HOSTS}\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "CORS_ALLOWED_ORIGINS='https://a.example','https://b.example'\nALLOWED_HOSTS=a\n",
        "DJANGO_ALLOWED_HOSTS=a\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "SECRET_KEY=x\n",
        "",
    ] {
        let imported = import(&[(".env", text)]);
        assert!(imported.policy.is_none(), "{text}: {imported:#?}");
        assert!(!imported.notes.is_empty(), "{text}");
    }
    for settings in [
        json!({ "ALLOWED_HOSTS": [] }),
        json!({ "ALLOWED_HOSTS": { "type": "map" } }),
        json!({ "ALLOWED_HOSTS": "api.example" }),
        json!({ "CORS_ALLOWED_ORIGINS": ["https://a.example"], "CORS_URLS_REGEX": r"^/api/v\d/" }),
    ] {
        let imported = import(&[("settings.json", &answer(settings.clone(), json!({})))]);
        assert!(imported.policy.is_none(), "{settings}: {imported:#?}");
        assert!(!imported.notes.is_empty(), "{settings}");
    }
}

/// Where names are old, or nearly those of settings.
#[test]
fn other_names() {
    let (policy, notes) = of_dotenv(
        "ALLOWED_HOSTS=a\nCORS_ORIGIN_WHITELIST=https://a.example\nCORS_ORIGIN_REGEX_WHITELIST='^https://\\w+\\.a\\.example$'\n\
         DJANGO_CORS_ALLOWED_ORIGINS=https://b.example\n",
    );
    assert_eq!(policy["allowed_origins"], json!(["https://a.example"]));
    assert_eq!(
        policy["allowed_origin_regexes"],
        json!(["^https://\\w+\\.a\\.example$"])
    );
    has(
        &notes,
        "left out: `DJANGO_CORS_ALLOWED_ORIGINS` looks like one of Django's settings under another name",
    );
    let (policy, _) =
        of_dotenv("ALLOWED_HOSTS=a\nCORS_ORIGIN_WHITELIST=https://a.example\nCORS_ALLOWED_ORIGINS=https://b.example\n");
    assert_eq!(
        policy["allowed_origins"],
        json!(["https://b.example"]),
        "the new name comes first, as in django-cors-headers"
    );
    let (policy, _) = of_dotenv("ALLOWED_HOSTS=a\nCORS_ORIGIN_ALLOW_ALL=1\n");
    assert_eq!(policy["allowed_origins"], json!(["*"]));
}

#[test]
fn what_is_carried_over_in_part_is_said() {
    let (made, notes) = of_dotenv("ALLOWED_HOSTS=a\nCORS_PREFLIGHT_MAX_AGE=604800\n");
    assert_eq!(made["cors"], json!({ "max_age": 86400 }));
    has(&notes, "CORS_PREFLIGHT_MAX_AGE: 604800 becomes 86400");
    let (made, notes) = of_dotenv(
        "ALLOWED_HOSTS=a\nCORS_ALLOW_ALL_ORIGINS=1\nCORS_ALLOW_CREDENTIALS=1\nCORS_ALLOWED_ORIGINS=https://a.example\n",
    );
    assert_eq!(
        made,
        json!({ "allowed_hosts": ["a"], "cors": { "allow_credentials": true } })
    );
    has(
        &notes,
        "left out: CORS_ALLOWED_ORIGINS: CORS_ALLOW_ALL_ORIGINS stands before it",
    );
}

#[test]
fn several_files() {
    let (policy, _) = policy(import(&[
        (".django", "ALLOWED_HOSTS=a\n"),
        (".cors", "CORS_ALLOWED_ORIGINS=https://a.example\nALLOWED_HOSTS=a\n"),
    ]));
    assert_eq!(policy["allowed_hosts"], json!(["a"]));
    assert_eq!(policy["allowed_origins"], json!(["https://a.example"]));
    let imported = import(&[(".django", "ALLOWED_HOSTS=a\n"), (".more", "ALLOWED_HOSTS=b\n")]);
    assert_eq!(imported.policy, None);
    has(
        &imported.notes,
        ".more: `ALLOWED_HOSTS`: .django has another value for it",
    );
    let answer = answer(json!({}), json!({}));
    assert_eq!(
        import(&[("settings.json", &answer), (".env", "DEBUG=0\n")]).policy,
        None
    );
}

/// Python is run by Python alone.
#[test]
fn a_module_of_settings_gets_the_way() {
    for (name, text) in [
        ("config/settings.py", ""),
        ("settings", "import os\n"),
        ("-", "ALLOWED_HOSTS = ['a']\n"),
    ] {
        let imported = import(&[(name, text)]);
        assert_eq!(imported.policy, None);
        has(&imported.notes, &format!("{name}: settings in Python are not read"));
        has(
            &imported.notes,
            "origin-gate import django --script | python manage.py shell > settings.json",
        );
    }
}

#[test]
fn an_answer_is_found_among_what_else_was_printed() {
    let answer = answer(json!({ "CORS_ALLOWED_ORIGINS": ["https://a.example"] }), json!({}));
    for text in [
        format!("4 objects imported automatically (use -v 2 for details).\n\n{answer}\n"),
        format!(">>> ... ... {answer}\n>>> \nnow exiting\n"),
        format!("{{\"level\": \"info\"}}\n{answer}{{\"level\": \"info\"}}\n"),
        format!("\u{feff}{answer}"),
    ] {
        let (policy, _) = policy(import(&[("-", &text)]));
        assert_eq!(policy["allowed_origins"], json!(["https://a.example"]));
    }
    for (text, part) in [
        (String::new(), "neither a .env file nor what"),
        ("{}".to_owned(), "neither a .env file nor what"),
        (answer.replace("django\": 1", "django\": 2"), "another version"),
        (answer.trim_end_matches('}').to_owned(), "is cut off"),
    ] {
        let imported = import(&[("settings.json", &text)]);
        assert_eq!(imported.policy, None);
        has(&imported.notes, part);
    }
}

#[test]
fn expressions_keep_their_flags() {
    let regex = |flags: &[&str]| json!({ "pattern": "^https://a\\.example$", "flags": flags });
    let (policy, notes) = of_answer(
        json!({ "CORS_ALLOWED_ORIGIN_REGEXES": [regex(&[]), regex(&["IGNORECASE", "ASCII"]), regex(&["VERBOSE"]), { "type": "int" }] }),
        json!({}),
    );
    assert_eq!(
        policy["allowed_origin_regexes"],
        json!(["^https://a\\.example$", "(?i)^https://a\\.example$"])
    );
    has(
        &notes,
        "left out: CORS_ALLOWED_ORIGIN_REGEXES[2]: `^https://a\\.example$`: its flag `re.VERBOSE` has no counterpart here",
    );
    has(
        &notes,
        "left out: CORS_ALLOWED_ORIGIN_REGEXES[3]: it is no expression over text",
    );
}

/// `CORS_URLS_REGEX` keeps CORS to its paths.
#[test]
fn paths_of_cors() {
    for (regex, prefixes) in [
        ("^/api/.*$", Some(json!(["/api/"]))),
        ("^/api/", Some(json!(["/api/"]))),
        ("/api", Some(json!(["/api"]))),
        ("^/(api|auth)/.*$", Some(json!(["/api/", "/auth/"]))),
        (r"^/(?:v1|v2\.1)/", Some(json!(["/v1/", "/v2.1/"]))),
        ("^.*$", None),
        ("^/.*$", None),
    ] {
        let (policy, _) = of_answer(
            json!({ "CORS_ALLOWED_ORIGINS": ["https://a.example"], "CORS_ALLOW_CREDENTIALS": true, "CORS_URLS_REGEX": regex }),
            json!({}),
        );
        let place = if prefixes.is_some() {
            &policy["policies"][0]
        } else {
            &policy
        };
        assert_eq!(
            place["allowed_origins"],
            json!(["https://a.example"]),
            "{regex}: {policy:#}"
        );
        assert_eq!(place["cors"], json!({ "allow_credentials": true }), "{regex}");
        assert_eq!(
            policy["policies"][0]["match"]["path_prefixes"],
            prefixes.unwrap_or_default(),
            "{regex}"
        );
    }
}

#[test]
fn what_the_middleware_does_is_said() {
    let origins = json!({ "CORS_ALLOWED_ORIGINS": ["https://a.example"] });
    let (_, notes) = of_answer(
        origins.clone(),
        json!({ "receivers": 1, "middleware": [
            { "name": "corsheaders.middleware.CorsMiddleware", "kind": "cors" },
            { "name": "own.EnhancedCorsMiddleware", "kind": null },
            { "name": "own.CsrfExemptApiMiddleware", "kind": null },
            { "name": "django.middleware.csrf.CsrfViewMiddleware", "kind": "csrf" },
        ] }),
    );
    for part in [
        "`corsheaders.middleware.CorsMiddleware` does nothing any more",
        "`own.EnhancedCorsMiddleware` seems to set CORS headers",
        "`own.CsrfExemptApiMiddleware` seems to change which writes Django checks",
        "`django.middleware.csrf.CsrfViewMiddleware` is still needed",
        "SECURE_PROXY_SSL_HEADER is not set",
        "left out: `check_request_enabled` of django-cors-headers has receivers",
    ] {
        has(&notes, part);
    }
    let (policy, notes) = of_answer(origins, json!({ "middleware": [] }));
    assert_eq!(
        policy.get("allowed_origins"),
        None,
        "without its middleware a setting does nothing"
    );
    has(
        &notes,
        "left out: CORS_ALLOWED_ORIGINS: no middleware of django-cors-headers is in MIDDLEWARE",
    );
}

#[test]
fn forwarded_hosts_are_checked_as_hosts() {
    let (policy, notes) = of_answer(json!({ "USE_X_FORWARDED_HOST": true }), json!({}));
    assert_eq!(policy["hosts"], json!({ "forwarded_host": "check" }));
    has(&notes, "USE_X_FORWARDED_HOST");
}

/// Channels' validators, and others.
#[test]
fn who_may_open_websockets() {
    let validator = |kind: &str, origins: &[&str]| {
        json!({ "asgi": { "application": "a.asgi", "is_known": true, "unguarded": false, "validators": [{
            "class": "a.Validator", "is_own_code": kind == "own", "is_allowed_hosts": kind == "hosts", "origins": origins,
        }] } })
    };
    let cors = json!({ "CORS_ALLOWED_ORIGINS": ["https://app.example", "https://api.example"] });
    for (asgi, websocket, part) in [
        (
            validator("hosts", &["api.example"]),
            json!({ "allowed_hosts": true, "missing_origin": "reject" }),
            "note: https://app.example: one list serves",
        ),
        (
            validator("own", &["https://app.example"]),
            json!(null),
            "`a.Validator` decides on WebSockets by code of its own",
        ),
        (
            validator("list", &["https://app.example"]),
            json!({ "same_host": false, "missing_origin": "reject" }),
            "note: https://api.example: one list serves",
        ),
        (
            validator("list", &["app.example", "api.example"]),
            json!({ "missing_origin": "reject" }),
            "left out: app.example, api.example: `a.Validator`",
        ),
        (validator("list", &["*"]), json!(null), ""),
        (json!({ "asgi": null }), json!(null), ""),
        (
            json!({ "asgi": { "application": "a.asgi", "is_known": false } }),
            json!(null),
            "could not be followed",
        ),
        (
            json!({ "asgi": { "application": "a.asgi", "is_known": true, "unguarded": true, "validators": [] } }),
            json!(null),
            "`a.asgi` lets pages of any origin open some of its WebSockets",
        ),
    ] {
        let (policy, notes) = of_answer(cors.clone(), asgi.clone());
        assert_eq!(policy["websocket"], websocket, "{asgi}");
        has(&notes, part);
    }
}
