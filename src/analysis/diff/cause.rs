//! Which change of the text brought about a change of the meaning.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use config::{Entry, SETTING_NAMES};
use serde_json::{Map, Value};

use super::Direction;
use crate::reach::{Answer, Pattern, Permission, Question, Subject};

/// What did it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// An entry that one of the lists has alone: its place, and its text.
    Entry(String, String),
    /// A key: its place, with its old value and its new one, in JSON.
    Key(String, Option<String>, Option<String>),
    /// One of Django's settings.
    Setting(String),
}

/// A difference between two texts.
#[derive(Clone, Debug)]
struct Edit {
    /// The keys and indices that lead there on either side.
    paths: [Vec<Step>; 2],
    old: Option<Value>,
    new: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// The most edits that are tried one by one.
const MAX_EDITS: usize = 64;

/// The most of a value that is shown.
const LONGEST: usize = 60;

/// All differences between the texts of two policies.
pub(super) struct Edits {
    /// The entries for origins that each side has alone.
    entries: [Vec<(Entry, Pattern)>; 2],
    edits: Vec<Edit>,
    settings: Vec<&'static str>,
    /// What each side is without one of its edits.
    undone: BTreeMap<(usize, usize), Option<Subject>>,
}

impl Edits {
    pub(super) fn between(old: &Subject, new: &Subject) -> Self {
        let mut edits = Vec::new();
        if let [Some(one), Some(two)] = [old, new].map(|it| serde_json::from_slice::<Value>(&it.configuration).ok()) {
            compare(&Spot::default(), Some(&one), Some(&two), &mut edits);
        }
        let value = |it: &Subject, name: &str| {
            it.environment
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let settings = SETTING_NAMES.iter().filter(|name| value(old, name) != value(new, name));
        Self {
            entries: [alone(old, new), alone(new, old)],
            edits,
            settings: settings.copied().collect(),
            undone: BTreeMap::new(),
        }
    }

    /// The entries for origins that one side has alone.
    pub(super) fn entries(&self, side: usize) -> impl Iterator<Item = &(Entry, Pattern)> {
        self.entries.get(side).into_iter().flatten()
    }

    /// The edit without which a request is answered as by the other policy.
    pub(super) fn cause(
        &mut self,
        direction: Direction,
        subjects: [&Subject; 2],
        question: &Question,
        permissions: &BTreeSet<Permission>,
    ) -> Option<Cause> {
        let (side, subject) = match (direction, subjects) {
            (Direction::Permits, [_, new]) => (1, new),
            (Direction::Refuses, [old, _]) => (0, old),
        };
        subject.policy()?;
        let count = self.edits.len() + self.settings.len();
        for at in 0..count.min(MAX_EDITS) {
            let undone = self
                .undone
                .entry((side, at))
                .or_insert_with(|| match self.edits.get(at) {
                    Some(edit) => without(subject, edit, side),
                    None => without_setting(subject, subjects, self.settings.get(at - self.edits.len())?, side),
                });
            let Some(undone) = undone else { continue };
            let answer = Answer::of(undone.policy(), question);
            if permissions.iter().any(|it| !answer.permissions.contains(it)) {
                return Some(match self.edits.get(at) {
                    Some(edit) => edit.cause(),
                    None => Cause::Setting((*self.settings.get(at - self.edits.len())?).to_owned()),
                });
            }
        }
        None
    }

    /// What changed that permits and refuses nothing.
    pub(super) fn apart(&self) -> Vec<String> {
        let is_apart = |edit: &&Edit| match edit.path() {
            [Step::Key(key)] => key == "on_refused_update",
            [.., Step::Key(section), Step::Key(key)] => section == "hosts" && key == "reject_status",
            [Step::Key(_), Step::Index(_), Step::Key(key)] => key == "name",
            _ => false,
        };
        let texts = self.edits.iter().filter(is_apart).map(|edit| edit.cause().to_string());
        texts.collect()
    }
}

impl Edit {
    fn cause(&self) -> Cause {
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        match (&self.old, &self.new) {
            (Some(Value::String(text)), None) | (None, Some(Value::String(text))) if self.is_of_list() => {
                Cause::Entry(self.place(), text.clone())
            }
            (old, new) => Cause::Key(self.place(), text(old), text(new)),
        }
    }

    fn is_of_list(&self) -> bool {
        matches!(self.path(), [.., Step::Index(_)])
    }

    /// Where it is on the side that has it.
    fn path(&self) -> &[Step] {
        let [old, new] = &self.paths;
        if self.new.is_some() { new } else { old }
    }

    fn place(&self) -> String {
        let mut place = String::new();
        for step in self.path() {
            match step {
                Step::Key(key) if place.is_empty() => place.push_str(key),
                Step::Key(key) => place.extend([".", key.as_str()]),
                Step::Index(index) => place.push_str(&format!("[{index}]")),
            }
        }
        place
    }
}

fn alone(side: &Subject, other: &Subject) -> Vec<(Entry, Pattern)> {
    let known: BTreeSet<_> = other.entries.iter().map(|it| (&it.list, &it.text)).collect();
    let own = side.entries.iter().filter(|it| !known.contains(&(&it.list, &it.text)));
    own.filter_map(|it| Some((it.clone(), Pattern::of(it)?))).collect()
}

/// Where a comparison is, on either side.
#[derive(Clone, Default)]
struct Spot([Vec<Step>; 2]);

impl Spot {
    fn at(&self, old: Step, new: Step) -> Self {
        let Self([one, two]) = self;
        Self([[one.as_slice(), &[old]].concat(), [two.as_slice(), &[new]].concat()])
    }

