//! Reading an object key by key, keeping every error.

use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Diagnostics, Message};
use super::diagnostic_code::DiagnosticCode;
use super::value::Value;
use policy::set::ExactOrigins;

/// The list that an entry stands for.
pub(crate) fn list_of<'l>(entry: &str, lists: &'l Lists) -> Option<&'l Arc<ExactOrigins>> {
    let digits = entry.strip_prefix(LIST).filter(|it| !it.is_empty())?;
    let index = digits.chars().try_fold(0_usize, |index, it| {
        index.checked_mul(10)?.checked_add(it.to_digit(10)? as usize)
    })?;
    lists.get(index)
}

/// An object of the configuration, of which the keys are taken one after another.
pub(crate) struct ObjectReader<'n> {
    path: String,
    entries: &'n [(String, Value)],
    known: Vec<&'static str>,
    lists: &'n Lists,
}

/// The lists of origins of a policy that was compiled.
pub(crate) type Lists = [Arc<ExactOrigins>];

/// What an entry begins with that stands for one of them, by its number. No origin begins so.
pub(crate) const LIST: char = '@';

/// A string of a list, and where it stands: lists can be long, so the path is only written out when it is needed.
#[derive(Clone)]
pub(crate) struct Item<'n> {
    /// The path of the list.
    pub list: Rc<str>,
    /// Which of the list it is.
    pub index: usize,
    /// The string.
    pub text: &'n str,
}

impl Item<'_> {
    /// `list[index]`.
    pub(crate) fn path(&self) -> String {
        format!("{}[{}]", self.list, self.index)
    }
}

impl<'n> ObjectReader<'n> {
    /// Opens the object that is the whole configuration.
    pub(crate) fn root(entries: &'n [(String, Value)], lists: &'n Lists) -> Self {
        Self {
            path: String::new(),
            entries,
            known: Vec::new(),
            lists,
        }
    }

