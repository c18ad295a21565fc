//! A message of a browser's console.

use super::{Facts, WithoutPolicy};
use crate::console::{self, Message};

const UNKNOWN: &str = "--console: this is no message about CORS, a WebSocket or mixed content that a browser is known to print; \
                       copy the whole line, from `Access to fetch at`, `WebSocket connection to` or `Cross-Origin Request \
                       Blocked`, or describe the request with --host, --origin and --method";

/// Reads a message.
pub(super) fn facts(text: &str) -> Result<Facts, String> {
    let message = console::read(text).ok_or(UNKNOWN)?;
    let field = |name: &str| message.fields.get(name).map(String::as_str);
    let mut facts = Facts {
        said: Some(message.code),
        ..Facts::default()
    };
    facts.verdict = without_policy(&message);
    if let Some(url) = field("url") {
        facts
            .address(url.trim_end_matches('.'))
            .map_err(|problem| format!("--console: {problem}"))?;
    }
    facts.websocket |= message.code.starts_with("socket");
    facts.origin = field("origin").map(str::to_owned);
    facts.method = field("method").map(str::to_owned);
    if let Some(first) = field("first") {
        facts.redirected(first);
    }
    if let Some(name) = field("header") {
        facts.header(name, "(any)");
    }
    if matches!(message.code, "allow_origin_any" | "credentials_missing") {
        facts.header("cookie", "(any)");
    }
    if let Some("font" | "script" | "image") = field("kind") {
        facts.header("sec-fetch-dest", field("kind").unwrap_or_default());
    }
    facts.ask("host", "the message does not say which host was asked");
    facts.ask(
        "origin",
        "the message does not say which page asked: its address as far as the path",
    );
    Ok(facts)
}

impl Facts {
    /// After a redirect from one address to another, neither of them the page's, the origin is `null`.
    fn redirected(&mut self, first: &str) {
        let is_other = match (url::Url::parse(first), &self.host, &self.scheme) {
            (Ok(first), Some(host), Some(scheme)) => {
                url::Url::parse(&format!("{scheme}://{host}")).is_ok_and(|it| it.origin() != first.origin())
            }
            _ => true,
        };
        if is_other {
            self.origin = Some("null".to_owned());
            self.notes.push(format!(
                "the browser was redirected here from {first}, and after a redirect to another address it sends `Origin: \
                 null`: have the page call its final address"
            ));
        }
    }
}

/// The answer to a message that no policy can change.
fn without_policy(message: &Message) -> Option<WithoutPolicy> {
    let url = message.fields.get("url").map_or("the address", String::as_str);
    let secure = url.replacen("http://", "https://", 1).replacen("ws://", "wss://", 1);
    let (what, fix) = match message.code {
        "mixed_fetch" | "mixed_socket" | "mixed_form" => (
            "the page is of https and asks an address that is not: the browser sends nothing, so that no server decides this",
            format!("have the page ask {secure}, and serve that address over TLS"),
        ),
        "unreachable" => (
            "the browser got no answer at all, not one without CORS headers",
            format!(
                "open {url} in a tab of its own: see the certificate, the name, the port, and whether an extension or a \
                 network blocks it"
            ),
        ),
        "scheme_unsupported" => (
            "the address that the page asks, or the page itself, is not of http or https: the browser sends nothing",
            "write the address with its scheme (`https://…`), and serve the page from a site rather than from a file"
                .to_owned(),
        ),
        "redirect_user" => (
            "the redirect leads to an address with a user name in it, which browsers do not follow across origins",
            "take the user name out of the address that the backend redirects to".to_owned(),
        ),
        _ => return None,
    };
    Some(WithoutPolicy {
        code: message.code,
        what,
        fix,
    })
}
