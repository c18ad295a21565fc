//! What a statement may do to names, besides the plain assignments that are followed: what may have changed is not known
//! from there on.

use super::token::{Token, Word};
use super::value::Why;

/// A name that may be another, or mean another list, after a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub line: usize,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `NAME = …`
    Sets,
    /// `NAME += …`, `NAME.append(…)`
    Adds,
    /// A call, which changes it if it is a list.
    Calls,
    /// Anything else, like `NAME[0] = …`, `NAME -= …` and `del NAME`.
    Alters,
    /// `def NAME`: not what is called so elsewhere.
    Defines,
}

/// `NAME = …`, `NAME: … = …` or `NAME += …`, and nothing else in the line.
pub struct Assignment<'t> {
    pub name: &'t str,
    pub line: usize,
    pub is_addition: bool,
    pub value: &'t [Token],
}

impl How {
    /// What a change of this kind means to a setting.
    pub const fn why(self) -> Why {
        match self {
            Self::Sets | Self::Defines => "it is set on a line with something else",
            Self::Adds | Self::Calls => "a call may change it",
            Self::Alters => "only `NAME = …` and `NAME += …` are followed",
        }
    }
}

impl<'t> Assignment<'t> {
    pub fn of(statement: &'t [Token]) -> Option<Self> {
        let first = statement.first().filter(|it| it.column == 0)?;
        let Word::Name(name) = &first.word else { return None };
        let at = assignments(statement).next()?;
        let before = statement.get(1..at)?;
        let value = statement.get(at + 1..)?;
        let is_addition = matches!(before, [it] if it.word == Word::Sign('+'));
        let is_annotated = matches!(before, [colon, _, ..] if colon.word == Word::Sign(':'));
        let is_whole = assignments(value).next().is_none() && !outer(value).any(|(_, it)| it.word == Word::Sign(';'));
        let is_plain = (before.is_empty() || is_addition || is_annotated) && !is_compound(name) && is_whole;
        is_plain.then_some(Self {
            name,
            line: first.line,
            is_addition,
            value,
        })
    }
}

/// Whether every name may be set by it: `from … import *`, `exec(…)`, `….settings(locals())`.
pub fn is_open(statement: &[Token]) -> bool {
    statement.windows(2).any(|pair| match pair {
        [
            Token {
                word: Word::Name(a), ..
            },
            Token {
                word: Word::Sign(b), ..
            },
        ] => {
            (a == "import" && *b == '*')
                || (matches!(a.as_str(), "exec" | "globals" | "locals" | "setattr" | "vars") && *b == '(')
        }
        _ => false,
    })
}

/// Everything that a statement may change.
pub fn changes(statement: &[Token]) -> Vec<Change> {
    let mut found = changes_by_call(statement);
    for part in statement.split(|it| it.word == Word::Sign(';')) {
        let (header, body) = split_header(part);
        found.extend(changes_of_header(header));
        found.extend(changes_of_body(body));
    }
    found
}

/// What the functions of a module may change when they are called, each name once in each way.
pub fn changes_of_functions(statements: &[Vec<Token>]) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    let mut function = None;
    for statement in statements {
        let Some(Token { column, .. }) = statement.first() else {
            continue;
        };
        if function.is_some_and(|it| *column <= it) {
            function = None;
        }
        let is_def = |it: &Token| matches!(&it.word, Word::Name(name) if name == "def");
        if function.is_none() && statement.iter().take(2).any(is_def) {
            function = Some(*column);
        }
        if function.is_some() {
            found.extend(changes(statement).into_iter().filter(|it| it.how != How::Defines));
        }
    }
    found.sort_by(|a, b| (&a.name, a.how as u8, a.line).cmp(&(&b.name, b.how as u8, b.line)));
    found.dedup_by(|a, b| a.name == b.name && a.how == b.how);
    found
}

/// Calls of methods, `NAME := …` and `as NAME`, however deep in an expression.
pub fn changes_by_call(tokens: &[Token]) -> Vec<Change> {
    let calls = tokens.windows(4).filter_map(|four| match four {
        [
            name,
            dot,
            Token {
                word: Word::Name(method),
                ..
            },
            open,
        ] if dot.word == Word::Sign('.') && open.word == Word::Sign('(') => match method.as_str() {
            "append" | "extend" | "insert" => change(name, How::Adds),
            "copy" | "count" | "index" => None,
            _ => change(name, How::Calls),
        },
        _ => None,
    });
    let bound = tokens.windows(3).filter_map(|three| match three {
        [name, colon, equals] if colon.word == Word::Sign(':') && equals.word == Word::Sign('=') => {
            change(name, How::Sets)
        }
        _ => None,
    });
    let renamed = tokens.windows(2).filter_map(|two| match two {
        [
            Token {
                word: Word::Name(word), ..
            },
            name,
        ] if word == "as" => change(name, How::Sets),
        _ => None,
    });
    let is_method_of_part = |four: &[Token]| match four {
        [part, dot, method, _] => {
            matches!(part.word, Word::Sign(']' | ')')) && dot.word == Word::Sign('.') && alters(&method.word)
        }
        _ => false,
    };
    // `NAMES[0].remove(…)`: whichever that is.
    let parts = tokens
        .windows(4)
        .any(is_method_of_part)
        .then(|| all(tokens, How::Calls));
    calls
        .chain(bound)
        .chain(renamed)
        .chain(parts.into_iter().flatten())
        .collect()
}