    fn key(&self, key: &str) -> Self {
        self.at(Step::Key(key.to_owned()), Step::Key(key.to_owned()))
    }

    fn index(&self, old: usize, new: usize) -> Self {
        self.at(Step::Index(old), Step::Index(new))
    }

    fn edit(&self, old: Option<&Value>, new: Option<&Value>) -> Edit {
        Edit {
            paths: self.0.clone(),
            old: old.cloned(),
            new: new.cloned(),
        }
    }
}

fn compare(spot: &Spot, old: Option<&Value>, new: Option<&Value>, edits: &mut Vec<Edit>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(one)), Some(Value::Object(two))) => {
            let keys: BTreeSet<_> = one.keys().chain(two.keys()).collect();
            for key in keys {
                compare(&spot.key(key), one.get(key), two.get(key), edits);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(two))) => compare_items(spot, one, two, edits),
        (old, new) => edits.push(spot.edit(old, new)),
    }
}

/// Compares items that are the same or have the same `name`, then what is left if that is as much on either side.
fn compare_items(spot: &Spot, one: &[Value], two: &[Value], edits: &mut Vec<Edit>) {
    let known: HashMap<String, usize> = two.iter().enumerate().map(|(at, it)| (identity(it), at)).collect();
    let mut taken = BTreeSet::new();
    let mut left = Vec::new();
    for (at, item) in one.iter().enumerate() {
        match known.get(&identity(item)).filter(|it| taken.insert(**it)) {
            Some(&other) => compare(&spot.index(at, other), Some(item), two.get(other), edits),
            None => left.push((at, item)),
        }
    }
    let others: Vec<_> = two.iter().enumerate().filter(|(at, _)| !taken.contains(at)).collect();
    let is_changed = left.len() == others.len() && left.iter().all(|(_, it)| it.is_object());
    if is_changed {
        for ((at, item), (other, another)) in left.into_iter().zip(others) {
            compare(&spot.index(at, other), Some(item), Some(another), edits);
        }
        return;
    }
    edits.extend(
        left.into_iter()
            .map(|(at, item)| spot.index(at, at).edit(Some(item), None)),
    );
    edits.extend(
        others
            .into_iter()
            .map(|(at, item)| spot.index(at, at).edit(None, Some(item))),
    );
}

fn identity(item: &Value) -> String {
    item.get("name").unwrap_or(item).to_string()
}

/// The policy of one side with one edit undone, if it loads.
fn without(subject: &Subject, edit: &Edit, side: usize) -> Option<Subject> {
    let mut root: Value = serde_json::from_slice(&subject.configuration).ok()?;
    let (own, other) = match side {
        0 => (&edit.old, &edit.new),
        _ => (&edit.new, &edit.old),
    };
    set(&mut root, edit.paths.get(side)?, own.as_ref(), other.clone())?;
    Subject::read(&serde_json::to_vec(&root).ok()?, &subject.environment).ok()
}

fn without_setting(subject: &Subject, [old, new]: [&Subject; 2], name: &str, side: usize) -> Option<Subject> {
    let other = if side == 0 { new } else { old };
    let mut environment = subject.environment.clone();
    environment.retain(|(key, _)| key != name);
    environment.extend(other.environment.iter().find(|(key, _)| key == name).cloned());
    Subject::read(&subject.configuration, &environment).ok()
}

/// Puts another value in the place of one.
fn set(value: &mut Value, path: &[Step], own: Option<&Value>, other: Option<Value>) -> Option<()> {
    match (value, path) {
        (Value::Object(object), [Step::Key(key)]) => set_key(object, key, other),
        (Value::Object(object), [Step::Key(key), rest @ ..]) => set(object.get_mut(key)?, rest, own, other),
        (Value::Array(items), [Step::Index(at)]) => {
            match (own, other) {
                (Some(_), Some(other)) => *items.get_mut(*at)? = other,
                (Some(_), None) if *at < items.len() => drop(items.remove(*at)),
                (Some(_), None) => {}
                (None, Some(other)) => items.insert((*at).min(items.len()), other),
                (None, None) => {}
            }
            Some(())
        }
        (Value::Array(items), [Step::Index(at), rest @ ..]) => set(items.get_mut(*at)?, rest, own, other),
        _ => None,
    }
}

fn set_key(object: &mut Map<String, Value>, key: &str, value: Option<Value>) -> Option<()> {
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
    Some(())
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = |it: &Option<String>| match it {
            None => "not given".to_owned(),
            Some(json) => match json.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
                None => json.clone(),
            },
        };
        match self {
            Self::Entry(path, text) => write!(f, "{path}: `{text}`"),
            Self::Key(path, old, new) => write!(f, "{path}: {} → {}", value(old), value(new)),
            Self::Setting(name) => f.write_str(name),
        }
    }
}
