//! The core behind a door that takes and gives JSON, for the page that explains (`docs/page.md`).
//!
//! [`answer`] takes a call and returns what the command prints with `--json`, with the words that the page shows beside it. The
//! page calls it through `door.rs`, in WebAssembly; the tests call it as it is, and compare.
//!
//! ```
//! let call = r#"{"verb": "check", "policy": "{\"allowed_origins\": [\"https://app.example\"]}"}"#;
//! let answer: serde_json::Value = serde_json::from_slice(&origin_gate_page::answer(call.as_bytes())).unwrap();
//! assert_eq!(answer["policies"][0]["loads"], true);
//! ```

mod call;
#[cfg(target_arch = "wasm32")]
pub mod door;
mod verbs;

use serde_json::{Value, json};

use call::Call;

/// What there is to say to a call, as JSON; `error` in it says why there is nothing.
#[must_use]
pub fn answer(call: &[u8]) -> Vec<u8> {
    let answer = serde_json::from_slice::<Value>(call)
        .map_err(|error| format!("the call is not JSON: {error}"))
        .and_then(|it| verbs::run(&Call::of(&it)));
    answer
        .unwrap_or_else(|problem| json!({ "error": problem }))
        .to_string()
        .into_bytes()
}
