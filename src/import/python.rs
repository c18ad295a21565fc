//! Modules of Django's settings, as far as they are literals: strings, numbers, lists, names given before, the defaults
//! of variables. Nothing is run; what would have to be is told with its line.

mod change;
mod expression;
mod token;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use super::{Told, is_left_behind, setting_name};
use change::{Assignment, Change, How};
use expression::Parser;
use token::{Token, Word, tokens};
use value::{Budget, Value};

pub fn read(text: &str, variables: &BTreeMap<String, String>) -> Told {
    let mut reader = Reader {
        names: expression::given(),
        objects: BTreeMap::new(),
        lines: BTreeMap::new(),
        later: BTreeMap::new(),
        told: Told::default(),
        budget: Budget::default(),
        variables,
    };
    let statements = statements(tokens(text));
    for change in change::changes_of_functions(&statements) {
        reader.later.entry(change.name.clone()).or_default().push(change);
    }
    for statement in statements {
        reader.read(&statement);
    }
    let Reader {
        names, lines, mut told, ..
    } = reader;
    for (name, line) in lines {
        let Some(setting) = setting_name(&name) else { continue };
        match names.get(&name).map(Value::to_setting) {
            Some(Some(text)) => told.know(setting, text),
            Some(None) => told.leave(
                setting,
                format!("line {line}: left out: `{name}` is not of a kind that it can be"),
            ),
            None => {}
        }
    }
    told
}

/// Whether a module calls something of this name.
pub fn calls(text: &str, name: &str) -> bool {
    let is_call = |pair: &[Token]| match pair {
        [called, open] => called.word == Word::Name(name.to_owned()) && open.word == Word::Sign('('),
        _ => false,
    };
    tokens(text).windows(2).any(is_call)
}

struct Reader<'v> {
    /// Every name whose value is known.
    names: BTreeMap<String, Value>,
    /// The lists that a name may stand for: two names of the same one change together.
    objects: BTreeMap<String, BTreeSet<usize>>,
    /// Where the settings among the names were set.
    lines: BTreeMap<String, usize>,
    /// What functions may change, whenever they are called.
    later: BTreeMap<String, Vec<Change>>,
    told: Told,
    budget: Budget,
    variables: &'v BTreeMap<String, String>,
}

