//! What the browser makes of an answer: whether the page gets it, and what of it.

use super::fetch::Fetch;
use super::{Trouble, is_read, text};
use crate::explain::{Exchange, Explainer, Explanation, Line};
use crate::is_public_suffix;
use crate::suffixes;
use policy::cookies::dropped;
use policy::headers;
use policy::host::{Authority, Host};
use policy::origin::Origin;
use policy::pattern::OriginPattern;

/// The check of an answer (Fetch §4.9 "CORS check" and §4.8 "CORS-preflight fetch"), in Chromium's order.
pub(super) trait CorsCheck {
    /// Whether a script may read this answer.
    fn check(&self, response: &[Line]) -> Result<(), Trouble>;
    /// Whether this answer to a preflight lets the request be sent.
    fn check_preflight(&self, response: &[Line]) -> Result<(), Trouble>;
}

impl CorsCheck for Fetch<'_> {
    fn check(&self, response: &[Line]) -> Result<(), Trouble> {
        let named = |code, value: &str| {
            Err(Trouble {
                code,
                field: Some(("value", value.to_owned())),
            })
        };
        match value(response, headers::ALLOW_ORIGIN).as_deref() {
            None => return trouble("allow_origin_missing"),
            Some("*") if !self.has_credentials => return Ok(()),
            Some("*") => return trouble("allow_origin_any"),
            Some(origin) if origin == self.origin => {}
            Some(several) if several.contains([',', ' ']) => return named("allow_origin_several", several),
            Some(other) if other != "null" && Origin::parse(other.as_bytes()).is_err() => {
                return named("allow_origin_invalid", other);
            }
            Some(other) => return named("allow_origin_other", other),
        }
        match value(response, headers::ALLOW_CREDENTIALS) {
            Some(word) if word == "true" => Ok(()),
            word if self.has_credentials => named("credentials_missing", &word.unwrap_or_default()),
            _ => Ok(()),
        }
    }

    fn check_preflight(&self, response: &[Line]) -> Result<(), Trouble> {
        self.check(response)?;
        let status = value(response, ":status").unwrap_or_default();
        match status.as_bytes() {
            [b'2', ..] => {}
            [b'3', ..] => return trouble("preflight_redirect"),
            _ => return trouble("preflight_status"),
        }
        let methods = value(response, headers::ALLOW_METHODS).unwrap_or_default();
        let is_any = |list: &str| !self.has_credentials && members(list).any(|it| it == "*");
        let is_allowed = headers::is_safelisted_method(self.method.as_bytes())
            || is_any(&methods)
            || members(&methods).any(|it| it == self.method);
        if !is_allowed {
            return Err(Trouble {
                code: "method_missing",
                field: Some(("method", self.method.to_owned())),
            });
        }
        let names = value(response, headers::ALLOW_HEADERS).unwrap_or_default();
        let is_listed = |name: &str| {
            members(&names).any(|it| it.eq_ignore_ascii_case(name)) || is_any(&names) && name != "authorization"
        };
        match self.unsafe_headers.iter().find(|name| !is_listed(name)) {
            None => Ok(()),
            Some(name) => Err(Trouble {
                code: "header_missing",
                field: Some(("header", name.clone())),
            }),
        }
    }
}

fn trouble(code: &'static str) -> Result<(), Trouble> {
    Err(Trouble { code, field: None })
}

/// What to change where the filter allows the request and the browser keeps the answer.
pub(super) fn fix(explainer: &Explainer, explanation: &Explanation, fetch: &Fetch<'_>, code: &str) -> Option<String> {
    if !explanation.is_allowed() || !is_read(explanation) {
        return None;
    }
    let key = |key| explainer.place(explanation, key);
    let leave_out = "have the page leave the cookies out (no `credentials: \"include\"`, no `withCredentials`)";
    let entries = &explainer.policy().rules_of(explanation.by).origins;
    let set = || format!("set {} to true", key("cors.allow_credentials"));
    let fix = match code {
        "allow_origin_any" => format!(
            "if this page may act as its visitors, list {} and the others that may in {} in place of `*`, and {}; else \
             {leave_out}",
            fetch.origin,
            key("allowed_origins"),
            set()
        ),
        "credentials_missing" => {
            let bars = |it: &OriginPattern| {
                it.is_insecure() && !entries.dangerous.insecure_origins || it.covers_single_label()
            };
            let barred: Vec<_> = entries.set.entries().filter(bars).map(|it| it.to_string()).collect();
            let first = match barred.as_slice() {
                [] => String::new(),
                some => format!("take {} out of {}, then ", some.join(", "), key("allowed_origins")),
            };
            format!(
                "if the pages that are listed may act as their visitors, {first}{}; else {leave_out}",
                set()
            )
        }
        _ => return None,
    };
    Some(fix)
}

