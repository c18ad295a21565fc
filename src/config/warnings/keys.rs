//! Every key of every section, with its default. `tests/warnings.rs` holds this to the schema.

use super::super::cors::{DEFAULT_HEADERS, DEFAULT_MAX_AGE, DEFAULT_METHODS};
use super::super::value::Value;
use Default::{Count, Flag, List, Word};

/// A key of a section, its default, and whether another value may be stricter than that.
pub(super) struct Key {
    pub section: &'static str,
    pub name: &'static str,
    pub default: Default,
    pub is_lax: bool,
}

pub(super) enum Default {
    Count(u32),
    Flag(bool),
    List(&'static [&'static str]),
    Word(&'static str),
}

const fn strict(section: &'static str, name: &'static str, default: Default) -> Key {
    Key {
        section,
        name,
        default,
        is_lax: false,
    }
}

const fn lax(section: &'static str, name: &'static str, default: Default) -> Key {
    Key {
        section,
        name,
        default,
        is_lax: true,
    }
}

/// All but each section's `mode`.
pub(super) const KEYS: [Key; 17] = [
    strict("cors", "allow_credentials", Flag(false)),
    lax("cors", "allow_methods", List(&DEFAULT_METHODS)),
    lax("cors", "allow_headers", List(&DEFAULT_HEADERS)),
    strict("cors", "expose_headers", List(&[])),
    lax("cors", "max_age", Count(DEFAULT_MAX_AGE)),
    strict("cors", "allow_private_network", Flag(false)),
    strict("cors", "presets", List(&[])),
    strict("cors", "upstream_headers", Word("replace")),
    lax("websocket", "same_host", Flag(true)),
    // Lax under Django's settings only.
    lax("websocket", "allowed_hosts", Flag(false)),
    lax("websocket", "missing_origin", Word("allow")),
    strict("hosts", "reject_status", Count(421)),
    strict("hosts", "exempt_paths", List(&[])),
    lax("hosts", "forwarded_host", Word("ignore")),
    strict("csrf", "trusted_origins", List(&[])),
    strict("csrf", "exempt_paths", List(&[])),
    lax("csrf", "missing_origin", Word("allow")),
];

impl Default {
    /// Whether a value that is written changes nothing.
    pub(super) fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Count(count), Value::Number(it)) => f64::from(*count) == *it,
            (Flag(flag), Value::Bool(it)) => flag == it,
            (List(names), Value::List(items)) => items.iter().filter_map(Value::as_text).eq(names.iter().copied()),
            (Word(word), Value::String(it)) => word == it,
            _ => false,
        }
    }
}
