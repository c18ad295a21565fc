//! What a page may read: the CORS protocol (Fetch §3.2) from the server's side.

use std::borrow::Cow;
use std::sync::Arc;

use super::{CheckInput, Mode};
use crate::edits::{AllowOrigin, CorsGrant, ResponseCors};
use crate::finding::{Allow, Deny};
use crate::headers::{self, is_token, members};
use crate::reply::{AllowedNames, Preflight};
use crate::request::{Field, Request, Source};

/// The `cors` section, with its header values ready to send.
#[derive(Debug)]
pub struct Cors {
    /// `mode`.
    pub mode: Mode,
    /// `allow_credentials`.
    pub credentials: bool,
    /// `allow_methods`.
    pub methods: AllowList,
    /// `allow_headers`.
    pub headers: AllowList,
    /// `expose_headers`, joined; empty for none.
    pub expose: Arc<str>,
    /// `max_age`, in seconds.
    pub max_age: u32,
    /// `allow_private_network`.
    pub private_network: bool,
    /// `upstream_headers`.
    pub upstream: UpstreamHeaders,
}

/// What a preflight may ask for.
#[derive(Clone, Debug)]
pub enum AllowList {
    /// `["*"]`: whatever is valid. It is answered by name, since `*` is a literal where credentials are (Fetch §3.2.3).
    Any,
    /// These names.
    These {
        /// The names.
        names: Vec<String>,
        /// The same, joined for sending.
        joined: String,
        /// What names may begin with that go on after it. They are answered by those that were asked for.
        prefixes: Vec<String>,
    },
}

/// What becomes of the CORS headers that the backend sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamHeaders {
    /// They stay, if they say who may read the response.
    Keep,
    /// They go; the policy's take their place.
    Replace,
}

impl AllowList {
    /// The list of these names. One that ends in `*` is a prefix.
    #[must_use]
    pub fn these(mut names: Vec<String>) -> Self {
        let mut prefixes = Vec::new();
        names.retain(|name| {
            let prefix = name.strip_suffix('*');
            prefixes.extend(prefix.map(str::to_owned));
            prefix.is_none()
        });
        Self::These {
            joined: names.join(", "),
            names,
            prefixes,
        }
    }

    /// Whether this is the name of a header that is listed, in any case.
    #[must_use]
    pub fn lists_header(&self, name: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::These { names, prefixes, .. } => is_one_of(names, name) || begins_with_one_of(prefixes, name),
        }
    }
}

impl Cors {
    /// Whether the page behind a request, which has passed `csrf` if there is such a section, may read the answer; and with a
    /// preflight what it asks for.
    #[inline]
    pub(crate) fn check(&self, input: &CheckInput<'_, '_>, has_csrf: bool) -> Result<Allow, Deny> {
        let CheckInput { request, found, .. } = input;
        if request.received.is_preflight() {
            return found.and_then(|allow| self.check_preflight(request).map(|()| allow));
        }
        let deny = match (found, &request.source) {
            (Ok(allow), _) => return Ok(*allow),
            // Nothing to grant or to refuse: no other origin asks.
            (Err(Deny::OriginMissing), _) => return Ok(Allow::OriginMissing),
            (Err(_), _) if input.origins.is_literal_any() => return Ok(Allow::Any),
            (Err(_), Source::Origin(origin)) if request.is_at(origin) => match request.is_downgraded_by(origin) {
                true => Deny::SchemeMismatch,
                false => return Ok(Allow::SameHost),
            },
            (Err(deny), _) => *deny,
        };
        // Nothing else needs to know, so that what the browser says of the request is read only here.
        match asks_no_cors(input, has_csrf) {
            true => Ok(Allow::NotCors),
            false => Err(deny),
        }
    }

    /// Whether a preflight asks for nothing that the lists have not (Fetch §4.8, steps 7.5 to 7.7).
    fn check_preflight(&self, request: &Request<'_>) -> Result<(), Deny> {
        let method = request.received.request_method.one().unwrap_or_default();
        if !self.allows_method(method) {
            return Err(Deny::MethodNotAllowed);
        }
        match self.allows_headers(&request.received.request_headers) {
            true => Ok(()),
            false => Err(Deny::HeaderNotAllowed),
        }
    }

    fn allows_method(&self, method: &[u8]) -> bool {
        match &self.methods {
            AllowList::Any => is_token(method) && !headers::is_forbidden_method(method),
            AllowList::These { names, .. } => {
                headers::is_safelisted_method(method) || names.iter().any(|name| name.as_bytes() == method)
            }
        }
    }

    fn allows_headers(&self, lines: &[&[u8]]) -> bool {
        are_names(lines, &|name| self.headers.lists_header(name))
    }

