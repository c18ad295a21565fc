//! What browsers print in their consoles: the texts are in `console.json`, by browser and major version, and serve both
//! to say what a browser will print and to read what one has printed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// The major version of Chromium whose texts are predicted. A test compares them with those of a real one.
pub const CHROMIUM: &str = "156";

/// What a message says: its placeholders by name.
pub type Fields = BTreeMap<String, String>;

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `chromium`, `firefox` or `safari`.
    pub browser: &'static str,
    /// What went wrong: a key of `texts` in `console.json`.
    pub code: &'static str,
    /// What the message says of the request.
    pub fields: Fields,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    /// A placeholder, or a part of its own; and whether it may be missing.
    Name(&'a str, bool),
}

fn texts() -> &'static Value {
    static TEXTS: OnceLock<Value> = OnceLock::new();
    TEXTS.get_or_init(|| serde_json::from_str(include_str!("console.json")).unwrap_or_default())
}

/// Every text of a version, with its code: what the documents list.
pub fn all(browser: &str, major: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let version = texts()
        .get(browser)
        .and_then(|it| it.get(major))
        .and_then(|it| it.get("texts"));
    let texts = version.and_then(Value::as_object).into_iter().flatten();
    texts.filter_map(|(code, text)| Some((code.as_str(), text.as_str()?)))
}

/// The text that Chromium prints, word for word; `None` if it has none for this.
#[must_use]
pub fn chromium(code: &str, fields: &Fields) -> Option<String> {
    let version = texts().get("chromium")?.get(CHROMIUM)?;
    let text = version.get("texts")?.get(code)?.as_str()?;
    fill(text, version.get("parts")?, fields)
}

/// Puts fields into a text. A part that may be missing is put where the fields name it: those that hold placeholders by
/// these, the others by their own name.
fn fill(text: &str, parts: &Value, fields: &Fields) -> Option<String> {
    let mut filled = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Name(name, may_miss) => match parts.get(name).and_then(Value::as_str) {
                Some(part) if !may_miss => filled.push_str(&fill(part, parts, fields)?),
                Some(part) if fields.contains_key(name) => filled.push_str(&fill(part, parts, fields)?),
                Some(_) => {}
                None => filled.push_str(fields.get(name)?),
            },
        }
    }
    Some(filled)
}

/// Reads what a browser printed.
#[must_use]
pub fn read(text: &str) -> Option<Message> {
    let text = plain(text);
    let mut best: Option<(usize, Message)> = None;
    for browser in ["chromium", "firefox", "safari"] {
        for version in texts().get(browser)?.as_object()?.values() {
            let parts = version.get("parts")?;
            for (code, template) in version.get("texts")?.as_object()? {
                let Some((length, fields)) = variants(&plain(template.as_str()?), parts)
                    .iter()
                    .filter_map(|variant| matched(variant, &text))
                    .max_by_key(|(length, _)| *length)
                else {
                    continue;
                };
                if best.as_ref().is_none_or(|(known, _)| length > *known) {
                    best = Some((length, Message { browser, code, fields }));
                }
            }
        }
    }
    best.map(|(_, message)| message)
}

/// One kind of quotes and of white space.
fn plain(text: &str) -> String {
    let quotes = |it: char| match it {
        '‘' | '’' | '“' | '”' | '"' | '`' => '\'',
        it => it,
    };
    let words: Vec<_> = text.split_whitespace().collect();
    let ends_with_space = text.ends_with(' ');
    words
        .join(" ")
        .chars()
        .map(quotes)
        .chain(ends_with_space.then_some(' '))
        .collect()
}

/// A text with its parts written out, with and without each that may be missing.
fn variants(text: &str, parts: &Value) -> Vec<String> {
    let mut done = vec![String::new()];
    for piece in pieces(text) {
        let more: Vec<String> = match piece {
            Piece::Literal(literal) => vec![literal.to_owned()],
            Piece::Name(name, may_miss) => match parts.get(name).and_then(Value::as_str) {
                Some(part) => {
                    let written = plain_part(part);
                    let without = may_miss.then(String::new);
                    variants(&written, parts).into_iter().chain(without).collect()
                }
                None => vec![format!("{{{name}}}")],
            },
        };
        done = done
            .iter()
            .flat_map(|before| more.iter().map(move |after| [before.as_str(), after].concat()))
            .collect();
    }
    done
}

fn plain_part(part: &str) -> String {
    let begins_with_space = part.starts_with(' ');
    [if begins_with_space { " " } else { "" }, &plain(part)].concat()
}

/// What the placeholders of a text stand for in another, and how much of it are words of the text.
fn matched(template: &str, text: &str) -> Option<(usize, Fields)> {
    let mut fields = Fields::new();
    let (mut rest, mut length) = (text, 0);
    let mut open: Option<&str> = None;
    for piece in pieces(template) {
        match piece {
            Piece::Literal(literal) => {
                let literal = if open.is_some() { literal } else { literal.trim_start() };
                let at = position(rest, literal)?;
                if let Some(name) = open.take() {
                    fields.insert(name.to_owned(), rest.get(..at)?.to_owned());
                }
                rest = rest.get((at + literal.len()).min(rest.len())..)?;
                length += literal.len();
            }
            Piece::Name(name, _) => open = Some(name),
        }
    }
    if let Some(name) = open {
        let word = rest.split_whitespace().next()?;
        fields.insert(name.to_owned(), word.trim_end_matches(['.', ',', ')', '\'']).to_owned());
    }
    // A placeholder stands for one word, except where a value is quoted.
    let is_one = |(name, value): (&String, &String)| {
        matches!(name.as_str(), "value" | "kind" | "api") || !value.trim().contains(' ')
    };
    fields.iter().all(is_one).then_some((length, fields))
}

/// Where a literal stands in what is left of a message. What stands at the very end may have been cut off; and a full stop
/// ends a sentence, where an address has others.
fn position(rest: &str, literal: &str) -> Option<usize> {
    if literal == "." {
        let word = rest.split_whitespace().next()?;
        return Some(word.strip_suffix('.').unwrap_or(word).len());
    }
    rest.find(literal).or_else(|| {
        let cut = literal.trim_end_matches([' ', '.']);
        rest.ends_with(cut).then(|| rest.len() - cut.len())
    })
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, after)) = text.split_once('{') {
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        let Some((name, rest)) = after.split_once('}') else {
            break;
        };
        match name.strip_suffix('?') {
            Some(name) => pieces.push(Piece::Name(name, true)),
            None => pieces.push(Piece::Name(name, false)),
        }
        text = rest;
    }
    if !text.is_empty() {
        pieces.push(Piece::Literal(text));
    }
    pieces
}