/// Headers that say nothing to a script.
const OF_TRANSPORT: [&str; 12] = [
    "connection",
    "content-encoding",
    "date",
    "keep-alive",
    "server",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "alt-svc",
];

/// What is good to know of an answer that the page gets.
pub(super) fn notes(
    explainer: &Explainer,
    explanation: &Explanation,
    fetch: &Fetch<'_>,
    exchange: &Exchange,
) -> Vec<String> {
    let response = &explanation.response;
    if let Some(redirect) = redirect_note(fetch, exchange, response) {
        return vec![redirect];
    }
    let mut notes = Vec::new();
    let exposed = value(response, headers::EXPOSE_HEADERS).unwrap_or_default();
    let is_exposed =
        |name: &str| members(&exposed).any(|it| it.eq_ignore_ascii_case(name) || it == "*" && !fetch.has_credentials);
    let hidden: Vec<_> = response
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !name.starts_with(':') && !name.starts_with("access-control-") && !name.starts_with("x-envoy-"))
        .filter(|name| {
            !headers::is_safelisted_response(name.as_bytes()) && !OF_TRANSPORT.contains(name) && !is_exposed(name)
        })
        .collect();
    if !hidden.is_empty() {
        notes.push(format!(
            "the page's script cannot read {}: if it may, add {} to {}",
            hidden.join(", "),
            if hidden.len() == 1 { "it" } else { "them" },
            explainer.place(explanation, "cors.expose_headers")
        ));
    }
    notes.extend(cookie_note(fetch, exchange, response));
    notes
}

fn cookie_note(fetch: &Fetch<'_>, exchange: &Exchange, response: &[Line]) -> Option<String> {
    let mut cookies = response
        .iter()
        .filter(|(name, _)| name == headers::SET_COOKIE)
        .peekable();
    cookies.peek()?;
    if !fetch.has_credentials {
        return Some(
            "the browser ignores Set-Cookie here, unless the page asks with `credentials: \"include\"` (in \
             XMLHttpRequest: `withCredentials`)"
                .to_owned(),
        );
    }
    if is_same_site(fetch, exchange) {
        return None;
    }
    let names: Vec<_> = cookies.filter_map(|(_, line)| text(dropped(line)?)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the browser drops the cookie {}, because the page is of another site: have the backend set it with \
             `SameSite=None; Secure`",
            names.join(", ")
        )
    })
}

/// Whether page and server are of one site, by the public-suffix list.
fn is_same_site(fetch: &Fetch<'_>, exchange: &Exchange) -> bool {
    let authority = value(&exchange.request, ":authority").or_else(|| value(&exchange.request, headers::HOST));
    let target = authority.unwrap_or_default();
    let (Ok(origin), Ok(target)) = (
        Origin::parse(fetch.origin.as_bytes()),
        Authority::parse(target.as_bytes()),
    ) else {
        return false;
    };
    let scheme = value(&exchange.request, ":scheme").unwrap_or_default();
    let site = |host: &Host<'_>| match host {
        Host::Name(name) if !is_public_suffix(name) => suffixes::domain(name).unwrap_or(name).to_vec(),
        _ => host.text().to_vec(),
    };
    site(&origin.host) == site(&target.host) && origin.scheme == scheme.as_bytes()
}

fn redirect_note(fetch: &Fetch<'_>, exchange: &Exchange, response: &[Line]) -> Option<String> {
    let status = value(response, ":status")?;
    let location = value(response, "location").filter(|_| status.starts_with('3'))?;
    let scheme = value(&exchange.request, ":scheme")?;
    let host = value(&exchange.request, ":authority").or_else(|| value(&exchange.request, headers::HOST))?;
    let here = url::Url::parse(&format!("{scheme}://{host}{}", value(&exchange.request, ":path")?)).ok()?;
    let there = here.join(&location).ok()?;
    if there.origin() == here.origin() {
        return Some(format!(
            "the browser follows the redirect to {there} and asks again there"
        ));
    }
    let own = match there.origin().ascii_serialization() == fetch.origin {
        true => ", though that is the page's own address",
        false => "",
    };
    Some(format!(
        "the browser follows the redirect to {there} and sends `Origin: null` there{own}: have the page call its final \
         address"
    ))
}

/// The value of a header, several lines joined as browsers do (Fetch, "get").
pub(super) fn value(lines: &[Line], name: &str) -> Option<String> {
    let values: Vec<_> = lines
        .iter()
        .filter(|(it, _)| it == name)
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn members(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|it| !it.is_empty())
}
