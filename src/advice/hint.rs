//! What to say of a refusal.

use std::borrow::Cow;

/// What to tell of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The entry that comes nearest to what was refused, in its canonical form.
    pub nearest: Option<String>,
    /// What would allow the request, or why nothing should.
    pub fix: Cow<'static, str>,
}

impl Hint {
    pub(super) fn fix(fix: impl Into<Cow<'static, str>>) -> Self {
        Self {
            nearest: None,
            fix: fix.into(),
        }
    }

    /// For an origin in a spelling that no browser sends, the right one.
    #[must_use]
    pub fn respelled(origin: String) -> Self {
        Self {
            nearest: Some(origin),
            fix: "send it as browsers do: scheme, host and port in lower case, and nothing after them".into(),
        }
    }
}