/// `if …:` and what stands behind it on the same line.
fn split_header(part: &[Token]) -> (&[Token], &[Token]) {
    let is_header = matches!(part.first().map(|it| &it.word), Some(Word::Name(name)) if is_compound(name));
    let colon = outer(part).map(|(at, _)| at).find(|&at| {
        let is = |ahead: usize, sign: char| part.get(at + ahead).is_some_and(|it| it.word == Word::Sign(sign));
        is(0, ':') && !is(1, '=')
    });
    colon
        .filter(|_| is_header)
        .and_then(|at| part.split_at_checked(at))
        .unwrap_or((&[], part))
}

fn changes_of_header(header: &[Token]) -> Vec<Change> {
    let is = |word: &Word, name: &str| matches!(word, Word::Name(it) if it == name);
    match header {
        [first, name, ..] if is(&first.word, "def") || is(&first.word, "class") => {
            change(name, How::Defines).into_iter().collect()
        }
        [first, rest @ ..] if is(&first.word, "async") => changes_of_header(rest),
        [first, rest @ ..] if is(&first.word, "for") => {
            let targets = rest.split(|it| is(&it.word, "in")).next().unwrap_or_default();
            all(targets, How::Sets)
        }
        [first, rest @ ..] if is(&first.word, "case") => all(rest, How::Sets),
        _ => Vec::new(),
    }
}

fn changes_of_body(body: &[Token]) -> Vec<Change> {
    let body = match body {
        [colon, rest @ ..] if colon.word == Word::Sign(':') => rest,
        body => body,
    };
    let name_at = |at: usize| match body.get(at).map(|it| &it.word) {
        Some(Word::Name(name)) => name.as_str(),
        _ => "",
    };
    if name_at(0) == "del" {
        return all(body, How::Alters);
    }
    if matches!(name_at(0), "from" | "import") {
        // What these two are called in it is known.
        let is_known = name_at(1) == "corsheaders" && name_at(3) == "defaults";
        let names = body.iter().skip_while(|it| it.word != Word::Name("import".to_owned()));
        let names = names.filter_map(|it| change(it, How::Sets));
        return names
            .filter(|it| !(is_known && it.name.starts_with("default_")))
            .collect();
    }
    let Some(last) = assignments(body).last() else {
        return changes_by_argument(body);
    };
    let targets = body.get(..last).unwrap_or_default();
    let how = match targets {
        [_] => How::Sets,
        [_, sign] if sign.word == Word::Sign('+') => How::Adds,
        [_, colon, ..] if colon.word == Word::Sign(':') => How::Sets,
        _ => How::Alters,
    };
    all(targets, how)
}

/// A call whose result nobody takes is made for what it changes, which may be what it is given.
fn changes_by_argument(body: &[Token]) -> Vec<Change> {
    let is_name = |at: usize, names: &[&str]| matches!(body.get(at).map(|it| &it.word), Some(Word::Name(name)) if names.contains(&name.as_str()));
    let is_call = body.last().is_some_and(|it| it.word == Word::Sign(')'));
    if !is_call || is_name(0, &["assert", "print", "raise", "return"]) || is_name(2, &["append", "extend", "insert"]) {
        return Vec::new();
    }
    let arguments = body.iter().position(|it| it.word == Word::Sign('('));
    let arguments = arguments.and_then(|at| body.get(at..)).unwrap_or_default();
    all(arguments, How::Calls)
}

/// Where an `=` assigns, outside brackets.
fn assignments(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let sign = |at: Option<usize>| match tokens.get(at?)?.word {
        Word::Sign(sign) => Some(sign),
        _ => None,
    };
    outer(tokens).map(|(at, _)| at).filter(move |&at| {
        let (before, far) = (sign(at.checked_sub(1)), sign(at.checked_sub(2)));
        // `<=`, `>=` and `!=` compare; `<<=` and `>>=` assign.
        let compares = matches!(before, Some('<' | '>' | '!')) && far != before;
        sign(Some(at)) == Some('=') && !compares
    })
}

/// The words outside brackets.
fn outer(tokens: &[Token]) -> impl Iterator<Item = (usize, &Token)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| {
        match token.word {
            Word::Sign('(' | '[' | '{') => depth += 1,
            Word::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

fn all(tokens: &[Token], how: How) -> Vec<Change> {
    tokens.iter().filter_map(|it| change(it, how)).collect()
}

fn change(token: &Token, how: How) -> Option<Change> {
    match &token.word {
        Word::Name(name) => Some(Change {
            name: name.clone(),
            line: token.line,
            how,
        }),
        _ => None,
    }
}

/// Whether a method of this name takes something away from a list or a set.
fn alters(method: &Word) -> bool {
    let Word::Name(name) = method else { return false };
    name.ends_with("_update") || matches!(name.as_str(), "clear" | "discard" | "pop" | "remove")
}

fn is_compound(name: &str) -> bool {
    matches!(
        name,
        "async"
            | "case"
            | "class"
            | "def"
            | "elif"
            | "else"
            | "except"
            | "finally"
            | "for"
            | "if"
            | "try"
            | "while"
            | "with"
    )
}
