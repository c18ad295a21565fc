//! What a request is to a browser: who asks, whether with a preflight, and whether with cookies.

use super::answer::value;
use super::line;
use super::text;
use crate::explain::{Exchange, Line};
use policy::headers;
use policy::request::{Field, Request, Source};

/// What a request is to a browser.
pub(super) enum Asked<'a> {
    /// CORS is not asked: no page, the page's own origin, a navigation or a request whose answer no script reads.
    Other,
    /// A WebSocket handshake.
    Socket,
    /// A preflight, and what it is for.
    Preflight(Fetch<'a>),
    /// A request of a script, to another origin.
    Cross(Fetch<'a>),
}

/// A request of a script to another origin.
pub(super) struct Fetch<'a> {
    pub(super) origin: &'a str,
    pub(super) method: &'a str,
    /// The headers that need a preflight, in lower case, sorted.
    pub(super) unsafe_headers: Vec<String>,
    /// Whether cookies go with it; a preflight does not say.
    pub(super) has_credentials: bool,
    /// What the console calls it.
    pub(super) kind: &'static str,
}

impl<'a> Asked<'a> {
    pub(super) fn of(exchange: &'a Exchange, is_xhr: bool) -> Self {
        let lines = &exchange.request;
        let head: Request<'_> = lines
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        if head.received.is_websocket() {
            return Self::Socket;
        }
        let is_own = match head.source {
            Source::Origin(origin) => head.is_at(&origin) && head.scheme == Some(origin.scheme),
            Source::None(_) => head.received.origin != Field::One(b"null"),
            Source::Missing => true,
        };
        let asks_nothing = matches!(
            head.received.fetch_mode,
            Field::One(b"navigate" | b"no-cors" | b"same-origin" | b"websocket")
        ) || matches!(head.received.fetch_site, Field::One(b"same-origin" | b"none"))
            || may_be_form(&head);
        let (Some(origin), false) = (field(lines, headers::ORIGIN), is_own || asks_nothing) else {
            return Self::Other;
        };
        let method = field(lines, ":method").unwrap_or("GET");
        let fetch = |method, unsafe_headers| Fetch {
            origin,
            method,
            unsafe_headers,
            has_credentials: field(lines, "cookie").is_some(),
            kind: if is_xhr { "XMLHttpRequest" } else { kind(lines) },
        };
        match (method, field(lines, headers::REQUEST_METHOD)) {
            ("OPTIONS", Some(asked)) if !asked.is_empty() => {
                let names = value(lines, headers::REQUEST_HEADERS).unwrap_or_default();
                let names = names.split(',').map(|it| it.trim().to_ascii_lowercase());
                Self::Preflight(fetch(asked, names.filter(|it| !it.is_empty()).collect()))
            }
            _ => Self::Cross(fetch(method, unsafe_headers(lines))),
        }
    }
}

/// Whether this is as likely a form as what a script sends: nothing says which, and few scripts have no origin.
fn may_be_form(head: &Request<'_>) -> bool {
    let received = &head.received;
    received.fetch_mode == Field::Absent && received.is_form() && received.origin == Field::One(b"null")
}

impl Fetch<'_> {
    /// Whether the browser asks first (Fetch §4.1, "CORS-preflight flag").
    pub(super) fn needs_preflight(&self) -> bool {
        !headers::is_safelisted_method(self.method.as_bytes()) || !self.unsafe_headers.is_empty()
    }

    /// The preflight (Fetch §4.8).
    pub(super) fn preflight(&self, exchange: &Exchange) -> Exchange {
        let is_kept = |name: &str| matches!(name, ":path" | ":scheme" | ":authority" | "host" | "x-forwarded-proto");
        let mut request = vec![line(":method", "OPTIONS")];
        request.extend(exchange.request.iter().filter(|(name, _)| is_kept(name)).cloned());
        request.push(line(headers::ORIGIN, self.origin));
        request.push(line(headers::REQUEST_METHOD, self.method));
        if !self.unsafe_headers.is_empty() {
            request.push(line(headers::REQUEST_HEADERS, &self.unsafe_headers.join(",")));
        }
        Exchange {
            request,
            response: vec![line(":status", "200")],
        }
    }
}

/// The one value of a header.
fn field<'a>(lines: &'a [Line], name: &str) -> Option<&'a str> {
    let (_, value) = lines.iter().find(|(it, _)| it == name)?;
    text(value)
}

/// What the console calls a request, by what it is for.
fn kind(lines: &[Line]) -> &'static str {
    match field(lines, "sec-fetch-dest") {
        Some("font") => "font",
        Some("script") => "script",
        Some("image") => "image",
        Some("style") => "CSS stylesheet",
        Some("audio") => "audio",
        Some("video") => "video",
        Some("track") => "text track",
        // `EventSource`: the accept header of a script's own request names more.
        _ if field(lines, "accept") == Some("text/event-stream") => "resource",
        _ if field(lines, "x-requested-with") == Some("XMLHttpRequest") => "XMLHttpRequest",
        _ => "fetch",
    }
}

/// What browsers set themselves, beside what no script can set.
const OF_BROWSERS: [&str; 7] = [
    "accept-language",
    "priority",
    "save-data",
    "upgrade-insecure-requests",
    "user-agent",
    "x-client-data",
    "last-event-id",
];

/// The longest value of a safelisted header (Fetch §2.2.2).
const LONGEST: usize = 128;

/// The headers that a script set and that need a preflight (Fetch, "CORS-unsafe request-header names").
fn unsafe_headers(lines: &[Line]) -> Vec<String> {
    let has = |name: &str, it: &[u8]| lines.iter().any(|(own, value)| own == name && value == it);
    // Developer tools with their cache switched off send both.
    let is_uncached = has("pragma", b"no-cache") && has("cache-control", b"no-cache");
    let is_unsafe = |(name, value): &&Line| match name.as_str() {
        name if name.starts_with(':') || name.starts_with("x-forwarded-") => false,
        name if headers::is_forbidden_header(name) || OF_BROWSERS.contains(&name) => false,
        "forwarded" => false,
        // Of a request as a browser sent it, they are its cache's.
        "if-none-match" | "if-modified-since" if field(lines, headers::SEC_FETCH_MODE).is_some() => false,
        "pragma" | "cache-control" if is_uncached => false,
        "accept" | "content-language" => value.len() > LONGEST && name != "accept",
        "content-type" => !is_simple_type(value),
        "range" => !value.starts_with(b"bytes="),
        _ => true,
    };
    let mut names: Vec<_> = lines.iter().filter(is_unsafe).map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn is_simple_type(value: &[u8]) -> bool {
    let essence = value.split(|&it| it == b';').next().unwrap_or_default().trim_ascii();
    let simple = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
    simple.iter().any(|it| essence.eq_ignore_ascii_case(it.as_bytes()))
}
