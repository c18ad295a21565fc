//! Policies made of other programs' configurations.
//!
//! Long: tables of sources, each with the policy that comes of it; one importer after the other.

use std::collections::BTreeMap;

use import::{Imported, import_ingress_nginx};
use serde_json::{Value, json};

fn import_django(file_name: &str, text: &str) -> Imported {
    import::import_django(file_name, text, &BTreeMap::new())
}

/// The policy, which loads, and the notes.
fn policy(imported: Imported) -> (Value, Vec<String>) {
    let Some(text) = imported.policy else {
        panic!("no policy: {:#?}", imported.notes);
    };
    config::load(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    (serde_json::from_str(&text).unwrap(), imported.notes)
}

fn has(notes: &[String], part: &str) {
    assert!(
        notes.iter().any(|it| it.contains(part)),
        "is missing: {part}\n{notes:#?}"
    );
}

#[test]
fn a_file_of_variables() {
    let (policy, notes) = policy(import_django(
        "production.env",
        r#"
# The shop
SECRET_KEY="do not repeat me"
export CORS_ALLOWED_ORIGINS='https://shop.example,https://www.shop.example' # both
CORS_ALLOW_CREDENTIALS=True
CORS_PREFLIGHT_MAX_AGE = 600
ALLOWED_HOSTS="api.shop.example localhost"
CSRF_TRUSTED_ORIGINS=["https://*.shop.example"]
CORS_REPLACE_HTTPS_REFERER=True
DEBUG=off   # never
CORS_EXPOSE_HEADERS="x-total,${MORE}"
this line is nothing, do not repeat me
"#,
    ));
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
        "line 9: left out: `CORS_REPLACE_HTTPS_REFERER` has no counterpart here",
    );
    has(
        &notes,
        "line 11: left out: `CORS_EXPOSE_HEADERS` refers to another variable",
    );
    has(&notes, "line 12: left out: this is not `KEY=value`");
    assert_eq!(notes.len(), 3, "{notes:#?}");
    assert!(!notes.concat().contains("do not repeat me"));
}

#[test]
fn what_never_matched_is_told_and_left_out() {
    let (policy, notes) = policy(import_django(
        ".env",
        "CORS_ALLOWED_ORIGINS=localhost:8000,https://a.example/,https://b.example,null\nALLOWED_HOSTS=*.a.example,b.example,c.example:80\n\
         CORS_ALLOWED_ORIGIN_REGEXES=^https://\\w+\\.a\\.example\n",
    ));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://b.example"],
            "allowed_origin_regexes": ["^https://\\w+\\.a\\.example"],
            "allowed_hosts": ["b.example"]
        })
    );
    for part in [
        "left out: CORS_ALLOWED_ORIGINS[0]: `localhost:8000`: an origin begins with a scheme; write `http://localhost:8000`",
        "left out: CORS_ALLOWED_ORIGINS[1]: `https://a.example/`: an origin ends after the host or port",
        "left out: CORS_ALLOWED_ORIGINS[3]: `null`",
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
    let text = "CORS_ALLOWED_ORIGINS=https://a.example\nCORS_ALLOW_METHODS=get,post\nCORS_ALLOW_HEADERS=${MORE}\n";
    let (policy, notes) = policy(import_django(".env", text));
    assert_eq!(policy["cors"], json!({ "allow_methods": [], "allow_headers": [] }));
    has(
        &notes,
        "left out: CORS_ALLOW_METHODS[0]: `get`: methods are compared by case; write `GET`",
    );
}