    /// What a page of this origin may read.
    #[inline]
    pub(crate) fn grant<'a>(&self, origin: AllowOrigin<'a>) -> CorsGrant<'a> {
        CorsGrant {
            origin,
            credentials: self.credentials,
            expose: Arc::clone(&self.expose),
        }
    }

    /// What becomes of the CORS headers of a response.
    #[inline]
    pub(crate) fn response<'a>(&self, origin: AllowOrigin<'a>) -> ResponseCors<'a> {
        match (self.mode, self.upstream) {
            (Mode::ReportOnly, _) => ResponseCors::Untouched,
            (Mode::Enforce, UpstreamHeaders::Keep) => ResponseCors::Keep(self.grant(origin)),
            (Mode::Enforce, UpstreamHeaders::Replace) => ResponseCors::Replace(self.grant(origin)),
        }
    }

    /// The answer to a preflight whose origin is granted, whether or not it asks for what is not. The lists are the same
    /// either way: the browser compares, and names what it misses. Where a list is `["*"]`, it is what was asked for, or
    /// nothing if that was refused.
    pub(crate) fn preflight<'a>(
        &'a self,
        origin: AllowOrigin<'a>,
        request: &Request<'a>,
        refused: Option<Deny>,
    ) -> Preflight<'a> {
        let received = &request.received;
        let methods = match &self.methods {
            AllowList::Any if refused == Some(Deny::MethodNotAllowed) => AllowedNames::Requested(Cow::Borrowed(b"")),
            AllowList::Any => AllowedNames::Requested(Cow::Borrowed(received.request_method.one().unwrap_or_default())),
            AllowList::These { joined, .. } => AllowedNames::Listed(Cow::Borrowed(joined.as_bytes())),
        };
        let headers = match &self.headers {
            AllowList::Any => AllowedNames::Requested(match &*received.request_headers {
                // Whoever refuses the method has not looked at the headers.
                lines if refused.is_some() && !self.allows_headers(lines) => Cow::Borrowed(b""),
                [] => Cow::Borrowed(b""),
                [line] => Cow::Borrowed(*line),
                lines => Cow::Owned(lines.join(&b","[..])),
            }),
            AllowList::These {
                names,
                joined,
                prefixes,
            } => {
                let lines = &*received.request_headers;
                let mut list = Cow::Borrowed(joined.as_bytes());
                if !prefixes.is_empty() && are_names(lines, &|_| true) {
                    for name in lines.iter().flat_map(|line| members(line)) {
                        if begins_with_one_of(prefixes, name) && !is_one_of(names, name) {
                            let list = list.to_mut();
                            list.extend_from_slice(if list.is_empty() { b"" } else { b", " });
                            list.extend_from_slice(name);
                        }
                    }
                }
                AllowedNames::Listed(list)
            }
        };
        Preflight {
            grant: self.grant(origin),
            methods,
            headers,
            max_age: self.max_age,
            private_network: self.private_network && received.request_private_network == Field::One(b"true"),
        }
    }
}

/// Whether the browser says that it asks CORS nothing; or, from one that sends no `Sec-Fetch-Mode`, whether this is a form
/// that `csrf` lets through by what that section itself names, as on the return from a payment page. What passes for
/// another reason has an entry or is on this host, and a refusal that is only reported has the finding.
fn asks_no_cors(input: &CheckInput<'_, '_>, has_csrf: bool) -> bool {
    let received = &input.request.received;
    received.asks_no_cors()
        || matches!(received.fetch_mode, Field::Absent)
            && !matches!(received.fetch_site, Field::Many)
            && received.is_form()
            && has_csrf
}

#[inline(never)]
fn is_one_of(names: &[String], name: &[u8]) -> bool {
    // As browsers and most policies write them, and without regard to case it takes many times as long.
    names
        .iter()
        .any(|it| it.as_bytes() == name || it.as_bytes().eq_ignore_ascii_case(name))
}

#[inline(never)]
fn begins_with_one_of(prefixes: &[String], name: &[u8]) -> bool {
    let is_prefix = |it: &String| {
        let begin = name.get(..it.len()).filter(|begin| begin.len() < name.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(it.as_bytes()))
    };
    prefixes.iter().any(is_prefix)
}

/// Whether the lines are a list of header names that all pass, of a length that somebody means.
fn are_names(lines: &[&[u8]], passes: &dyn Fn(&[u8]) -> bool) -> bool {
    lines.iter().map(|line| line.len()).sum::<usize>() <= headers::MAX_REQUEST_HEADERS
        && lines.iter().flat_map(|line| members(line)).count() <= headers::MAX_REQUEST_HEADER_NAMES
        && lines
            .iter()
            .flat_map(|line| members(line))
            .all(|name| is_token(name) && passes(name))
}
