//! `allowed_origin_regexes`: the last resort.

use regex_lite::{Regex, RegexBuilder};

use super::SHARED_DOMAINS;
use crate::error::RegexError;
use crate::origin::Origin;

/// A regular expression over whole origins. It sees an origin only once that has parsed, so it cannot be fooled by what
/// is none; and it must match from the first byte to the last, in time linear in the origin's length.
#[derive(Clone, Debug)]
pub struct OriginRegex {
    regex: Regex,
    /// How long the entry is that was anchored.
    length: usize,
    is_open: bool,
}

/// The largest compiled expression, in bytes: every origin is held against every one.
const MAX_SIZE: usize = 64 << 10;

const BEFORE: &str = "^(?:";

impl OriginRegex {
    /// Reads one entry. Anchors may be written and add nothing.
    ///
    /// # Errors
    ///
    /// [`RegexError`], in the words of the regular expression's parser where it is none.
    pub fn parse(entry: &str) -> Result<Self, RegexError> {
        if !entry.is_ascii() {
            return Err(RegexError::Ascii);
        }
        if entry.is_empty() {
            return Err(RegexError::Empty);
        }
        let build = |text: &str| RegexBuilder::new(text).size_limit(MAX_SIZE).build();
        // By itself first: `a)|(b` must not close the group that anchors it.
        let anchored = |end: &str| build(&[BEFORE, entry, end].concat());
        build(entry)
            // A comment at the end of a `(?x)` would take in what closes the group, and a line feed ends it. What cannot
            // be anchored for another reason cannot be with one more character either.
            .and_then(|_| anchored(")$").or_else(|_| anchored("\n)$")))
            .map(|regex| Self {
                length: entry.len(),
                is_open: probes().any(|probe| regex.is_match(&probe)),
                regex,
            })
            .map_err(|error| RegexError::Malformed(error.to_string()))
    }

    /// The entry as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        let inside = self.regex.as_str().strip_prefix(BEFORE);
        inside.and_then(|it| it.get(..self.length)).unwrap_or_default()
    }

    /// Whether the whole origin matches.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>) -> bool {
        std::str::from_utf8(origin.text).is_ok_and(|text| self.matches_text(text))
    }

    /// The same, of an origin that is known to be one.
    #[must_use]
    pub fn matches_text(&self, origin: &str) -> bool {
        self.regex.is_match(origin)
    }

    /// Whether it matches a site that its author cannot have meant: one of [`probes`].
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }
}

/// Unrelated names under suffixes that everybody can register a name under; beside them [`SHARED_DOMAINS`].
const PROBE_HOSTS: [&str; 28] = [
    "a.com",
    "abc.com",
    "unrelated.com",
    "unrelated-site-1.com",
    "www.unrelated.com",
    "unrelated.ai",
    "unrelated.app",
    "unrelated.biz",
    "unrelated.ch",
    "unrelated.cn",
    "unrelated.co",
    "unrelated.co.uk",
    "unrelated.co.zw",
    "unrelated.com.au",
    "unrelated.com.br",
    "unrelated.de",
    "unrelated.dev",
    "unrelated.eu",
    "unrelated.fr",
    "unrelated.in",
    "unrelated.info",
    "unrelated.invalid",
    "unrelated.io",
    "unrelated.me",
    "unrelated.net",
    "unrelated.org",
    "unrelated.us",
    "unrelated.xyz",
];

/// Origins of other shapes: ports, an address of documentation (RFC 5737), and what browsers make up per installation.
const PROBE_ORIGINS: [&str; 9] = [
    "http://unrelated.com:3000",
    "http://unrelated.com:8080",
    "https://unrelated.com:8443",
    "http://203.0.113.7",
    "https://203.0.113.7",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
    "vscode-webview://f81d4fae7dec41d0a76500a0c91e6bf6",
    "unrelated://unrelated",
];

/// Origins that nobody lists on purpose. An expression that matches one grants reading alone.
pub fn probes() -> impl Iterator<Item = String> {
    let hosts = PROBE_HOSTS.into_iter().map(str::to_owned);
    let shared = SHARED_DOMAINS.into_iter().map(|domain| ["unrelated.", domain].concat());
    let pages = hosts
        .chain(shared)
        .flat_map(|host| [["https://", &host].concat(), ["http://", &host].concat()]);
    pages.chain(PROBE_ORIGINS.into_iter().map(str::to_owned))
}
