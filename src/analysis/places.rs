//! Where in a file each value of a policy stands.

use std::collections::BTreeMap;
use std::ops::Range;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// The bytes of keys and values, by the paths that findings have (`policies[0].cors.max_age`). A reader of another notation
/// than JSON makes them of its own pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    values: BTreeMap<String, Range<usize>>,
    keys: BTreeMap<String, Range<usize>>,
}

/// Bytes of a file, and the line and column of the first, from 1; a column is a character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bytes.
    pub bytes: Range<usize>,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Places {
    /// Reads JSON; what is none has no places.
    #[must_use]
    pub fn of_json(text: &str) -> Self {
        let strict = ParseOptions {
            allow_comments: false,
            allow_trailing_commas: false,
            allow_loose_object_property_names: false,
            ..ParseOptions::default()
        };
        let mut places = Self::default();
        let parsed = parse_to_ast(text, &CollectOptions::default(), &strict);
        if let Some(value) = parsed.ok().and_then(|it| it.value) {
            places.add("", &value);
        }
        places
    }

    /// Adds a value, and the key that it stands under if it does.
    pub fn insert(&mut self, path: String, key: Option<Range<usize>>, value: Range<usize>) {
        if let Some(key) = key {
            self.keys.entry(path.clone()).or_insert(key);
        }
        self.values.entry(path).or_insert(value);
    }

    fn add(&mut self, path: &str, value: &Value<'_>) {
        match value {
            Value::Object(object) => {
                for property in &object.properties {
                    let key = property.name.as_str();
                    let inner = match path {
                        "" => key.to_owned(),
                        path => format!("{path}.{key}"),
                    };
                    let range = |it: jsonc_parser::common::Range| it.start..it.end;
                    self.insert(
                        inner.clone(),
                        Some(range(property.name.range())),
                        range(property.value.range()),
                    );
                    self.add(&inner, &property.value);
                }
            }
            Value::Array(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    let inner = format!("{path}[{index}]");
                    let range = element.range();
                    self.insert(inner.clone(), None, range.start..range.end);
                    self.add(&inner, element);
                }
            }
            _ => {}
        }
    }

    /// Where a finding points in a text: at the value of its path, or at the key if it is about that; else at the nearest
    /// value around it that is written.
    #[must_use]
    pub fn find(&self, text: &str, path: &str, is_about_key: bool) -> Option<Place> {
        let mut path = path.rsplit_once(": ").map_or(path, |(_, place)| place);
        if let Some(key) = self.keys.get(path).filter(|_| is_about_key) {
            return place(text, key.clone());
        }
        loop {
            let around = self.keys.get(path).filter(|_| self.is_large(path));
            if let Some(found) = around.or_else(|| self.values.get(path)) {
                return place(text, found.clone());
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// Whether a value holds others, so that its key says enough.
    fn is_large(&self, path: &str) -> bool {
        let inner = self.values.range(path.to_owned()..).nth(1);
        inner.is_some_and(|(it, _)| it.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '['])))
    }
}

/// The place of bytes in a text.
#[must_use]
pub fn place(text: &str, bytes: Range<usize>) -> Option<Place> {
    let before = text.get(..bytes.start)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some(Place {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        bytes,
    })
}
