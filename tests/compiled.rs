//! Compiled policies decide as their text does; what was changed is refused, or decides as some policy does.

use std::collections::BTreeMap;
use std::process::Command;
use std::{env, fs, process};

use proptest::prelude::*;

use crate::binary;
use crate::documents::{blocks, document};
use crate::fuzz_targets::compiled as holds;
use crate::random::Random;
use crate::support::fake::Native;
use crate::support::stream::{self, run};
use crate::support::{self, Envoy};
use policy::request::Request;

const POLICY: &str = r#"{
    "allowed_origins": ["https://b.example", "https://a.example:8443", "http://a.example", "https://*.c.example", "https://a.example",
        "http://localhost:*", "capacitor://localhost", "http://[::1]:8080", "https://a.example.", "https://a.example:443"],
    "allowed_hosts": ["api.example"],
    "csrf": {"trusted_origins": ["https://d.example", "https://b.example"]},
    "policies": [{"match": {"path_prefixes": ["/p"]}, "allowed_origins": ["https://d.example", "https://b.example"]}]
}"#;

fn compiled(policy: &str) -> Vec<u8> {
    config::compile(policy.as_bytes(), 1).unwrap()
}

#[test]
fn the_corpus_passes_compiled() {
    let mut failures = BTreeMap::new();
    let mut lists = 0;
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        let compiled = compiled(&suite.policy);
        lists += usize::from(String::from_utf8_lossy(&compiled).contains("\"@0\""));
        let loaded = config::load_with(&compiled, &suite.environment)
            .unwrap_or_else(|errors| panic!("{}: {errors}", suite.file));
        let mut native = Native::new(loaded);
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only) {
            let (stream, seen) = run(case, &mut native);
            let mut differences = case.differences(&seen);
            differences.extend(stream::differences(case, &stream));
            if !differences.is_empty() {
                failures.insert(format!("{}: {}", suite.file, case.name), differences);
            }
        }
    }
    assert!(lists >= 10, "only {lists} policies have a list of origins");
    support::report(&failures, lists);
}

/// The format, as `docs/compiled.md` shows it.
#[test]
fn a_list_is_lines_in_order_and_only_once() {
    let text = String::from_utf8(compiled(POLICY)).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "origin-gate compiled 1");
    let json: serde_json::Value = serde_json::from_str(lines[3]).unwrap();
    assert_eq!(
        json["allowed_origins"],
        serde_json::json!(["@0", "https://*.c.example"])
    );
    assert_eq!(json["csrf"]["trusted_origins"], json["policies"][0]["allowed_origins"]);
    assert_eq!(
        lines[4..],
        [
            "[::1] http 8080",
            "a.example",
            "a.example  8443",
            "a.example http",
            "a.example.",
            "b.example",
            "localhost capacitor",
            "localhost http *",
            "",
            "b.example",
            "d.example",
            ""
        ]
    );
}

