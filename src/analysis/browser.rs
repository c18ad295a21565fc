//! What the browser does with what the filter does: the preflight that comes first, whether the page gets the answer, and
//! what the console says if it does not. It runs the CORS protocol (Fetch §4.9) over the headers that the filter sends.

mod answer;
mod fetch;
mod render;

use std::str;

use crate::console::{self, Fields};
use crate::explain::{Exchange, Explainer, Explanation, Line};
use answer::{CorsCheck, value};
use fetch::{Asked, Fetch};
use policy::headers;
use policy::verdict::{Allow, Check, Deny, Outcome};

/// A request of a page, and what becomes of it in the browser.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What the filter does with the request.
    pub explanation: Explanation,
    /// What it does with the preflight that comes first, if one does.
    pub preflight: Option<Explanation>,
    /// What the page gets.
    pub page: Page,
}

/// What a page gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Whether its script gets the answer; `None` if no script asked for it, or if the backend's own headers decide.
    pub gets_answer: Option<bool>,
    /// Why not, as `console.json` names it.
    pub trouble: Option<&'static str>,
    /// What Chromium prints.
    pub console: Option<String>,
    /// What to change, where the filter's own hint does not say so.
    pub fix: Option<String>,
    /// What else is good to know.
    pub notes: Vec<String>,
}

/// Why a script does not get an answer, and the value that the browser names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    code: &'static str,
    field: Option<(&'static str, String)>,
}

impl Visit {
    /// Whether the filter allows the request, and the browser gives the answer to the page that asked.
    #[must_use]
    pub fn succeeds(&self) -> bool {
        self.explanation.is_allowed() && self.page.gets_answer != Some(false)
    }

    /// What is to be looked at: the preflight, where it alone is refused.
    #[must_use]
    pub fn decisive(&self) -> &Explanation {
        match &self.preflight {
            Some(preflight) if self.explanation.is_allowed() && !preflight.is_allowed() => preflight,
            _ => &self.explanation,
        }
    }

    /// Why the preflight keeps the browser from sending the request, if it does.
    fn refused_preflight(&self) -> Option<Deny> {
        let preflight = self.preflight.as_ref().filter(|it| !it.is_allowed())?;
        preflight.finding.outcome.deny()
    }

    /// What to change.
    #[must_use]
    pub fn fix(&self) -> Option<&str> {
        let hint = self.decisive().hint.as_ref().map(|it| &*it.fix);
        hint.filter(|_| !self.decisive().is_allowed())
            .or(self.page.fix.as_deref())
            .or(hint)
    }
}

/// Follows a request of a page through the filter and the browser; `is_xhr` for one of `XMLHttpRequest`, which no header says.
///
/// # Errors
///
/// If the request's names or values are too many or too long for any proxy.
pub fn visit(explainer: &Explainer, exchange: &Exchange, is_xhr: bool) -> Result<Visit, &'static str> {
    let explanation = explainer.explain(exchange)?;
    let mut visit = Visit {
        explanation,
        preflight: None,
        page: Page::default(),
    };
    match Asked::of(exchange, is_xhr) {
        Asked::Other => {}
        Asked::Socket => visit.page = socket_page(&visit.explanation, exchange),
        Asked::Preflight(fetch) => {
            let trouble = fetch.check_preflight(&visit.explanation.response).err();
            visit.page = page(
                explainer,
                &visit.explanation,
                &fetch,
                trouble.map(|it| (it, true)),
                exchange,
            );
        }
        Asked::Cross(fetch) => {
            let mut trouble = None;
            if fetch.needs_preflight() {
                let preflight = explainer.explain(&fetch.preflight(exchange))?;
                if decides(&preflight) {
                    trouble = fetch.check_preflight(&preflight.response).err().map(|it| (it, true));
                }
                if !preflight.is_allowed() && visit.explanation.finding.check == Check::Csrf {
                    // To be trusted to write helps no page that may not even ask.
                    visit.explanation.hint.clone_from(&preflight.hint);
                }
                visit.preflight = Some(preflight);
            }
            let is_known = decides(&visit.explanation) || exchange.response.len() > 1;
            if is_known {
                let answered = || fetch.check(&visit.explanation.response).err().map(|it| (it, false));
                trouble = trouble.or_else(answered);
            }
            if is_known || trouble.is_some() {
                visit.page = page(explainer, &visit.explanation, &fetch, trouble, exchange);
            }
        }
    }
    Ok(visit)
}

/// Whether the filter's headers decide what a page reads, and not the backend's own.
fn decides(explanation: &Explanation) -> bool {
    !matches!(
        explanation.finding.outcome,
        Outcome::WouldReject(_) | Outcome::Allowed(Allow::Off | Allow::NotCors)
    )
}

fn socket_page(explanation: &Explanation, exchange: &Exchange) -> Page {
    let Some(status) = explanation.reply_status() else {
        return Page::default();
    };
    let (url, _) = urls(exchange, true);
    let status = String::from_utf8_lossy(status).into_owned();
    let fields = Fields::from([("url".to_owned(), url), ("status".to_owned(), status)]);
    Page {
        gets_answer: Some(false),
        trouble: Some("socket_refused"),
        console: console::chromium("socket_refused", &fields),
        ..Page::default()
    }
}

fn page(
    explainer: &Explainer,
    explanation: &Explanation,
    fetch: &Fetch<'_>,
    trouble: Option<(Trouble, bool)>,
    exchange: &Exchange,
) -> Page {
    let Some((Trouble { code, field }, is_preflight)) = trouble else {
        return Page {
            gets_answer: Some(true),
            notes: answer::notes(explainer, explanation, fetch, exchange),
            ..Page::default()
        };
    };
    let (url, _) = urls(exchange, false);
    let mut fields = Fields::from([
        ("kind".to_owned(), fetch.kind.to_owned()),
        ("url".to_owned(), url),
        ("origin".to_owned(), fetch.origin.to_owned()),
    ]);
    if is_preflight && !matches!(code, "method_missing" | "header_missing") {
        fields.insert("preflight".to_owned(), String::new());
    }
    if fetch.kind == "XMLHttpRequest" {
        fields.insert("xhr".to_owned(), String::new());
    }
    fields.extend(field.map(|(name, value)| (name.to_owned(), value)));
    Page {
        gets_answer: Some(false),
        trouble: Some(code),
        console: console::chromium(code, &fields),
        fix: answer::fix(explainer, explanation, fetch, code),
        notes: Vec::new(),
    }
}

/// The address that a page asks, and its scheme.
fn urls(exchange: &Exchange, is_socket: bool) -> (String, &'static str) {
    let scheme = match (
        value(&exchange.request, ":scheme").as_deref() == Some("http"),
        is_socket,
    ) {
        (true, false) => "http",
        (false, false) => "https",
        (true, true) => "ws",
        (false, true) => "wss",
    };
    let host = value(&exchange.request, ":authority").or_else(|| value(&exchange.request, headers::HOST));
    let path = value(&exchange.request, ":path").unwrap_or_default();
    (format!("{scheme}://{}{path}", host.unwrap_or_default()), scheme)
}

/// Whether a finding is about reading alone.
fn is_read(explanation: &Explanation) -> bool {
    explanation.finding.check == Check::Cors
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// A line of a request or response.
fn line(name: &str, value: &str) -> Line {
    (name.to_owned(), value.as_bytes().to_vec())
}