    /// The list that an entry stands for.
    pub(crate) fn compiled(&self, entry: &str) -> Option<&'n Arc<ExactOrigins>> {
        list_of(entry, self.lists)
    }

    /// Where it stands.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether a key is given.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// Whether an empty list is written under a key.
    pub(crate) fn has_empty_list(&self, key: &str) -> bool {
        self.entries
            .iter()
            .any(|(name, value)| name == key && *value == Value::List(Vec::new()))
    }

    /// Returns `path`, prefixed with this section's if the value was inherited.
    pub(crate) fn place_of(&self, path: &str) -> String {
        if path.starts_with(&self.path) {
            path.to_owned()
        } else {
            format!("{}: {path}", self.path)
        }
    }

    /// The path of one of its keys.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Opens the object under a key; an absent one reads as empty.
    pub(crate) fn object(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> ObjectReader<'n> {
        let path = self.path_of(key);
        let entries = match self.take(key, diagnostics) {
            None => &[],
            Some(Value::Object(entries)) => entries.as_slice(),
            Some(other) => {
                diagnostics.error(Diagnostic::on(&path, other, DiagnosticCode::TypeObject));
                &[]
            }
        };
        ObjectReader {
            path,
            entries,
            known: Vec::new(),
            lists: self.lists,
        }
    }

    /// The objects of a list.
    pub(crate) fn objects(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<ObjectReader<'n>> {
        let path = self.path_of(key);
        let items = match self.take(key, diagnostics) {
            None => &[],
            Some(Value::List(items)) => items.as_slice(),
            Some(other) => {
                diagnostics.error(Diagnostic::on(&path, other, DiagnosticCode::TypeObjects));
                &[]
            }
        };
        let mut sections = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item {
                Value::Object(entries) => sections.push(ObjectReader {
                    path,
                    entries,
                    known: Vec::new(),
                    lists: self.lists,
                }),
                other => diagnostics.error(Diagnostic::on(&path, other, DiagnosticCode::TypeObject)),
            }
        }
        sections
    }

    /// A string, which says something to people only.
    pub(crate) fn string(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
        match self.take(key, diagnostics)? {
            Value::String(text) => Some(text),
            other => {
                diagnostics.error(Diagnostic::on(&self.path_of(key), other, DiagnosticCode::TypeString));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn bool(&mut self, key: &'static str, default: bool, diagnostics: &mut Diagnostics) -> bool {
        match self.take(key, diagnostics) {
            None => default,
            Some(Value::Bool(value)) => *value,
            Some(other) => {
                diagnostics.error(Diagnostic::on(&self.path_of(key), other, DiagnosticCode::TypeBool));
                default
            }
        }
    }

    /// One of several values.
    pub(crate) fn choice<W, T>(
        &mut self,
        key: &'static str,
        options: &[(W, T)],
        default: T,
        diagnostics: &mut Diagnostics,
    ) -> T
    where
        W: Copy + Into<Value>,
        T: Copy,
    {
        let mut words = options.iter().map(|(word, _)| (*word).into());
        let chosen = self.choose(key, &mut words, diagnostics);
        chosen
            .and_then(|at| options.get(at))
            .map_or(default, |(_, value)| *value)
    }

    /// Which of several values it is.
    fn choose(
        &mut self,
        key: &'static str,
        words: &mut dyn Iterator<Item = Value>,
        diagnostics: &mut Diagnostics,
    ) -> Option<usize> {
        let value = self.take(key, diagnostics)?;
        let words: Vec<_> = words.collect();
        let chosen = words.iter().position(|word| word == value);
        if chosen.is_none() {
            let words: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_json())).collect();
            let message = format!("one of {} is expected here", words.join(", "));
            diagnostics.error(Diagnostic::on(
                &self.path_of(key),
                value,
                (DiagnosticCode::Choice, message),
            ));
        }
        chosen
    }

    /// A whole number.
    pub(crate) fn integer(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
        diagnostics: &mut Diagnostics,
    ) -> u32 {
        let Some(value) = self.take(key, diagnostics) else {
            return default;
        };
        if let Value::Number(number) = value
            && number.fract() == 0.0
            && (f64::from(*range.start())..=f64::from(*range.end())).contains(number)
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is whole and within a range of u32"
            )]
            return *number as u32;
        }
        let message = format!(
            "a whole number from {} to {} is expected here",
            range.start(),
            range.end()
        );
        diagnostics.error(Diagnostic::on(
            &self.path_of(key),
            value,
            (DiagnosticCode::TypeNumber, message),
        ));
        default
    }

    /// A list of strings; `None` if the key is absent.
    pub(crate) fn list(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Vec<Item<'n>>> {
        let path = self.path_of(key);
        let items = match self.take(key, diagnostics)? {
            Value::List(items) => items,
            other => {
                diagnostics.error(Diagnostic::on(&path, other, DiagnosticCode::TypeList));
                return None;
            }
        };
        let list: Rc<str> = path.into();
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item {
                Value::String(text) => texts.push(Item {
                    list: Rc::clone(&list),
                    index,
                    text,
                }),
                other => diagnostics.error(Diagnostic::on(
                    &format!("{list}[{index}]"),
                    other,
                    DiagnosticCode::TypeString,
                )),
            }
        }
        Some(texts)
    }

    /// Reports the keys that nobody took.
    pub(crate) fn finish(self, diagnostics: &mut Diagnostics) {
        for (key, _) in self.entries {
            // Editors put `$schema` at the top, for themselves.
            if self.known.contains(&key.as_str()) || (self.path.is_empty() && key == "$schema") {
                continue;
            }
            let nearest = self.known.iter().map(|known| (distance(key, known), *known)).min();
            let hint = match nearest {
                Some((distance, known)) if distance <= (known.len() / 3).min(3) => format!("did you mean `{known}`?"),
                _ => format!("the keys here are `{}`", self.known.join("`, `")),
            };
            diagnostics.error(Diagnostic::at(
                &self.path_of(&Value::String(key.clone()).to_string()),
                (DiagnosticCode::KeyUnknown, format!("unknown key; {hint}")),
            ));
        }
    }

    fn take(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<&'n Value> {
        self.known.push(key);
        let mut found = self
            .entries
            .iter()
            .filter(|(name, _)| name == key)
            .map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            diagnostics.error(Diagnostic::at(&self.path_of(key), DiagnosticCode::KeyRepeated));
        }
        first
    }
}

/// Parses the strings of a list; each that is wrong is an error, and left out.
pub(crate) fn parse_all<T, E: Into<Message>>(
    items: &[Item<'_>],
    parse: impl Fn(&str) -> Result<T, E>,
    diagnostics: &mut Diagnostics,
) -> Vec<T> {
    let parse = |item: &Item<'_>| match parse(item.text) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            diagnostics.error(Diagnostic::on(&item.path(), Value::from(item.text), error));
            None
        }
    };
    items.iter().filter_map(parse).collect()
}

/// The Levenshtein distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a_byte) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b_byte) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(a_byte != b_byte);
            diagonal = *cell;
            left = substituted.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