/// A policy that would let in everybody because something is missing from it is none.
#[test]
fn what_would_let_in_more_is_no_policy() {
    for text in [
        "ALLOWED_HOSTS=*.a.example\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "ALLOWED_HOSTS=[\"a\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "ALLOWED_HOSTS=${HOSTS}\nCORS_ALLOWED_ORIGINS=https://a.example\n",
        "SECRET_KEY=x\n",
        "",
    ] {
        let imported = import_django(".env", text);
        assert!(imported.policy.is_none(), "{text}: {imported:#?}");
        assert!(!imported.notes.is_empty(), "{text}");
    }
}

#[test]
fn a_module_of_settings() {
    // Long: one module, and the whole policy that comes of it.
    let text = r#"
"""Django settings. ALLOWED_HOSTS = ["not.this"] """
import os
import re
from corsheaders.defaults import default_headers
from decouple import config, Csv

FRONT = "https://shop.example"
DEBUG = os.environ.get("DEBUG", "False").lower() == "true"
ALLOWED_HOSTS = config("ALLOWED_HOSTS", default="api.shop.example,.shop.example", cast=Csv())
CORS_ALLOWED_ORIGINS: list[str] = [
    FRONT,  # the shop
    'https://www.shop.example'
    ':8443',
]
CORS_ALLOWED_ORIGINS += ["https://admin.shop.example"]
CORS_ALLOWED_ORIGIN_REGEXES = [re.compile(r"^https://\w+\.shop\.example$")]
CORS_ALLOW_CREDENTIALS = not DEBUG
CORS_ALLOW_HEADERS = (*default_headers, "x-cart",)
CORS_EXPOSE_HEADERS = list(default_headers) + ["x-total"]
CORS_PREFLIGHT_MAX_AGE = 60 * 60
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_METHODS = [m for m in ("GET", "POST")]
CSRF_TRUSTED_ORIGINS = os.environ["TRUSTED"].split(",")
MIDDLEWARE = ["a.b.C"]
if DEBUG:
    CORS_ALLOW_ALL_ORIGINS = True
"#;
    let (policy, notes) = policy(import_django("settings.py", text));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://shop.example", "https://www.shop.example:8443", "https://admin.shop.example"],
            "allowed_origin_regexes": ["^https://\\w+\\.shop\\.example$"],
            "allowed_hosts": ["api.shop.example", ".shop.example"],
            "cors": {
                "allow_credentials": true,
                "allow_headers": ["accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with", "x-cart"],
                "expose_headers": ["accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with", "x-total"],
                "allow_methods": [],
                "max_age": 3600
            }
        })
    );
    for part in [
        "line 9: `DEBUG`: its default was taken; where the program runs, `DEBUG` decides",
        "line 10: `ALLOWED_HOSTS`: its default was taken; where the program runs, `ALLOWED_HOSTS` decides",
        "line 23: left out: `CORS_ALLOW_METHODS`: this would have to be run",
        "line 24: left out: `CSRF_TRUSTED_ORIGINS`: its value comes from the environment",
        "line 27: left out: `CORS_ALLOW_ALL_ORIGINS`: it is set only under a condition",
        "warning: CORS_URLS_REGEX: django-cors-headers keeps CORS to these paths",
    ] {
        has(&notes, part);
    }
}

#[test]
fn settings_under_their_variables() {
    let text = r#"
import os
env = environ.Env()
ALLOWED_HOSTS = env.list("HOSTS") + ["localhost"]
CORS_ALLOWED_ORIGINS = os.environ["ORIGINS"].split(",")
CORS_ALLOW_CREDENTIALS = env.bool("CREDENTIALS", default=True)
DEBUG = config("DEBUG", cast=bool)
"#;
    let variables =
        import::environment("HOSTS=a.example,b.example\nORIGINS=https://a.example\nCREDENTIALS=off\nDEBUG=0");
    let (policy, notes) = policy(import::import_django("settings.py", text, &variables));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://a.example"],
            "allowed_hosts": ["a.example", "b.example", "localhost"],
            "cors": { "allow_credentials": false }
        })
    );
    assert_eq!(notes, [""; 0]);
}

/// Channels' validator by `ALLOWED_HOSTS` is `websocket.allowed_hosts`; a name that is not called is none.
#[test]
fn sockets_by_hosts() {
    for (more, expected) in [
        (
            "application = AllowedHostsOriginValidator(chat)",
            json!({ "allowed_hosts": true }),
        ),
        (
            "websocket = security.AllowedHostsOriginValidator(\n    AuthMiddlewareStack(chat)\n)",
            json!({ "allowed_hosts": true }),
        ),
        (
            "from channels.security.websocket import AllowedHostsOriginValidator",
            json!(null),
        ),
        ("# AllowedHostsOriginValidator(chat)", json!(null)),
        ("OTHER = 'AllowedHostsOriginValidator(chat)'", json!(null)),
        ("application = OriginValidator(chat, ['a.example'])", json!(null)),
    ] {
        let text = format!("ALLOWED_HOSTS = ['a.example']\n{more}\n");
        let (policy, _) = policy(import::import_django("settings.py", &text, &BTreeMap::new()));
        assert_eq!(policy["websocket"], expected, "{more}");
        assert_eq!(policy["allowed_hosts"], json!(["a.example"]), "{more}");
    }
    let text = "AllowedHostsOriginValidator(chat)\nCORS_ALLOWED_ORIGINS = ['https://a.example']";
    assert!(
        import::import_django("settings.py", text, &BTreeMap::new())
            .policy
            .is_none()
    );
}

