//! When requests came, in the ways that logs write it.

use jiff::Timestamp;
use jiff::fmt::strtime;

/// As nginx and Apache write it.
const COMBINED: &str = "%d/%b/%Y:%H:%M:%S %z";

/// Reads a time: ISO 8601, `30/Nov/2026:10:00:00 +0000`, or seconds or milliseconds since 1970.
pub(super) fn read(text: &[u8]) -> Option<Timestamp> {
    /// In seconds this is the year 5138, in milliseconds 1973.
    const FIRST_MILLISECONDS: f64 = 1e11;
    if let Ok(number) = std::str::from_utf8(text).ok()?.parse::<f64>() {
        let seconds = if number >= FIRST_MILLISECONDS {
            number / 1e3
        } else {
            number
        };
        return Timestamp::from_second(seconds.is_finite().then_some(seconds as i64)?).ok();
    }
    let combined = || strtime::parse(COMBINED, text).ok()?.to_timestamp().ok();
    std::str::from_utf8(text).ok()?.parse().ok().or_else(combined)
}

/// The first and the last of what came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Span {
    /// Takes one more, if its line says when it was. Lines are not in the order of their requests.
    pub(super) fn add(&mut self, time: Option<Timestamp>) {
        self.first = self.first.into_iter().chain(time).min();
        self.last = self.last.into_iter().chain(time).max();
    }

    /// Takes all that came in another span.
    pub(super) fn join(&mut self, other: Self) {
        self.add(other.first);
        self.add(other.last);
    }

    /// When the first came.
    pub(super) fn first(&self) -> Option<String> {
        self.first.map(show)
    }

    /// When the last came.
    pub(super) fn last(&self) -> Option<String> {
        self.last.map(show)
    }
}

/// In UTC, to the second.
fn show(time: Timestamp) -> String {
    let seconds = Timestamp::from_second(time.as_second()).unwrap_or(time);
    seconds.to_string()
}
