//! The expressions that settings are made of.

use std::collections::BTreeMap;

use config::{DEFAULT_HEADERS, DEFAULT_METHODS};

use super::token::{Token, Word};
use super::value::{Budget, TOO_MUCH, Value, Why, texts};

const VARIABLE: Why = "its value comes from the environment and has no default; name the file of variables with --env";

/// How deep expressions may be nested.
const DEPTH: usize = 32;

/// What a module may take from django-cors-headers by name: its own lists, which settings often extend.
pub fn given() -> BTreeMap<String, Value> {
    let list = |items: &[&str]| texts(items.iter().copied());
    BTreeMap::from([
        ("default_headers".to_owned(), list(&DEFAULT_HEADERS)),
        ("default_methods".to_owned(), list(&DEFAULT_METHODS)),
    ])
}

pub struct Parser<'t> {
    tokens: &'t [Token],
    names: &'t BTreeMap<String, Value>,
    variables: &'t BTreeMap<String, String>,
    budget: &'t mut Budget,
    depth: usize,
    /// What was taken that may be another where the program runs.
    pub remarks: Vec<String>,
}

impl<'t> Parser<'t> {
    pub fn new(
        tokens: &'t [Token],
        names: &'t BTreeMap<String, Value>,
        variables: &'t BTreeMap<String, String>,
        budget: &'t mut Budget,
    ) -> Self {
        Self {
            tokens,
            names,
            variables,
            budget,
            depth: 0,
            remarks: Vec::new(),
        }
    }

    /// The value of all the words.
    pub fn whole(&mut self) -> Result<Value, Why> {
        let value = self.expression()?;
        // `a, b` without brackets.
        if self.is_next(',') {
            let mut items = vec![value];
            while self.take(',') {
                if !self.tokens.is_empty() {
                    items.push(self.expression()?);
                }
            }
            return self.end(Value::List(items));
        }
        self.end(value)
    }

    fn end(&self, value: Value) -> Result<Value, Why> {
        if self.tokens.is_empty() {
            Ok(value)
        } else {
            Err(TOO_MUCH)
        }
    }