/// What is set twice, in part or by a call is not what the first line says.
#[test]
fn settings_that_are_known_in_part_are_not_known() {
    for (more, part) in [
        (
            "ALLOWED_HOSTS.remove('b')",
            "line 2: left out: `ALLOWED_HOSTS`: a call may change it",
        ),
        (
            "ALLOWED_HOSTS += env.list('MORE')",
            "line 2: left out: `ALLOWED_HOSTS`: its value comes from",
        ),
        (
            "if x:\n    ALLOWED_HOSTS = ['b']",
            "line 3: left out: `ALLOWED_HOSTS`: it is set only under a condition",
        ),
        (
            "ALLOWED_HOSTS = f'{a}'",
            "line 2: left out: `ALLOWED_HOSTS`: this would have to be run",
        ),
        ("ALLOWED_HOSTS = [", "line 2: left out"),
        ("ALLOWED_HOSTS = \"a", "line 2: left out"),
    ] {
        let text = format!("ALLOWED_HOSTS = ['a']\n{more}\nCORS_ALLOWED_ORIGINS = 'https://a.example'\n");
        let imported = import_django("settings.py", &text);
        has(&imported.notes, part);
        assert_eq!(imported.policy, None, "{more}");
    }
    let added = import_django(
        "settings.py",
        "CORS_ALLOWED_ORIGINS += ['https://a.example']\nALLOWED_HOSTS = ['a']\n",
    );
    has(
        &added.notes,
        "line 1: left out: `CORS_ALLOWED_ORIGINS`: it is added to what is set elsewhere",
    );
    assert_eq!(policy(added).0, json!({ "allowed_hosts": ["a"] }));
    let old = import_django("-", "import os\nCORS_ORIGIN_ALLOW_ALL = True\nALLOWED_HOSTS = ['a']\n");
    assert_eq!(
        policy(old).0,
        json!({ "allowed_hosts": ["a"], "allowed_origins": ["*"] })
    );
}

/// Whatever is in the file, an answer comes back.
#[test]
fn no_file_panics() {
    let python = "A = [(1, 'x' \"y\"), f'{z}', *b, c.d(e=1)[0]] + {1: 2} if x == y in z else '''\\\n'''\nALLOWED_HOSTS = (A.split(','))\n";
    let yaml = "kind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: \"true\"\nspec: {rules: [{host: a}]}\n";
    for text in [python, yaml, "ALLOWED_HOSTS='a\"\\\nB=\"\\"] {
        let chars: Vec<char> = text.chars().collect();
        for at in 0..chars.len() {
            for replacement in ['(', ')', '"', '\'', '\\', ',', '=', '*', ':', '\n', '\u{e9}'] {
                let mut chars = chars.clone();
                chars[at] = replacement;
                let whole: String = chars.iter().collect();
                let cut: String = chars[..at].iter().collect();
                for text in [whole, cut] {
                    let _ = (
                        import_django("settings.py", &text),
                        import_django(".env", &text),
                        import_ingress_nginx(&text),
                    );
                }
            }
        }
    }
    let indented = |item: &str| (0..5000).map(|depth| " ".repeat(depth) + item).collect::<String>();
    for deep in [
        "[".repeat(100_000),
        "(".repeat(100_000),
        "- ".repeat(50_000),
        indented("a:\n"),
        "ALLOWED_HOSTS = ".to_owned() + &"[".repeat(100_000),
        "a: &a [x, x]\n".to_owned()
            + &(0..99)
                .map(|it| format!("b{it}: &a [*a, *a, *a]\n"))
                .collect::<String>(),
    ] {
        assert!(import_django("settings.py", &deep).policy.is_none());
        assert!(import_ingress_nginx(&deep).policy.is_none());
    }
}

const INGRESS: &str = r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    nginx.ingress.kubernetes.io/enable-cors: "true"
    nginx.ingress.kubernetes.io/cors-allow-origin: "https://shop.example, https://*.shop.example:8443, shop.example"
    nginx.ingress.kubernetes.io/cors-allow-methods: "GET, POST"
    nginx.ingress.kubernetes.io/cors-allow-headers: "X-Cart,DNT,Authorization"
    nginx.ingress.kubernetes.io/cors-expose-headers: "X-Total"
    nginx.ingress.kubernetes.io/cors-max-age: "1728000"
    nginx.ingress.kubernetes.io/cors-allow-private-network: "true"
    nginx.ingress.kubernetes.io/configuration-snippet: |
      more_set_headers "Access-Control-Allow-Origin: $http_origin";
