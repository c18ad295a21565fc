//! What `explain` says that Chromium prints: the texts in `tests/cases/console` are those of a real one, to which
//! `tests/e2e/test_browser_predictions.py` holds them.

use std::fs;

use analysis::browser::{Visit, visit};
use analysis::console;
use analysis::explain::{Explainer, Scenario};
use serde_json::Value;

use crate::root;

const CASES: &str = "tests/cases/console/situations.json";

fn cases() -> Value {
    serde_json::from_str(&fs::read_to_string(root().join(CASES)).unwrap()).unwrap()
}

/// What the browser would send, as `explain` takes it.
fn asked(policies: &Value, situation: &Value, index: usize) -> Visit {
    let text = |name: &str| situation[name].as_str();
    let policy = text("policy").unwrap();
    let api = text("api").unwrap_or("fetch");
    let headers = situation["headers"].as_object().into_iter().flatten();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()))
        .collect();
    if situation["credentials"] == true {
        headers.push("Cookie: a=b".to_owned());
    }
    let destination = match api {
        "fetch" | "xhr" | "socket" | "events" => "empty",
        other => other,
    };
    headers.push(format!("Sec-Fetch-Dest: {destination}"));
    if api == "events" {
        headers.push("Accept: text/event-stream".to_owned());
    }
    let response = situation["answer"]["headers"].as_object().into_iter().flatten();
    let response: Vec<_> = response
        .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()))
        .collect();
    let host = format!("{policy}.api.test");
    let scenario = Scenario {
        host: Some(&host),
        origin: text("page"),
        method: text("method").unwrap_or("GET"),
        path: &format!("/{index}"),
        scheme: "https",
        websocket: api == "socket",
        headers: &headers,
        status: None,
        response: &response,
    };
    let loaded = config::load(policies[policy].to_string().as_bytes()).unwrap();
    visit(&Explainer::new(loaded), &scenario.exchange().unwrap(), api == "xhr").unwrap()
}

/// To write the texts anew: `UPDATE=1 cargo test console::`, and then the end-to-end test.
#[test]
fn chromium_prints_what_is_predicted() {
    let mut cases = cases();
    let policies = cases["policies"].clone();
    let mut wrong = Vec::new();
    for (index, situation) in cases["situations"].as_array_mut().unwrap().iter_mut().enumerate() {
        let found = asked(&policies, situation, index);
        assert_eq!(
            found.succeeds(),
            found.page.console.is_none() && found.explanation.is_allowed(),
            "{situation}"
        );
        let told = situation["console"].as_str().map(str::to_owned);
        if told != found.page.console {
            wrong.push(format!("{}: {:?}", situation["name"], found.page.console));
            if let (Some(text), Some(fields)) = (found.page.console, situation.as_object_mut()) {
                fields.insert("console".to_owned(), text.into());
            }
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(CASES), format!("{cases:#}\n")).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is printed is read as what it was about.
#[test]
fn what_is_predicted_is_read() {
    for situation in cases()["situations"].as_array().unwrap() {
        let Some(text) = situation["console"].as_str() else {
            continue;
        };
        let message = console::read(text).unwrap();
        assert_eq!(message.browser, "chromium", "{text}");
        assert!(
            message.fields["url"].contains(situation["policy"].as_str().unwrap()),
            "{text}"
        );
        let origin = message.fields.get("origin").map(String::as_str);
        assert!(origin.is_none_or(|it| it == situation["page"]), "{text}");
    }
}

/// Every text of the versions that the table names stands in it; where the texts have what differs, the table has its name.
#[test]
fn the_table_of_troubleshooting_has_every_text() {
    let page = crate::documents::document("docs/troubleshooting.md");
    for (browser, major) in [("chromium", console::CHROMIUM), ("firefox", "140"), ("safari", "18")] {
        let mut count = 0;
        for (code, text) in console::all(browser, major) {
            let text = text.replace("{blocked}", "…").replace("{xhr?}", "");
            let text = text.replace('{', "<").replace('}', ">");
            assert!(
                page.contains(&format!("`` {} ``", text.trim())),
                "{browser}: {code}: {text}"
            );
            count += 1;
        }
        assert!(count > 9, "{browser}: {count}");
    }
}