    fn expression(&mut self) -> Result<Value, Why> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("it is nested too deep");
        }
        let mut value = self.product()?;
        while self.take('+') {
            value = value.plus(self.product()?)?;
        }
        if self.take_word(&Word::Equal) {
            value = Value::Bool(value == self.product()?);
        } else if self.take_word(&Word::Name("in".to_owned())) {
            let Value::List(items) = self.product()? else {
                return Err(TOO_MUCH);
            };
            value = Value::Bool(items.contains(&value));
        }
        self.depth -= 1;
        Ok(value)
    }

    fn product(&mut self) -> Result<Value, Why> {
        let mut value = self.atom()?;
        loop {
            value = match value {
                Value::Number(a) if self.take('*') => match self.atom()? {
                    Value::Number(b) => Value::Number(a.checked_mul(b).ok_or(TOO_MUCH)?),
                    _ => return Err(TOO_MUCH),
                },
                value if self.take('.') => self.method(value)?,
                value => return Ok(value),
            }
        }
    }

    fn atom(&mut self) -> Result<Value, Why> {
        let (first, rest) = self.tokens.split_first().ok_or(TOO_MUCH)?;
        self.tokens = rest;
        match &first.word {
            Word::Text(text) => {
                let mut text = text.clone();
                // Strings side by side are one.
                while let Some((
                    Token {
                        word: Word::Text(more), ..
                    },
                    rest,
                )) = self.tokens.split_first()
                {
                    text.push_str(more);
                    self.tokens = rest;
                }
                Ok(Value::Text(text))
            }
            Word::Number(digits) => digits.replace('_', "").parse().map(Value::Number).map_err(|_| TOO_MUCH),
            Word::Sign('[') => self.items(']').map(|(items, _)| Value::List(items)),
            Word::Sign('{') => self.items('}').map(|(items, _)| Value::List(items)),
            Word::Sign('(') => self.items(')').map(|(mut items, commas)| match (items.len(), commas) {
                (1, 0) => items.remove(0),
                _ => Value::List(items),
            }),
            Word::Name(name) if name == "not" => match self.expression()? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                _ => Err(TOO_MUCH),
            },
            Word::Name(name) => self.name(name),
            _ => Err(TOO_MUCH),
        }
    }

    /// What stands before the closing bracket, and how many commas.
    fn items(&mut self, close: char) -> Result<(Vec<Value>, usize), Why> {
        let (mut items, mut commas) = (Vec::new(), 0);
        while !self.take(close) {
            if self.take('*') {
                match self.expression()? {
                    Value::List(more) => items.extend(more),
                    _ => return Err(TOO_MUCH),
                }
            } else {
                items.push(self.expression()?);
            }
            if self.take(',') {
                commas += 1;
            } else if !self.is_next(close) {
                return Err(TOO_MUCH);
            }
        }
        Ok((items, commas))
    }

    fn name(&mut self, first: &str) -> Result<Value, Why> {
        match first {
            "True" => return Ok(Value::Bool(true)),
            "False" => return Ok(Value::Bool(false)),
            "None" => return Ok(Value::None),
            _ => {}
        }
        match self.names.get(first) {
            Some(Value::Unknown) => return Err(TOO_MUCH),
            Some(value) => return self.budget.copy(value),
            None => {}
        }
        let mut path = first.to_owned();
        while self.take('.') {
            let (
                Token {
                    word: Word::Name(name), ..
                },
                rest,
            ) = self.tokens.split_first().ok_or(TOO_MUCH)?
            else {
                return Err(TOO_MUCH);
            };
            self.tokens = rest;
            path = format!("{path}.{name}");
        }
        if self.take('[') {
            return match (path.as_str(), self.items(']')?.0.as_slice()) {
                ("os.environ" | "environ", [Value::Text(name)]) => self.variable(&path, name)?.ok_or(VARIABLE),
                _ => Err(TOO_MUCH),
            };
        }
        if !self.take('(') {
            return Err(TOO_MUCH);
        }
        self.call(&path)
    }

    fn call(&mut self, path: &str) -> Result<Value, Why> {
        let (mut positional, mut default) = (Vec::new(), None);
        while !self.take(')') {
            let keyword = match self.tokens {
                [
                    Token {
                        word: Word::Name(name), ..
                    },
                    Token {
                        word: Word::Sign('='), ..
                    },
                    rest @ ..,
                ] => {
                    self.tokens = rest;
                    Some(name.as_str())
                }
                _ => None,
            };
            match keyword {
                // How a text becomes a list, a number or a switch: as everywhere here.
                Some("cast") => self.skip_argument(),
                Some("default") => default = Some(self.expression()?),
                Some(_) => return Err(TOO_MUCH),
                None => positional.push(self.expression()?),
            }
            if !self.take(',') && !self.is_next(')') {
                return Err(TOO_MUCH);
            }
        }
        let mut positional = positional.into_iter();
        let first = positional.next();
        let second = positional.next();
        match (path, first) {
            ("list" | "tuple" | "set" | "sorted" | "frozenset", Some(value @ Value::List(_))) => Ok(value),
            ("re.compile", Some(value @ Value::Text(_))) if second.is_none() => Ok(value),
            ("int", Some(Value::Text(text))) => text.trim().parse().map(Value::Number).map_err(|_| TOO_MUCH),
            ("int" | "bool" | "str", Some(value)) => Ok(value),
            (path, Some(Value::Text(variable))) if is_environment(path) => {
                if let Some(value) = self.variable(path, &variable)? {
                    return Ok(value);
                }
                let value = default.or(second).ok_or(VARIABLE)?;
                self.remarks.push(format!(
                    "its default was taken; where the program runs, `{variable}` decides"
                ));
                Ok(value)
            }
            _ => Err(TOO_MUCH),
        }
    }

    /// A variable, as the function that asks for it reads it.
    fn variable(&mut self, path: &str, name: &str) -> Result<Option<Value>, Why> {
        let Some(text) = self.variables.get(name) else {
            return Ok(None);
        };
        let value = match path {
            "env.list" | "env.tuple" => texts(text.split(',')),
            _ => Value::Text(text.clone()),
        };
        self.budget.copy(&value).map(Some)
    }

    fn method(&mut self, value: Value) -> Result<Value, Why> {
        let [
            Token {
                word: Word::Name(name), ..
            },
            Token {
                word: Word::Sign('('), ..
            },
            rest @ ..,
        ] = self.tokens
        else {
            return Err(TOO_MUCH);
        };
        self.tokens = rest;
        let (arguments, _) = self.items(')')?;
        match (value, name.as_str(), arguments.as_slice()) {
            (Value::Text(text), "lower", []) => Ok(Value::Text(text.to_lowercase())),
            (Value::Text(text), "strip", []) => Ok(Value::Text(text.trim().to_owned())),
            (Value::Text(text), "split", []) => Ok(texts(text.split_whitespace())),
            (Value::Text(text), "split", [Value::Text(at)]) if !at.is_empty() => Ok(texts(text.split(at.as_str()))),
            _ => Err(TOO_MUCH),
        }
    }

    fn skip_argument(&mut self) {
        let mut depth = 0_usize;
        while let Some((token, rest)) = self.tokens.split_first() {
            match token.word {
                Word::Sign(',' | ')') if depth == 0 => return,
                Word::Sign('(' | '[') => depth += 1,
                Word::Sign(')' | ']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.tokens = rest;
        }
    }

    fn is_next(&self, sign: char) -> bool {
        self.tokens.first().is_some_and(|it| it.word == Word::Sign(sign))
    }

    fn take(&mut self, sign: char) -> bool {
        self.take_word(&Word::Sign(sign))
    }

    fn take_word(&mut self, word: &Word) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if first.word == *word => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }
}

/// Functions that read a variable: the standard library's, django-environ's and python-decouple's.
fn is_environment(path: &str) -> bool {
    matches!(
        path,
        "config" | "decouple.config" | "os.getenv" | "getenv" | "os.environ.get" | "environ.get" | "env"
    ) || matches!(
        path.strip_prefix("env."),
        Some("bool" | "int" | "list" | "str" | "tuple")
    )
}