spec:
  rules:
    - host: api.shop.example
    - host: "*.stage.shop.example"
"#;

#[test]
fn an_ingress() {
    let (policy, notes) = policy(import_ingress_nginx(INGRESS));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://shop.example", "https://*.shop.example:8443"],
            "allowed_hosts": [".stage.shop.example", "api.shop.example"],
            "cors": {
                "allow_credentials": true,
                "allow_methods": ["GET", "POST"],
                "allow_headers": ["X-Cart", "Authorization"],
                "expose_headers": ["X-Total"],
                "max_age": 86400
            }
        })
    );
    for part in [
        "api: `https://*.shop.example:8443` covers one label there, and one or more here",
        "api: `*.stage.shop.example` becomes `.stage.shop.example`",
        "api: cors-max-age 1728000 becomes 86400",
        "left out: allowed_origins[2]: `shop.example`: an origin begins with a scheme; write `https://shop.example`",
        "left out: cors.allow_headers[1]: `DNT`: browsers let no script set this header",
        "api: left out: `nginx.ingress.kubernetes.io/cors-allow-private-network` has no counterpart",
        "api: left out: `nginx.ingress.kubernetes.io/configuration-snippet` has no counterpart",
        "note: ingress-nginx lets every page open WebSockets",
    ] {
        has(&notes, part);
    }
}

/// ingress-nginx's own defaults, for an Ingress that only switches CORS on.
#[test]
fn an_ingress_with_defaults() {
    let text = "kind: Ingress\nmetadata:\n  name: a\n  annotations: {nginx.ingress.kubernetes.io/enable-cors: true}\nspec: {rules: [{host: a.example}]}\n";
    let (policy, notes) = policy(import_ingress_nginx(text));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["*"],
            "allowed_hosts": ["a.example"],
            "cors": {
                "allow_credentials": false,
                "allow_methods": ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"],
                "allow_headers": ["User-Agent", "X-Requested-With", "If-Modified-Since", "Cache-Control", "Content-Type", "Range", "Authorization"]
            }
        })
    );
    has(&notes, "a: allow_credentials is off beside `*`");
}

#[test]
fn several_ingresses() {
    let other =
        "---\nkind: Ingress\nmetadata: {name: plain}\nspec: {rules: [{host: plain.example}]}\n---\nkind: Service\n";
    let (both, notes) = policy(import_ingress_nginx(&format!("{INGRESS}{other}")));
    assert_eq!(
        both["allowed_hosts"],
        json!([".stage.shop.example", "api.shop.example", "plain.example"])
    );
    let hosts = |at: usize| &both["policies"][at]["match"]["hosts"];
    assert_eq!(hosts(0), &json!(["api.shop.example"]));
    assert_eq!(hosts(2), &json!([".stage.shop.example"]));
    assert_eq!(
        both["policies"][1],
        json!({ "name": "plain", "match": { "hosts": ["plain.example"] }, "cors": { "mode": "off" } })
    );
    assert_eq!(both.get("allowed_origins"), None);
    has(&notes, "left out: a `Service` is no Ingress");
    has(&notes, "left out: policies[0].allowed_origins[2]: `shop.example`");
    // The same for all stands for all; a host that two share with other rules cannot be told apart.
    let list = "kind: List\nitems:\n- {kind: Ingress, metadata: {name: a}, spec: {rules: [{host: a}]}}\n- {kind: Ingress, metadata: {name: b}, spec: {rules: [{host: b}]}}\n";
    assert_eq!(
        policy(import_ingress_nginx(list)).0,
        json!({ "allowed_hosts": ["a", "b"], "cors": { "mode": "off" } })
    );
    let shared =
        format!("{INGRESS}---\nkind: Ingress\nmetadata: {{name: b}}\nspec: {{rules: [{{host: api.shop.example}}]}}\n");
    let imported = import_ingress_nginx(&shared);
    assert!(imported.policy.is_none());
    has(&imported.notes, "b: `api.shop.example` is also another Ingress's");
    // Without its hosts it would be for all.
    for rest in [
        "",
        "---\nkind: Ingress\nmetadata: {name: b}\nspec: {rules: [{host: b}]}\n",
    ] {
        let text = format!(
            "{}{rest}",
            INGRESS
                .replace("api.shop.example", "api shop")
                .replace("*.stage", "no stage")
        );
        let imported = import_ingress_nginx(&text);
        assert!(imported.policy.is_none(), "{imported:#?}");
        has(&imported.notes, "`api shop`: a host is labels");
    }
    let (for_all, notes) = policy(import_ingress_nginx(
        "kind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {}}\n",
    ));
    assert_eq!(for_all, json!({ "cors": { "mode": "off" } }));
    has(&notes, "a: left out: it is for all hosts");
}

