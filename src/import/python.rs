//! Modules of Django's settings, as far as they are literals: strings, numbers, lists, names given before, the defaults
//! of variables. Nothing is run; what would have to be is told with its line.

mod expression;
mod token;
mod value;

use std::collections::BTreeMap;

use super::{Told, is_left_behind, setting_name};
use expression::Parser;
use token::{Token, Word, tokens};
use value::Value;

pub fn read(text: &str, variables: &BTreeMap<String, String>) -> Told {
    let mut reader = Reader {
        names: BTreeMap::new(),
        lines: BTreeMap::new(),
        told: Told::default(),
        variables,
    };
    for statement in statements(tokens(text)) {
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

/// Every name that was given a value, the settings among them with their lines.
struct Reader<'v> {
    names: BTreeMap<String, Value>,
    lines: BTreeMap<String, usize>,
    told: Told,
    variables: &'v BTreeMap<String, String>,
}

impl Reader<'_> {
    fn read(&mut self, statement: &[Token]) {
        for (name, line) in set_on_the_way(statement) {
            self.leave(&name, line, "it is set on a line with something else");
        }
        let Some(Token {
            word: Word::Name(name),
            line,
            column,
        }) = statement.first()
        else {
            return;
        };
        let is_setting = setting_name(name).is_some();
        let equals = statement.iter().position(|it| matches!(it.word, Word::Sign('=')));
        let is_augmented = matches!(statement.get(1).map(|it| &it.word), Some(Word::Sign('+')));
        let is_method = matches!(statement.get(1).map(|it| &it.word), Some(Word::Sign('.')));
        let is_known_list = matches!(self.names.get(name), Some(Value::List(_)));
        let Some(at) = equals.filter(|_| !is_method) else {
            if is_setting && is_known_list && adds(statement) {
                self.leave_addition(name, *line);
            } else if is_setting {
                self.leave(name, *line, "it is changed by a call");
            }
            return;
        };
        if is_left_behind(name) && !is_setting {
            self.told
                .notes
                .push(format!("line {line}: left out: `{name}` has no counterpart here"));
            return;
        }
        if *column > 0 {
            if is_setting && is_known_list && is_augmented {
                self.leave_addition(name, *line);
            } else if is_setting {
                self.leave(name, *line, "it is set only under a condition");
            }
            return;
        }
        let mut parser = Parser::new(statement.get(at + 1..).unwrap_or_default(), &self.names, self.variables);
        let value = parser.whole();
        let remarks = std::mem::take(&mut parser.remarks);
        let value = match (value, is_augmented, self.names.get(name)) {
            (Ok(added), true, Some(before)) => before.clone().plus(added),
            (Ok(_), true, None) => Err("it is added to what is set elsewhere"),
            (value, _, _) => value,
        };
        match value {
            Ok(value) => {
                self.names.insert(name.clone(), value);
                if is_setting {
                    let remarks = remarks.into_iter().map(|it| format!("line {line}: `{name}`: {it}"));
                    self.told.notes.extend(remarks);
                    self.lines.insert(name.clone(), *line);
                }
            }
            Err(why) if is_setting => self.leave(name, *line, why),
            Err(_) => {
                self.names.remove(name);
            }
        }
    }

    /// A list without what is added to it says less, and so no more than it does.
    fn leave_addition(&mut self, name: &str, line: usize) {
        let note = format!("line {line}: left out: what is added to `{name}` here");
        self.told.notes.push(note);
    }

    fn leave(&mut self, name: &str, line: usize, why: &str) {
        self.names.remove(name);
        if let Some(setting) = setting_name(name) {
            self.told
                .leave(setting, format!("line {line}: left out: `{name}`: {why}"));
        }
    }
}

/// Settings in `if X: NAME = …`, `A = NAME = …` and `A = 1; NAME = …`; not the arguments of calls.
fn set_on_the_way(statement: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in statement.iter().enumerate() {
        let sign = |ahead: usize| match statement.get(at + ahead).map(|it| &it.word) {
            Some(Word::Sign(sign)) => Some(*sign),
            _ => None,
        };
        match &token.word {
            Word::Sign('(' | '[' | '{') => depth += 1,
            Word::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Word::Name(name) if at > 0 && depth == 0 && setting_name(name).is_some() => {
                let is_set = matches!((sign(1), sign(2)), (Some('='), _) | (Some('+'), Some('=')));
                found.extend(is_set.then(|| (name.clone(), token.line)));
            }
            _ => {}
        }
    }
    found
}

/// Whether a call like `LIST.append(…)` only adds.
fn adds(statement: &[Token]) -> bool {
    let method = statement.get(2).map(|it| &it.word);
    matches!(method, Some(Word::Name(name)) if matches!(name.as_str(), "append" | "extend" | "insert"))
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
