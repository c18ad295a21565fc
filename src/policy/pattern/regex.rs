//! `allowed_origin_regexes`: the last resort.

use super::SHARED_DOMAINS;
use crate::error::RegexError;
use crate::origin::Origin;
use crate::regex::{Parser, Program};

/// The most that the expressions of a policy may add up to, by [`OriginRegex::size`]: an origin that no entry lists is
/// held against every one.
pub const MAX_EXPRESSIONS: usize = 65_536;

/// The most that one expression counts.
const MAX_ONE: usize = 4096;

/// A regular expression over whole origins. It sees an origin only once that has parsed, so it cannot be fooled by what
/// is none; and it must match from the first byte to the last, in time linear in the origin's length.
#[derive(Clone, Debug)]
pub struct OriginRegex {
    text: Box<str>,
    program: Program,
    size: usize,
    is_open: bool,
}

impl OriginRegex {
    /// Reads one entry. Anchors may be written and add nothing.
    ///
    /// ```
    /// # use origin_gate_policy as policy;
    /// use policy::pattern::OriginRegex;
    ///
    /// let shops = OriginRegex::parse(r"https://shop-\d+\.example").unwrap();
    /// assert!(shops.matches_text("https://shop-1.example"));
    /// assert!(!shops.matches_text("https://shop-1.example.evil.net"));
    /// ```
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
        let (program, size) = Parser::parse(entry.as_bytes()).map_err(RegexError::Malformed)?;
        Ok(Self {
            text: entry.into(),
            size: size.min(MAX_ONE),
            is_open: probes().any(|probe| program.is_match(probe.as_bytes())),
            program,
        })
    }

    /// The entry as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How large the expression is: its characters and operators, with counted repetitions written out. One counts 4096 at
    /// most, and the same on every platform.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the whole origin matches.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>) -> bool {
        self.program.is_match(origin.text)
    }

    /// The same, of an origin that is known to be one.
    #[must_use]
    pub fn matches_text(&self, origin: &str) -> bool {
        self.program.is_match(origin.as_bytes())
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