#[test]
fn every_form_is_the_same_policy() {
    let file = compiled(POLICY);
    let loaded = config::load(&file).unwrap();
    let text = config::load(POLICY.as_bytes()).unwrap();
    assert_eq!(loaded.compiled_from, Some(text.digest));
    let inline = config::inline(&file);
    let value: serde_json::Value = serde_json::from_str(&inline).unwrap();
    for form in [
        inline.into_bytes(),
        format!(" {{ \"compiled\" :\n\"{}\" }} ", value["compiled"].as_str().unwrap()).into_bytes(),
        crate::config::protobuf::encode_struct(&value),
    ] {
        assert_eq!(
            config::load(&form).unwrap().digest,
            loaded.digest,
            "{}",
            String::from_utf8_lossy(&form)
        );
    }
    let again = config::decompile(file).unwrap();
    let again = config::compile(&again, 1).unwrap();
    // It was made of another text, and that is all.
    let body = |file: &[u8]| {
        String::from_utf8(file.to_vec())
            .unwrap()
            .lines()
            .skip(3)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(body(&again), body(&compiled(POLICY)));
    assert_eq!(config::decompile(POLICY.into()), Ok(POLICY.as_bytes().to_vec()));
}

#[test]
fn the_page_shows_what_the_command_prints() {
    let page = document("docs/compiled.md");
    let folder = env::temp_dir().join(format!("origin-gate-compiled-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("policy.json"), POLICY).unwrap();
    let script = blocks(&page, "sh")[0].replace("origin-gate", &binary().display().to_string());
    let done = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(&folder)
        .status();
    assert!(done.unwrap().success());
    let file = fs::read(folder.join("policy.compiled")).unwrap();
    assert_eq!(
        Some(file.as_slice()),
        config::compile(POLICY.as_bytes(), config::LONG).as_deref()
    );
    let shown = blocks(&page, "yaml")[0].split("value: ").nth(1).unwrap();
    let inline = config::inline(&file);
    assert!(inline.contains(shown.split('…').next().unwrap()), "{inline}");
    fs::remove_dir_all(folder).unwrap();
}

/// Short lists stay text, whose warnings are logged where it is loaded.
#[test]
fn a_short_list_stays_as_it_is() {
    let compiled = config::compile(POLICY.as_bytes(), config::LONG).unwrap();
    let text = String::from_utf8(compiled).unwrap();
    assert!(!text.contains('@') && text.lines().count() == 4, "{text}");
}

#[test]
fn any_cut_is_an_error() {
    let file = compiled(POLICY);
    for end in 0..file.len() {
        assert!(config::load(&file[..end]).is_err(), "{end}");
    }
}

/// Files whose checksum is right, and nothing else perhaps.
#[test]
fn what_was_changed_is_refused_or_decides_as_a_policy_does() {
    let file = compiled(POLICY);
    let body = file.splitn(3, |&it| it == b'\n').nth(2).unwrap().to_vec();
    holds(&body);
    let mut random = Random(1);
    let bytes = b"\n :.*-@0123aexz[]_/\"{},\x00\x7f\xff";
    for _ in 0..20_000 {
        let mut body = body.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(body.len());
            match random.below(3) {
                0 => body[at] = bytes[random.below(bytes.len())],
                1 => body.insert(at, bytes[random.below(bytes.len())]),
                _ => drop(body.remove(at)),
            }
        }
        holds(&body);
    }
}

fn entry() -> impl Strategy<Value = String> {
    "(https|http|wss|app)://(\\*\\.|[ab]-\\*\\.)?[ab](\\.[ab]){0,2}(|:1|:8443|:443|:80|:\\*)"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_decides_as_its_text_does(
        entries in prop::collection::vec(entry(), 1..12),
        trusted in prop::collection::vec(entry(), 0..4),
        credentials in any::<bool>(),
        origin in "(https|http|wss|app)://([ab]-)?[ab](\\.[ab]){0,3}(|:1|:8443|:443|:80)",
    ) {
        let policy = serde_json::json!({
            "allowed_origins": entries, "csrf": {"trusted_origins": trusted}, "cors": {"allow_credentials": credentials}
        }).to_string();
        let Ok(text) = config::load(policy.as_bytes()) else {
            // Nothing makes a policy of what is none.
            let compiled = config::load(&compiled(&policy));
            prop_assert!(compiled.is_err(), "{policy}");
            return Ok(());
        };
        let compiled = config::load(&compiled(&policy)).unwrap();
        for extra in [("accept", "*/*"), ("upgrade", "websocket"), (":method", "POST"), ("access-control-request-method", "PUT")] {
            let fields = [(":authority", "a"), ("origin", &*origin), extra];
            let head: Request<'_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            let said = |loaded: &config::Loaded| {
                let verdict = loaded.policy.decide(&head);
                let domains = advice::Domains::LITTLE;
                let hint = advice::hint(&loaded.policy, &loaded.provenance, &verdict, &head, domains);
                format!("{} {hint:?}", verdict.finding)
            };
            prop_assert_eq!(said(&text), said(&compiled));
        }
    }
}
