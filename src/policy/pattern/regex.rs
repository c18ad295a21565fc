//! `allowed_origin_regexes`: the last resort.

use regex_lite::{Regex, RegexBuilder};

use crate::policy::origin::Origin;
use crate::policy::problem::Problem;

/// A regular expression over whole origins. It sees an origin only once that has parsed, so it cannot be fooled by what
/// is none; and it must match from the first byte to the last, in time linear in the origin's length.
#[derive(Clone, Debug)]
pub struct OriginRegex(Regex);

/// The largest compiled expression, in bytes: every origin is held against every one.
const MAX_SIZE: usize = 64 << 10;

impl OriginRegex {
    /// Reads one entry. Anchors may be written and add nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in the words of the regular expression's parser.
    pub fn parse(entry: &str) -> Result<Self, (Problem, String)> {
        for (is_wrong, problem) in [
            (!entry.is_ascii(), Problem::RegexAscii),
            (entry.is_empty(), Problem::RegexEmpty),
        ] {
            if is_wrong {
                return Err((problem, problem.text().to_owned()));
            }
        }
        let build = |text: &str| RegexBuilder::new(text).size_limit(MAX_SIZE).build();
        // By itself first: `a)|(b` must not close the group that anchors it.
        build(entry)
            .and_then(|_| build(&format!("^(?:{entry})$")))
            .map(Self)
            .map_err(|error| (Problem::RegexMalformed, format!("not a regular expression: {error}")))
    }

    /// The entry as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        let anchored = self.0.as_str();
        let inside = anchored.strip_prefix("^(?:").and_then(|it| it.strip_suffix(")$"));
        inside.unwrap_or(anchored)
    }

    /// Whether the whole origin matches.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>) -> bool {
        std::str::from_utf8(origin.text).is_ok_and(|text| self.0.is_match(text))
    }
}