const ORIGINS: &str = "ORIGINS = ['https://app.example', 'https://old.example']\n";

/// A name that may have changed on its way to a setting is not known, however it changed.
#[test]
fn names_that_may_have_changed_are_not_known() {
    // Long: a table of modules, each with what is left out.
    for change in [
        "if not DEBUG:\n    ORIGINS = ['https://app.example']",
        "if not DEBUG: ORIGINS = ['https://app.example']",
        "else: ORIGINS = []",
        "match MODE:\n    case 'live': ORIGINS = []",
        "for ORIGINS in [[]]: pass",
        "with a as ORIGINS: pass",
        "from live import ORIGINS",
        "import live as ORIGINS",
        "def ORIGINS(): pass",
        "if (ORIGINS := []): pass",
        "FIRST, *ORIGINS = ORIGINS",
        "(FIRST, ORIGINS) = 1, []",
        "A = ORIGINS = []",
        "A = 1; ORIGINS = []",
        "ORIGINS.remove('https://old.example')",
        "if not DEBUG:\n    ORIGINS.remove('https://old.example')",
        "for it in OLD: ORIGINS.remove(it)",
        "[ORIGINS.remove(it) for it in OLD]",
        "LAST = ORIGINS.pop()",
        "ALSO = ORIGINS\nALSO.pop()",
        "ALSO = LIVE if x else ORIGINS\nALSO.pop()",
        "if x:\n    ALSO = ORIGINS\n    ALSO.pop()",
        "ALSO = ORIGINS\nif x:\n    ALSO.append('https://x.example')",
        "tighten(ORIGINS)",
        "(ORIGINS).pop()",
        "ALL = [ORIGINS]\nALL[0].pop()",
        "ALL = {'live': ORIGINS}\nALL['live'].remove('https://old.example')",
        "ORIGINS -= {'https://old.example'}",
        "ORIGINS &= {'https://app.example'}",
        "ORIGINS *= 0",
        "ORIGINS >>= 1",
        "ORIGINS[1] = 'https://new.example'",
        "ORIGINS[1:] = []",
        "del ORIGINS[1]",
        "del ORIGINS",
        "ORIGINS \\\r\n    .remove('https://old.example')",
        "# a comment\rORIGINS.clear()",
    ] {
        let text = format!("ALLOWED_HOSTS = ['a']\n{ORIGINS}{change}\nCORS_ALLOWED_ORIGINS = ORIGINS\n");
        let (made, notes) = policy(import_django("settings.py", &text));
        assert_eq!(made, json!({ "allowed_hosts": ["a"] }), "{change}");
        has(&notes, "left out: `CORS_ALLOWED_ORIGINS`: this would have to be run");
        // The same list has the same changes under its other name.
        let text = format!("ALLOWED_HOSTS = ['a']\n{ORIGINS}CORS_ALLOWED_ORIGINS = ORIGINS\nORIGINS.pop()\n");
        assert_eq!(policy(import_django("settings.py", &text)).0, made, "{change}");
        let own = change.replace("ORIGINS", "CORS_ALLOWED_ORIGINS");
        let own = format!(
            "ALLOWED_HOSTS = ['a']\n{}{own}\n",
            ORIGINS.replace("ORIGINS", "CORS_ALLOWED_ORIGINS")
        );
        let (made, notes) = policy(import_django("settings.py", &own));
        let is_addition = own.contains("append");
        assert_eq!(made.get("allowed_origins").is_some(), is_addition, "{own}");
        has(&notes, "left out: ");
    }
    for text in [
        "HOSTS = ['*']\nif not DEBUG:\n    HOSTS = ['a']\nALLOWED_HOSTS = HOSTS\n",
        "HOSTS = {'a', 'b'}\nHOSTS -= {'b'}\nALLOWED_HOSTS = list(HOSTS)\n",
        "ALLOWED_HOSTS = ['a', 'b']\ndel ALLOWED_HOSTS[1]\n",
        "ALLOWED_HOSTS = ['a', 'b']\nfrom live import ALLOWED_HOSTS\n",
    ] {
        let imported = import_django("settings.py", &format!("{text}CORS_ALLOW_CREDENTIALS = True\n"));
        assert_eq!(imported.policy, None, "{text}");
    }
    // What a function does it does when it is called.
    for body in [
        ":\n    ORIGINS.remove('https://old.example')",
        ": ORIGINS.pop()",
        ":\n    global ORIGINS\n    if x:\n        ORIGINS = []",
    ] {
        let text = format!("def tighten(){body}\n{ORIGINS}tighten()\nCORS_ALLOWED_ORIGINS = ORIGINS\n");
        let (made, _) = policy(import_django("settings.py", &format!("ALLOWED_HOSTS = ['a']\n{text}")));
        assert_eq!(made, json!({ "allowed_hosts": ["a"] }), "{body}");
    }
    let all = "ALLOWED_HOSTS = ['a']\nALL = True\nif not DEBUG:\n    ALL = False\nCORS_ALLOW_ALL_ORIGINS = ALL\n";
    assert_eq!(
        policy(import_django("settings.py", all)).0,
        json!({ "allowed_hosts": ["a"] })
    );
    let methods = "ALLOWED_HOSTS = ['a']\nCORS_ALLOW_METHODS = ['GET', 'DELETE']\nCORS_ALLOW_METHODS -= {'DELETE'}\n";
    assert_eq!(
        policy(import_django("settings.py", methods)).0["cors"],
        json!({ "allow_methods": [] })
    );
}

