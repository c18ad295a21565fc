//! Policies made of other programs' configurations.

mod envoy;
mod ingress_nginx;
mod traefik;

use config::Loaded;
use import::{Imported, import_ingress_nginx};
use serde_json::Value;

fn import_django(file_name: &str, text: &str) -> Imported {
    import::import_django(&[(file_name.to_owned(), text.to_owned())])
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

/// Whether a page of an origin may read what is asked of `api.example`.
fn lets_in(loaded: &Loaded, origin: &str) -> bool {
    let fields: [(&[u8], &[u8]); 4] = [
        (b":method", b"GET"),
        (b":authority", b"api.example"),
        (b":path", b"/"),
        (b"origin", origin.as_bytes()),
    ];
    let verdict = loaded.policy.decide(&fields.into_iter().collect());
    verdict.finding.outcome.is_allowed()
}

type Import = fn(&str) -> Imported;

/// Whatever is in the file, an answer comes back.
#[test]
fn no_file_panics() {
    let answer = r#">>> {"origin_gate_django": 1, "settings": {"ALLOWED_HOSTS": ["a"], "CORS_URLS_REGEX": "^/a/"}, "cors": {"CORS_URLS_REGEX": "^/(a|b)/", "CORS_ALLOWED_ORIGINS": ["https://a"]}, "middleware": [{"name": "x", "kind": "cors"}], "asgi": {"validators": [{"origins": ["a:1"]}]}}"#;
    let yaml = "kind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: \"true\"\nspec: {rules: [{host: a}]}\n";
    let sources: [(&str, Import); 6] = [
        (answer, |text| import_django("settings.json", text)),
        ("ALLOWED_HOSTS='a\"\\\nB=\"\\", |text| import_django(".env", text)),
        (yaml, import_ingress_nginx),
        (envoy::ISTIO, envoy::import),
        (traefik::COMPOSE, traefik::import),
        (answer, import_ingress_nginx),
    ];
    for (text, import) in sources {
        let chars: Vec<char> = text.chars().collect();
        for at in 0..chars.len() {
            import(&chars[..at].iter().collect::<String>());
            for replacement in ['(', ')', '"', '\'', '\\', ',', '=', '*', ':', '\n', '\u{e9}'] {
                let mut chars = chars.clone();
                chars[at] = replacement;
                import(&chars.iter().collect::<String>());
            }
        }
    }
    let indented = |item: &str| (0..5000).map(|depth| " ".repeat(depth) + item).collect::<String>();
    for deep in [
        "[".repeat(100_000),
        "(".repeat(100_000),
        "- ".repeat(50_000),
        indented("a:\n"),
        "{\"origin_gate_django\": 1, \"settings\": ".to_owned() + &"[".repeat(100_000),
        "a: &a [x, x]\n".to_owned()
            + &(0..99)
                .map(|it| format!("b{it}: &a [*a, *a, *a]\n"))
                .collect::<String>(),
    ] {
        assert!(import_django("settings.json", &deep).policy.is_none());
        assert!(import_ingress_nginx(&deep).policy.is_none());
    }
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
        "settings.json",
        r#"{"origin_gate_django": 1, "settings": {"ALLOWED_HOSTS": ["a\u001b[31m", "b\u009b31m", "c"]}, "problems": ["\u001b]"]}"#,
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
