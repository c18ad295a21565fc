//! What to tell of a preflight that asks for what is not listed.

use std::borrow::Cow;

use super::case::{Case, LONGEST, text};
use policy::check::AllowList;
use policy::headers::{self, is_token, members};

const NO_HEADERS: &str = "ignore this if the client is not a browser: these are not header names, or too many";

/// How many names a hint repeats.
const MOST: usize = 8;

impl Case<'_> {
    pub(super) fn method_fix(&self) -> Cow<'static, str> {
        let method = self.head.received.request_method.one().unwrap_or_default();
        if !is_name(method) || headers::is_forbidden_method(method) {
            return "nothing: browsers let no page send this".into();
        }
        let key = self.key("cors.allow_methods");
        match headers::in_capitals(method) {
            Some(capitals) => ["have the page write ", capitals, ": methods are compared by case"].concat(),
            None => ["if pages may use it, add ", &text(method), " to ", &key].concat(),
        }
        .into()
    }

    pub(super) fn header_fix(&self) -> Cow<'static, str> {
        let listed = self.rules.cors.as_ref().map(|it| &it.headers);
        let is_listed =
            |name: &[u8]| listed.is_some_and(|it| matches!(it, AllowList::These { .. }) && it.lists_header(name));
        let mut unlisted: Vec<&[u8]> = Vec::new();
        let mut more = "";
        for name in self.head.received.request_headers.iter().flat_map(|line| members(line)) {
            if !is_name(name) {
                return NO_HEADERS.into();
            }
            if headers::is_forbidden_header(&text(name)) {
                return ["have the page leave out ", &text(name), ": no list may have it"]
                    .concat()
                    .into();
            }
            if is_listed(name) || unlisted.contains(&name) {
                continue;
            }
            if unlisted.len() == MOST {
                more = " and the others";
            } else {
                unlisted.push(name);
            }
        }
        if unlisted.is_empty() {
            return NO_HEADERS.into();
        }
        let them = if unlisted.len() == 1 { "it" } else { "them" };
        let names = text(&unlisted.join(&b", "[..]));
        let key = self.key("cors.allow_headers");
        ["if pages may send ", them, ", add ", &names, more, " to ", &key]
            .concat()
            .into()
    }
}

/// Whether this is a name that a list can have, as short as those that there are.
fn is_name(bytes: &[u8]) -> bool {
    is_token(bytes) && !bytes.contains(&b'*') && bytes.len() <= LONGEST
}