/// What leaves a name alone leaves it known.
#[test]
fn names_that_have_not_changed_stay_known() {
    for line in [
        "print(ORIGINS)",
        "if ORIGINS:\n    pass",
        "assert len(ORIGINS) >= 2",
        "CSRF_TRUSTED_ORIGINS = [f'{it}' for it in ORIGINS]",
        "OTHER.append(ORIGINS.copy())",
        "ORIGINS_2 = []",
        "MIDDLEWARE = []\nMIDDLEWARE.remove('x')",
        "A = x <= y",
        "def f(): return len(ORIGINS)",
    ] {
        let text = format!("ALLOWED_HOSTS = ['a']\n{ORIGINS}{line}\nCORS_ALLOWED_ORIGINS = ORIGINS\n");
        assert_eq!(
            policy(import_django("settings.py", &text)).0["allowed_origins"],
            json!(["https://app.example", "https://old.example"]),
            "{line}"
        );
    }
    let added =
        format!("ALLOWED_HOSTS = ['a']\n{ORIGINS}CORS_ALLOWED_ORIGINS = ORIGINS\nORIGINS += ['https://x.example']\n");
    let (added, notes) = policy(import_django("settings.py", &added));
    assert_eq!(
        added["allowed_origins"],
        json!(["https://app.example", "https://old.example"])
    );
    has(&notes, "line 4: left out: what is added to `CORS_ALLOWED_ORIGINS` here");
}

/// What a module calls by a name of django-cors-headers is its own.
#[test]
fn a_modules_own_names_come_first() {
    let headers = |text: &str| {
        let text = format!("ALLOWED_HOSTS = ['a']\n{text}\nCORS_ALLOW_HEADERS = default_headers\n");
        policy(import_django("settings.py", &text)).0["cors"]["allow_headers"].clone()
    };
    assert_eq!(headers("default_headers = ('accept',)"), json!(["accept"]));
    assert_eq!(headers("from own import default_headers"), json!([]));
    assert_eq!(headers("def default_headers(): pass"), json!([]));
    let given = headers("from corsheaders.defaults import default_headers, default_methods");
    assert_eq!(given.as_array().map(Vec::len), Some(6));
    let own = "def env(name, default): return '*'\nALLOWED_HOSTS = env('HOSTS', 'a')\nCORS_ALLOW_CREDENTIALS = True\n";
    assert_eq!(import_django("settings.py", own).policy, None);
}

