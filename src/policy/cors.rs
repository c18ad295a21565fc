//! What a page may read: the CORS protocol (Fetch §3.2) from the server's side.

use std::borrow::Cow;
use std::rc::Rc;

use super::headers::{self, is_token, members};
use super::reply::{AllowedNames, Preflight};
use super::request::{Field, RequestHead};
use super::verdict::{AllowOrigin, CorsGrant, Deny, Mode, ResponseCors};

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
    pub expose: Rc<str>,
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
    /// Joins names into the list to send.
    #[must_use]
    pub fn these(names: Vec<String>) -> Self {
        Self::These {
            joined: names.join(", "),
            names,
        }
    }
}

impl Cors {
    /// What a page of this origin may read.
    pub(super) fn grant<'a>(&self, origin: AllowOrigin<'a>) -> CorsGrant<'a> {
        CorsGrant {
            origin,
            credentials: self.credentials,
            expose: Rc::clone(&self.expose),
        }
    }

    /// What becomes of the CORS headers of a response.
    pub(super) fn response<'a>(&self, origin: AllowOrigin<'a>) -> ResponseCors<'a> {
        match (self.mode, self.upstream) {
            (Mode::ReportOnly, _) => ResponseCors::Untouched,
            (Mode::Enforce, UpstreamHeaders::Keep) => ResponseCors::Keep(self.grant(origin)),
            (Mode::Enforce, UpstreamHeaders::Replace) => ResponseCors::Replace(self.grant(origin)),
        }
    }

    /// The answer to a preflight whose origin is granted, and why the browser will refuse what it asks for, if it will.
    /// The lists are the same either way: the browser compares, and names what it misses.
    pub(super) fn preflight<'a>(
        &'a self,
        origin: AllowOrigin<'a>,
        head: &RequestHead<'a>,
    ) -> (Preflight<'a>, Option<Deny>) {
        let (methods, has_method) = self.answer_methods(head.request_method);
        let (headers, has_headers) = self.answer_headers(&head.request_headers);
        let refused = match (has_method, has_headers) {
            (false, _) => Some(Deny::MethodNotAllowed),
            (_, false) => Some(Deny::HeaderNotAllowed),
            (true, true) => None,
        };
        let preflight = Preflight {
            grant: self.grant(origin),
            methods,
            headers,
            max_age: self.max_age,
            private_network: self.private_network && head.request_private_network == Field::One(b"true"),
        };
        (preflight, refused)
    }

    fn answer_methods<'a>(&'a self, asked: Field<'a>) -> (AllowedNames<'a>, bool) {
        let method = asked.one().unwrap_or_default();
        match &self.methods {
            AllowList::Any => {
                let is_valid = is_token(method) && !headers::is_forbidden_method(method);
                let asked = if is_valid { method } else { b"" };
                (AllowedNames::Asked(Cow::Borrowed(asked)), is_valid)
            }
            AllowList::These { names, joined } => {
                let is_listed =
                    headers::is_safelisted_method(method) || names.iter().any(|name| name.as_bytes() == method);
                (AllowedNames::Listed(Cow::Borrowed(joined.as_bytes())), is_listed)
            }
        }
    }

    fn answer_headers<'a>(&'a self, lines: &[&'a [u8]]) -> (AllowedNames<'a>, bool) {
        match &self.headers {
            AllowList::Any => {
                let is_valid = are_names(lines, |_| true);
                let asked = match lines {
                    _ if !is_valid => Cow::Borrowed(&b""[..]),
                    [] => Cow::Borrowed(&b""[..]),
                    [line] => Cow::Borrowed(*line),
                    lines => Cow::Owned(lines.join(&b","[..])),
                };
                (AllowedNames::Asked(asked), is_valid)
            }
            AllowList::These { names, joined } => {
                let is_listed = |name: &[u8]| names.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(name));
                let listed = AllowedNames::Listed(Cow::Borrowed(joined.as_bytes()));
                (listed, are_names(lines, is_listed))
            }
        }
    }
}

/// Whether the lines are a list of header names that all pass, of a length that somebody means.
fn are_names(lines: &[&[u8]], passes: impl Fn(&[u8]) -> bool) -> bool {
    lines.iter().map(|line| line.len()).sum::<usize>() <= headers::MAX_REQUEST_HEADERS
        && lines.iter().flat_map(|line| members(line)).count() <= headers::MAX_REQUEST_HEADER_NAMES
        && lines
            .iter()
            .flat_map(|line| members(line))
            .all(|name| is_token(name) && passes(name))
}
