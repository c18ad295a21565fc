//! A verdict of which only the finding matters.

use policy::verdict::{Action, Finding, Forward, Verdict};

/// A verdict with this finding; the log reads nothing else of it.
pub(crate) fn of(finding: Finding) -> Verdict<'static> {
    Verdict {
        finding,
        by: None,
        forwarded: None,
        action: Action::Forward(Forward::default()),
    }
}
