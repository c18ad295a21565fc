//! The grammar of schemes, and of the default ports that origins leave out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use regex_automata::util::primitives::PatternID;

use super::automaton::{At, Automaton, DEAD, Letters, TooLarge};
use policy::origin::{MAX_SCHEME, default_port};

/// What is before `://`, as far as a search looked.
#[derive(Clone, Default)]
pub(crate) struct Schemes {
    /// One that makes an origin of which the author did not spell what matters.
    pub outside: Option<String>,
    /// One of a page.
    pub any: Option<String>,
    /// One that only sockets have.
    pub socket: Option<&'static str>,
}

/// The schemes whose default port is left out. Two of them are those of sockets, which no page has.
const WITH_DEFAULT_PORT: [&str; 4] = ["https", "http", "wss", "ws"];

/// What schemes are made of.
pub(crate) const SCHEME_SYMBOLS: [u8; 39] = *b"abcdefghijklmnopqrstuvwxyz0123456789-.+";

struct Node {
    all: At,
    named: At,
    /// What was read, if it may become one of [`WITH_DEFAULT_PORT`].
    word: Option<String>,
    parent: Option<usize>,
    byte: u8,
    length: usize,
}

/// Looks for schemes before a host. `all` and `named` are as in a [`Spot`](super::hosts::Spot).
pub(crate) fn search(automaton: &mut Automaton, all: At, named: At, port: Option<u16>) -> Result<Schemes, TooLarge> {
    let mut found = known(automaton, all, named, port)?;
    let mut nodes = vec![Node {
        all,
        named,
        word: Some(String::new()),
        parent: None,
        byte: 0,
        length: 0,
    }];
    let mut seen = HashSet::from([(all, named, Some(String::new()))]);
    let mut queue = VecDeque::from([0]);
    while let Some(at) = queue.pop_front()
        && found.outside.is_none()
    {
        let Some(node) = nodes.get(at) else { break };
        let (all, named, length, word) = (node.all, node.named, node.length, node.word.clone());
        let is_known = word.as_deref().is_some_and(|it| WITH_DEFAULT_PORT.contains(&it));
        if node.byte.is_ascii_lowercase() && !is_known && automaton.accepts(all) {
            let text = || text(&nodes, at);
            if !automaton.accepts(named) {
                found.outside = Some(text());
            }
            found.any = found.any.or_else(|| Some(text()));
        }
        if length >= MAX_SCHEME {
            continue;
        }
        for byte in SCHEME_SYMBOLS {
            let next = Node {
                all: automaton.step(all, byte, Letters::Any)?,
                named: automaton.step(named, byte, Letters::Spelled)?,
                word: longer(byte, word.as_deref()),
                parent: Some(at),
                byte,
                length: length + 1,
            };
            if next.all != DEAD && seen.insert((next.all, next.named, next.word.clone())) {
                queue.push_back(nodes.len());
                nodes.push(next);
            }
        }
    }
    Ok(found)
}

/// What tells origins apart: the languages that have them, in order, and whether their scheme is one of
/// [`WITH_DEFAULT_PORT`].
pub(crate) type Class = (Rc<[PatternID]>, Option<&'static str>);

/// The schemes before a host, the shortest of each class.
pub(crate) fn each(automaton: &mut Automaton, all: At, port: Option<u16>) -> Result<HashMap<Class, String>, TooLarge> {
    let mut found = HashMap::new();
    for scheme in WITH_DEFAULT_PORT {
        let mut at = all;
        for &byte in scheme.as_bytes().iter().rev() {
            at = automaton.step(at, byte, Letters::Any)?;
        }
        let accepted = automaton.accepted(at);
        if !accepted.is_empty() && (port.is_none() || port != default_port(scheme.as_bytes())) {
            found.insert((accepted, Some(scheme)), scheme.to_owned());
        }
    }
    let mut seen = HashSet::from([(all, Some(String::new()))]);
    let mut queue = VecDeque::from([(all, String::new())]);
    while let Some((at, text)) = queue.pop_front() {
        let accepted = automaton.accepted(at);
        let is_scheme = text.starts_with(|first: char| first.is_ascii_lowercase());
        if is_scheme && !accepted.is_empty() && !WITH_DEFAULT_PORT.contains(&text.as_str()) {
            found.entry((accepted, None)).or_insert_with(|| text.clone());
        }
        for byte in SCHEME_SYMBOLS {
            let next = automaton.step(at, byte, Letters::Any)?;
            if next != DEAD && text.len() < MAX_SCHEME && seen.insert((next, longer(byte, Some(&text)))) {
                queue.push_back((next, format!("{}{text}", char::from(byte))));
            }
        }
    }
    Ok(found)
}

/// The well-known schemes first: an example with one of them says more to a person than a shorter one.
fn known(automaton: &mut Automaton, all: At, named: At, port: Option<u16>) -> Result<Schemes, TooLarge> {
    let mut found = Schemes::default();
    let is_host_named = named != DEAD;
    for scheme in WITH_DEFAULT_PORT {
        let (mut all, mut named) = (all, named);
        for &byte in scheme.as_bytes().iter().rev() {
            all = automaton.step(all, byte, Letters::Any)?;
            named = automaton.step(named, byte, Letters::Spelled)?;
        }
        let is_left_out = port.is_some() && port == default_port(scheme.as_bytes());
        if is_left_out || !automaton.accepts(all) {
            continue;
        }
        if scheme.starts_with("ws") {
            found.socket = Some(scheme);
            continue;
        }
        // Of an open scheme the less safe one is the better example.
        if !automaton.accepts(named) && (found.outside.is_none() || is_host_named) {
            found.outside = Some(scheme.to_owned());
        }
        found.any = found.any.or_else(|| Some(scheme.to_owned()));
    }
    Ok(found)
}

/// A word with a byte before it, if that may become one of [`WITH_DEFAULT_PORT`].
fn longer(byte: u8, word: Option<&str>) -> Option<String> {
    let word = format!("{}{}", char::from(byte), word?);
    WITH_DEFAULT_PORT.iter().any(|it| it.ends_with(&word)).then_some(word)
}

fn text(nodes: &[Node], mut at: usize) -> String {
    let mut text = String::new();
    while let Some(Node {
        parent: Some(parent),
        byte,
        ..
    }) = nodes.get(at)
    {
        text.push(char::from(*byte));
        at = *parent;
    }
    text
}