/// Hosts that are set elsewhere, or nowhere, are not all hosts.
#[test]
fn no_hosts_are_told() {
    let missing = "ALLOWED_HOSTS is not set here: every host would be allowed";
    for text in [
        "from .base import *\nCORS_ALLOWED_ORIGINS = ['https://a.example']\n",
        "CORS_ALLOWED_ORIGINS = ['https://a.example']\n",
    ] {
        let imported = import_django("settings.py", text);
        has(&imported.notes, missing);
        assert_eq!(imported.policy, None, "{text}");
    }
    let (_, notes) = policy(import_django(
        ".env",
        "DJANGO_ALLOWED_HOSTS=a\nCORS_ALLOWED_ORIGINS=https://a.example\n",
    ));
    has(&notes, missing);
    for open in [
        "from .local_settings import *",
        "try:\n    from .local_settings import *\nexcept ImportError:\n    pass",
        "django_heroku.settings(locals())",
        "setattr(module, 'ALLOWED_HOSTS', [])",
    ] {
        let (_, notes) = policy(import_django(
            "settings.py",
            &format!("ALLOWED_HOSTS = ['a']\n{open}\n"),
        ));
        has(
            &notes,
            "left out: this may set any of the settings, and is not followed",
        );
    }
}

#[test]
fn what_is_carried_over_in_part_is_told() {
    let import = |text: &str| policy(import_django(".env", &format!("ALLOWED_HOSTS=a\n{text}")));
    let (made, notes) = import("CORS_PREFLIGHT_MAX_AGE=604800\n");
    assert_eq!(made["cors"], json!({ "max_age": 86400 }));
    has(&notes, "CORS_PREFLIGHT_MAX_AGE: 604800 becomes 86400");
    let (_, notes) = import("CORS_ALLOW_HEADERS=*\nCORS_ALLOWED_ORIGINS=https://a.example\n");
    has(
        &notes,
        "CORS_ALLOW_HEADERS: browsers take the `*` that Django sends for every header but Authorization",
    );
    let (made, notes) =
        import("CORS_ALLOW_ALL_ORIGINS=1\nCORS_ALLOW_CREDENTIALS=1\nCORS_ALLOWED_ORIGINS=https://a.example\n");
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
fn variables_in_variables_are_not_known() {
    for (value, is_known) in [
        ("https://$HOST", false),
        ("\"https://$HOST\"", false),
        ("\"https://${HOST}\"", false),
        ("https://${HOST}", false),
        ("'^https://a.example$'", true),
        ("\"^https://a.example$\"", true),
        ("^https://a.example$", true),
        ("\"^https://a.example\\$\"", true),
    ] {
        let (made, notes) = policy(import_django(
            ".env",
            &format!("ALLOWED_HOSTS=a\nCORS_ALLOWED_ORIGIN_REGEXES={value}\n"),
        ));
        assert_eq!(made.get("allowed_origin_regexes").is_some(), is_known, "{value}");
        assert_eq!(
            notes.concat().contains("refers to another variable"),
            !is_known,
            "{value}"
        );
    }
}

/// No file is larger than memory, or takes long.
#[test]
fn small_files_stay_small() {
    let doubled = format!("X = 'a'\n{}ALLOWED_HOSTS = [X]\n", "X = X + X\n".repeat(60));
    assert_eq!(import_django("settings.py", &doubled).policy, None);
    let long = format!(
        "X = '{}'\nALLOWED_HOSTS = [{}]\n",
        "a".repeat(1 << 20),
        "X, ".repeat(100_000)
    );
    assert_eq!(import_django("settings.py", &long).policy, None);
    let added: String = (0..30_000).map(|it| format!("ALLOWED_HOSTS += ['a{it}']\n")).collect();
    let (added, _) = policy(import_django("settings.py", &format!("ALLOWED_HOSTS = []\n{added}")));
    assert_eq!(added["allowed_hosts"].as_array().map(Vec::len), Some(30_000));
    let nested: String = (1..30)
        .map(|it| format!("x{it}: &x{it} [*x{0}, *x{0}, *x{0}, *x{0}]\n", it - 1))
        .collect();
    for text in [
        format!("x0: &x0 [a]\n{nested}"),
        format!("x0: &x0 '{}'\n{nested}", "a".repeat(1 << 20)),
    ] {
        let imported = import_ingress_nginx(&text);
        assert_eq!(imported.policy, None);
        has(&imported.notes, "refers to itself too often");
    }
    has(
        &import_ingress_nginx("<<: {kind: Ingress}\n").notes,
        "`<<` is not followed",
    );
}

/// nginx takes an exact name before a wildcard, and the longest wildcard.
#[test]
fn exact_hosts_come_before_wildcards() {
    let ingress = |name: &str, hosts: &str| {
        format!(
            "---\nkind: Ingress\nmetadata: {{name: {name}, annotations: {{nginx.ingress.kubernetes.io/enable-cors: true, \
             nginx.ingress.kubernetes.io/cors-allow-origin: 'https://{name}.test'}}}}\nspec: {{rules: [{hosts}]}}\n"
        )
    };
    let text = ingress("wide", "{host: '*.shop.example'}, {host: www.shop.example}")
        + &ingress("deep", "{host: '*.api.shop.example'}")
        + &ingress(
            "exact",
            "{host: a.shop.example}, {host: a.api.shop.example}, {host: shop.example}",
        );
    let (policy, _) = policy(import_ingress_nginx(&text));
    let policies = policy["policies"].as_array().unwrap().iter();
    let order: Vec<_> = policies
        .map(|it| (it["name"].clone(), it["match"]["hosts"].clone()))
        .collect();
    assert_eq!(
        order,
        [
            // `*.api.shop.example` is not `api.shop.example`, which `*.shop.example` is.
            (json!("wide"), json!(["www.shop.example", "api.shop.example"])),
            (
                json!("exact"),
                json!(["a.shop.example", "a.api.shop.example", "shop.example"])
            ),
            (json!("deep"), json!([".api.shop.example"])),
            (json!("wide"), json!([".shop.example"])),
        ]
    );
}

/// What ingress-nginx does not read, it replaces by its defaults.
#[test]
fn lists_that_ingress_nginx_does_not_read() {
    let import = |key: &str, value: &str| {
        policy(import_ingress_nginx(
            &INGRESS.replace(&format!("{key}: \""), &format!("{key}: \"{value}\" #")),
        ))
    };
    for value in ["*", "X-Ä", "", "GET;POST"] {
        let (made, notes) = import("cors-allow-methods", value);
        assert_eq!(
            made["cors"]["allow_methods"].as_array().map(Vec::len),
            Some(6),
            "{value}"
        );
        has(
            &notes,
            &format!("api: left out: cors-allow-methods `{value}`: ingress-nginx does not read this"),
        );
        let (made, notes) = import("cors-allow-headers", value);
        assert_eq!(
            made["cors"]["allow_headers"].as_array().map(Vec::len),
            Some(7),
            "{value}"
        );
        has(&notes, "cors-allow-headers");
    }
    let (made, notes) = import("cors-expose-headers", "X-A;X-B");
    assert_eq!(made["cors"].get("expose_headers"), None);
    has(
        &notes,
        "left out: cors-expose-headers `X-A;X-B`: ingress-nginx does not read this, and takes none",
    );
    let (made, _) = import("cors-allow-headers", "X-A, X_B,X-C");
    assert_eq!(made["cors"]["allow_headers"], json!(["X-A", "X_B", "X-C"]));
}

#[test]
fn hosts_of_annotations() {
    let text = "kind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/server-alias: 'b.example, *.c.example,~^d'\n    nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'\nspec: {rules: [{host: a.example}]}\n";
    let (policy, notes) = policy(import_ingress_nginx(text));
    assert_eq!(policy["allowed_hosts"], json!([".c.example", "a.example", "b.example"]));
    has(&notes, "a: left out: server-alias `~^d`");
    has(
        &notes,
        "a: left out: `nginx.ingress.kubernetes.io/from-to-www-redirect`: the hosts that it redirects are refused here",
    );
}

/// Notes go to terminals.
#[test]
fn notes_hold_no_control_characters() {
    let yaml = r#"{kind: Ingress, metadata: {name: "x\e[31m\nfine", annotations: {"nginx.ingress.kubernetes.io/cors-\a": "\u202e", nginx.ingress.kubernetes.io/enable-cors: "true", nginx.ingress.kubernetes.io/cors-allow-methods: "\e[2J"}}, spec: {rules: [{host: "*.a\e[31m.example"}, {host: a}]}}
---
kind: "\e]0;x"
"#;
    let ingress = import_ingress_nginx(yaml);
    let django = import_django(
        ".env",
        "ALLOWED_HOSTS=a\u{1b}[31m,b\u{9b}31m,c\nCORS_PREFLIGHT_MAX_AGE=\u{1b}\n",
    );
    for imported in [ingress, django] {
        assert!(!imported.notes.is_empty());
        let is_bad = |char: char| char.is_control() || char == '\u{202e}';
        assert!(
            !imported.notes.iter().any(|it| it.contains(is_bad)),
            "{:?}",
            imported.notes
        );
    }
}