impl Reader<'_> {
    fn read(&mut self, statement: &[Token]) {
        let Some(Token { line, column, .. }) = statement.first() else {
            return;
        };
        if change::is_open(statement) {
            let note = format!("line {line}: left out: this may set any of the settings, and is not followed");
            self.told.notes.push(note);
        }
        if let Some(assignment) = Assignment::of(statement) {
            for change in change::changes_by_call(assignment.value) {
                self.apply(&change, change.how.why());
            }
            self.assign(&assignment);
            for change in self.later.get(assignment.name).cloned().unwrap_or_default() {
                self.apply(&change, "a function may change it");
            }
            return;
        }
        let objects = self.objects_of(statement);
        for change in change::changes(statement) {
            let is_set = matches!(change.how, How::Sets | How::Defines);
            let why = match is_set && *column > 0 {
                true => "it is set only under a condition",
                false => change.how.why(),
            };
            self.apply(&change, why);
            if is_set {
                self.objects.entry(change.name).or_default().extend(&objects);
            }
        }
    }

    fn assign(&mut self, assignment: &Assignment<'_>) {
        let &Assignment { name, line, .. } = assignment;
        if self.is_behind(name, line) {
            return;
        }
        let is_setting = setting_name(name).is_some();
        let mut parser = Parser::new(assignment.value, &self.names, self.variables, &mut self.budget);
        let value = parser.whole();
        let remarks = std::mem::take(&mut parser.remarks);
        let value = match value {
            Ok(added) if assignment.is_addition => {
                self.change_others(name, line);
                match self.names.remove(name) {
                    Some(before) => before.plus(added),
                    None => Err("it is added to what is set elsewhere"),
                }
            }
            value => value,
        };
        self.stand_for(assignment, value.as_ref().is_ok_and(|it| !it.has_lists()));
        match value {
            Ok(value) => {
                self.names.insert(name.to_owned(), value);
                if is_setting {
                    let remarks = remarks.into_iter().map(|it| format!("line {line}: `{name}`: {it}"));
                    self.told.notes.extend(remarks);
                    self.lines.insert(name.to_owned(), line);
                }
            }
            Err(why) => self.leave(name, line, why),
        }
    }

    /// An expression that is known makes a new list, unless it is a name or has one for an item.
    fn stand_for(&mut self, assignment: &Assignment<'_>, is_own: bool) {
        if assignment.is_addition {
            return;
        }
        let mut words = assignment.value.iter().map(|it| &it.word);
        let is_name = words.all(|it| matches!(it, Word::Name(_) | Word::Sign('(' | ')')));
        let objects = match is_own && !is_name {
            true => BTreeSet::from([assignment.line]),
            false => self.objects_of(assignment.value),
        };
        self.objects.insert(assignment.name.to_owned(), objects);
    }

    fn objects_of(&self, tokens: &[Token]) -> BTreeSet<usize> {
        let names = tokens.iter().filter_map(|it| match &it.word {
            Word::Name(name) => self.objects.get(name),
            _ => None,
        });
        names.flatten().copied().collect()
    }

    /// The other names of what a name stands for.
    fn others(&self, name: &str) -> Vec<String> {
        let Some(own) = self.objects.get(name) else {
            return Vec::new();
        };
        let is_other = |(other, objects): &(&String, &BTreeSet<usize>)| *other != name && !own.is_disjoint(objects);
        let others = self.objects.iter().filter(is_other).map(|(other, _)| other);
        others.filter(|it| self.names.contains_key(*it)).cloned().collect()
    }

    /// What one name adds to a list, others have too.
    fn change_others(&mut self, name: &str, line: usize) {
        for other in self.others(name) {
            self.add(&other, line);
        }
    }

    fn apply(&mut self, change: &Change, why: &'static str) {
        let Change { name, line, how } = change;
        if matches!(how, How::Sets | How::Alters) && self.is_behind(name, *line) {
            return;
        }
        let is_fixed = !matches!(self.names.get(name), None | Some(Value::List(_)));
        match how {
            How::Calls if is_fixed => {}
            How::Adds => {
                self.change_others(name, *line);
                self.add(name, *line);
            }
            How::Calls | How::Alters => {
                for name in self.others(name) {
                    self.leave(&name, *line, why);
                }
                self.leave(name, *line, why);
            }
            How::Sets => self.leave(name, *line, why),
            How::Defines => {
                self.leave(name, *line, why);
                self.names.insert(name.clone(), Value::Unknown);
            }
        }
    }

    /// A setting without what is added to it says less, and so no more than it does. What is made of others may not.
    fn add(&mut self, name: &str, line: usize) {
        let is_list = matches!(self.names.get(name), Some(Value::List(_)));
        if is_list && setting_name(name).is_some() {
            let note = format!("line {line}: left out: what is added to `{name}` here");
            self.told.notes.push(note);
        } else {
            self.leave(name, line, How::Adds.why());
        }
    }

    fn leave(&mut self, name: &str, line: usize, why: &str) {
        self.names.remove(name);
        if let Some(setting) = setting_name(name) {
            self.told
                .leave(setting, format!("line {line}: left out: `{name}`: {why}"));
        }
    }

    fn is_behind(&mut self, name: &str, line: usize) -> bool {
        let is_behind = is_left_behind(name) && setting_name(name).is_none();
        if is_behind {
            self.told
                .notes
                .push(format!("line {line}: left out: `{name}` has no counterpart here"));
        }
        is_behind
    }
}

/// Logical lines: a bracket that is open goes on over the end of one.
fn statements(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut statements = vec![Vec::new()];
    let mut depth = 0_usize;
    for token in tokens {
        match token.word {
            Word::Sign('(' | '[' | '{') => depth += 1,
            Word::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Word::End if depth == 0 => {
                statements.push(Vec::new());
                continue;
            }
            Word::End => continue,
            _ => {}
        }
        if let Some(statement) = statements.last_mut() {
            statement.push(token);
        }
    }
    statements
}
