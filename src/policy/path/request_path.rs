//! The path of one request.

use std::cell::OnceCell;

use super::index::PathIndex;
use super::plain::is_plain;
use super::readings::{Readings, is_literal};

/// The path of a request target, without its query, and its readings: they are worked out once, when an entry or an
/// exemption first asks for them.
#[derive(Clone, Debug, Default)]
pub struct RequestPath<'a> {
    received: &'a [u8],
    readings: OnceCell<Readings>,
}

impl<'a> RequestPath<'a> {
    /// A path as it was received.
    #[must_use]
    pub fn new(received: &'a [u8]) -> Self {
        Self {
            received,
            readings: OnceCell::new(),
        }
    }

    /// The bytes that were received.
    #[must_use]
    pub fn received(&self) -> &'a [u8] {
        self.received
    }

    /// However backends may read it.
    pub(super) fn readings(&self) -> &Readings {
        self.readings.get_or_init(|| Readings::of(self.received))
    }

    /// The same, unless it is so long that to ask every entry costs less than to follow its readings.
    pub(super) fn followed(&self) -> &Readings {
        let is_long = self.received.len() > PathIndex::LONGEST && !is_literal(self.received);
        if is_long { &Readings::Any } else { self.readings() }
    }

    /// Whether every reading leaves it below whatever it lies below byte for byte, readings of its end aside.
    pub(super) fn is_settled(&self) -> bool {
        match self.readings() {
            Readings::Literal => is_plain(self.received),
            // A path with a pair is not UTF-8, and so not plain.
            Readings::Segments(segments, _) => !segments.has_parent && is_plain(self.received),
            Readings::Any => false,
        }
    }
}
