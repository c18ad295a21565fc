//! Reading an object key by key, keeping every error.

use std::ops::RangeInclusive;
use std::rc::Rc;

use super::node::Node;
use super::note::{Note, Report, Wrong};
use super::problem::Problem;

/// An object of the configuration, of which the keys are taken one after another.
pub struct Section<'n> {
    path: String,
    entries: &'n [(String, Node)],
    known: Vec<&'static str>,
}

/// A string of a list, and where it stands: lists can be long, so the place is only written out when it is told.
#[derive(Clone)]
pub struct Item<'n> {
    list: Rc<str>,
    index: usize,
    /// The string.
    pub text: &'n str,
}

impl Item<'_> {
    /// `list[index]`.
    pub fn path(&self) -> String {
        format!("{}[{}]", self.list, self.index)
    }
}

impl<'n> Section<'n> {
    /// Opens the object that is the whole configuration.
    pub fn root(entries: &'n [(String, Node)]) -> Self {
        Self {
            path: String::new(),
            entries,
            known: Vec::new(),
        }
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a key is given.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// Whether an empty list is written under a key.
    pub fn has_empty_list(&self, key: &str) -> bool {
        self.entries
            .iter()
            .any(|(name, node)| name == key && *node == Node::List(Vec::new()))
    }

    /// A path, with the entry of `policies` for which it counts where that is not the one it stands in.
    pub fn place_of(&self, path: &str) -> String {
        if path.starts_with(&self.path) {
            path.to_owned()
        } else {
            format!("{}: {path}", self.path)
        }
    }

    /// The path of one of its keys.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Opens the object under a key; an absent one reads as empty.
    pub fn section(&mut self, key: &'static str, report: &mut Report) -> Section<'n> {
        let path = self.path_of(key);
        let entries = match self.take(key, report) {
            None => &[],
            Some(Node::Object(entries)) => entries.as_slice(),
            Some(other) => {
                report.error(Note::on(&path, other, Problem::TypeObject));
                &[]
            }
        };
        Section {
            path,
            entries,
            known: Vec::new(),
        }
    }

    /// The objects of a list.
    pub fn sections(&mut self, key: &'static str, report: &mut Report) -> Vec<Section<'n>> {
        let path = self.path_of(key);
        let items = match self.take(key, report) {
            None => &[],
            Some(Node::List(items)) => items.as_slice(),
            Some(other) => {
                report.error(Note::on(&path, other, Problem::TypeObjects));
                &[]
            }
        };
        let mut sections = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item {
                Node::Object(entries) => sections.push(Section {
                    path,
                    entries,
                    known: Vec::new(),
                }),
                other => report.error(Note::on(&path, other, Problem::TypeObject)),
            }
        }
        sections
    }

    /// A string, which says something to people only.
    pub fn string(&mut self, key: &'static str, report: &mut Report) -> Option<&'n str> {
        match self.take(key, report)? {
            Node::String(text) => Some(text),
            other => {
                report.error(Note::on(&self.path_of(key), other, Problem::TypeString));
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn bool(&mut self, key: &'static str, default: bool, report: &mut Report) -> bool {
        match self.take(key, report) {
            None => default,
            Some(Node::Bool(value)) => *value,
            Some(other) => {
                report.error(Note::on(&self.path_of(key), other, Problem::TypeBool));
                default
            }
        }
    }

    /// One of several values.
    pub fn choice<W, T>(&mut self, key: &'static str, options: &[(W, T)], default: T, report: &mut Report) -> T
    where
        W: Copy + Into<Node>,
        T: Copy,
    {
        let mut words = options.iter().map(|(word, _)| (*word).into());
        let chosen = self.choose(key, &mut words, report);
        chosen
            .and_then(|at| options.get(at))
            .map_or(default, |(_, value)| *value)
    }

    /// Which of several values it is.
    fn choose(
        &mut self,
        key: &'static str,
        words: &mut dyn Iterator<Item = Node>,
        report: &mut Report,
    ) -> Option<usize> {
        let node = self.take(key, report)?;
        let words: Vec<_> = words.collect();
        let chosen = words.iter().position(|word| word == node);
        if chosen.is_none() {
            let words: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_json())).collect();
            let message = format!("one of {} is expected here", words.join(", "));
            report.error(Note::on(&self.path_of(key), node, (Problem::Choice, message)));
        }
        chosen
    }

    /// A whole number.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<u32>, default: u32, report: &mut Report) -> u32 {
        let Some(node) = self.take(key, report) else {
            return default;
        };
        if let Node::Number(value) = node
            && value.fract() == 0.0
            && (f64::from(*range.start())..=f64::from(*range.end())).contains(value)
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is whole and within a range of u32"
            )]
            return *value as u32;
        }
        let message = format!(
            "a whole number from {} to {} is expected here",
            range.start(),
            range.end()
        );
        report.error(Note::on(&self.path_of(key), node, (Problem::TypeNumber, message)));
        default
    }

    /// A list of strings; `None` if the key is absent.
    pub fn list(&mut self, key: &'static str, report: &mut Report) -> Option<Vec<Item<'n>>> {
        let path = self.path_of(key);
        let items = match self.take(key, report)? {
            Node::List(items) => items,
            other => {
                report.error(Note::on(&path, other, Problem::TypeList));
                return None;
            }
        };
        let list: Rc<str> = path.into();
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item {
                Node::String(text) => texts.push(Item {
                    list: Rc::clone(&list),
                    index,
                    text,
                }),
                other => report.error(Note::on(&format!("{list}[{index}]"), other, Problem::TypeString)),
            }
        }
        Some(texts)
    }

    /// Reports the keys that nobody took.
    pub fn finish(self, report: &mut Report) {
        for (key, _) in self.entries {
            // Editors put `$schema` at the top, for themselves.
            if self.known.contains(&key.as_str()) || (self.path.is_empty() && key == "$schema") {
                continue;
            }
            let nearest = self.known.iter().map(|known| (distance(key, known), *known)).min();
            let hint = match nearest {
                Some((distance, known)) if distance <= 3 => format!("did you mean `{known}`?"),
                _ => format!("the keys here are `{}`", self.known.join("`, `")),
            };
            report.error(Note::at(
                &self.path_of(&Node::String(key.clone()).to_string()),
                (Problem::KeyUnknown, format!("unknown key; {hint}")),
            ));
        }
    }

    fn take(&mut self, key: &'static str, report: &mut Report) -> Option<&'n Node> {
        self.known.push(key);
        let mut found = self
            .entries
            .iter()
            .filter(|(name, _)| name == key)
            .map(|(_, node)| node);
        let first = found.next();
        if found.next().is_some() {
            report.error(Note::at(&self.path_of(key), Problem::KeyRepeated));
        }
        first
    }
}

/// Parses the strings of a list; each that is wrong is an error, and left out.
pub fn parse_each<'i, 'n, T, E: Into<Wrong>>(
    items: &'i [Item<'n>],
    parse: impl Fn(&str) -> Result<T, E>,
    report: &mut Report,
) -> impl Iterator<Item = (&'i Item<'n>, T)> {
    items.iter().filter_map(move |item| match parse(item.text) {
        Ok(parsed) => Some((item, parsed)),
        Err(error) => {
            report.error(Note::on(&item.path(), Node::from(item.text), error));
            None
        }
    })
}

/// Parses the strings of a list into just what they mean.
pub fn parse_all<T, E: Into<Wrong>>(
    items: &[Item<'_>],
    parse: impl Fn(&str) -> Result<T, E>,
    report: &mut Report,
) -> Vec<T> {
    parse_each(items, parse, report).map(|(_, parsed)| parsed).collect()
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
