//! Whether an expression matches pages of `http`, which may do less than others.

use std::collections::{HashMap, HashSet, VecDeque};

use regex_syntax::ast::parse::Parser;

use super::automaton::{Automaton, DEAD, Letters, TooLarge};
use super::hosts::Spot;
use super::letters::{SYMBOLS, language};
use super::search::{may_be_v6, ports};
use policy::host::{MAX_NAME, is_loopback};

/// The most that is done for one expression, and for all of a policy: places visited, and IPv6 addresses begun.
const MAX_NODES: usize = 30_000;
const MAX_NODES_OF_ALL: usize = 300_000;
const MAX_V6: usize = 4_000;

/// Which origins of `http` an expression matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Any.
    pub any: bool,
    /// One of the visitor's own machine.
    pub loopback: bool,
}

/// What the expressions of one policy share: each is searched once, and all of them only so long.
#[derive(Debug)]
pub struct HttpSearch {
    known: HashMap<String, Option<Http>>,
    /// Places that may still be visited.
    left: usize,
}

impl Default for HttpSearch {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            left: MAX_NODES_OF_ALL,
        }
    }
}

impl HttpSearch {
    /// Returns which origins of `http` an expression matches; `None` if it is too complex to say.
    pub fn of(&mut self, text: &str) -> Option<Http> {
        if let Some(&known) = self.known.get(text) {
            return known;
        }
        let automaton = Parser::new().parse(text).ok().and_then(|ast| language(&ast).ok());
        let automaton = automaton.and_then(|language| Automaton::new(&language).ok());
        let found = automaton.and_then(|mut automaton| match may_be_http(&mut automaton) {
            Ok(true) => search(&mut automaton, &mut self.left).ok(),
            Ok(false) => Some(Http::default()),
            Err(TooLarge) => None,
        });
        self.known.insert(text.to_owned(), found);
        found
    }
}

/// Whether anything that the expression matches begins with `http://`. Most expressions do not, and need no search.
fn may_be_http(automaton: &mut Automaton) -> Result<bool, TooLarge> {
    let start = automaton.start();
    let (mut queue, mut seen) = (vec![start], HashSet::from([start]));
    while let Some(at) = queue.pop() {
        if is_http(automaton, at)? {
            return Ok(true);
        }
        for &byte in SYMBOLS {
            let next = automaton.step(at, byte, Letters::Any)?;
            if next != DEAD && seen.insert(next) {
                queue.push(next);
            }
        }
    }
    Ok(false)
}

/// A place inside a host, and what was read of that.
struct Node {
    spot: Spot,
    label: usize,
    host: String,
}

fn search(automaton: &mut Automaton, left: &mut usize) -> Result<Http, TooLarge> {
    let mut found = Http::default();
    let mut seen = HashSet::new();
    let mut queue = VecDeque::new();
    // IPv6 addresses come last: there are many, and few expressions are about them.
    let mut v6 = VecDeque::new();
    for (at, port) in ports(automaton)? {
        // The default port is left out.
        for mut spot in Spot::ends(at).into_iter().filter(|_| port != Some(80)) {
            // What the author spelled does not matter here.
            spot.named = DEAD;
            queue.push_back(Node {
                spot,
                label: 0,
                host: String::new(),
            });
        }
    }
    while let Some(node) = queue.pop_front().or_else(|| v6.pop_front()) {
        if let Some(whole) = node.spot.whole(node.label)
            && is_http(automaton, whole.all)?
        {
            found.any = true;
            found.loopback |= is_loopback(node.host.as_bytes());
            if found.loopback {
                break;
            }
        }
        for &byte in SYMBOLS {
            let Some((spot, label)) = node.spot.read(automaton, byte, node.label)? else {
                continue;
            };
            if node.host.len() > MAX_NAME || (byte == b']' && !may_be_v6(automaton, spot.all)?) {
                continue;
            }
            let host = format!("{}{}", char::from(byte), node.host);
            if !seen.insert((spot.clone(), label == 0, tail(&host))) {
                continue;
            }
            *left = left.saturating_sub(1);
            match (seen.len() > MAX_NODES || *left == 0, spot.is_v6()) {
                (true, _) => return Err(TooLarge),
                (_, true) if v6.len() > MAX_V6 => {}
                (_, true) => v6.push_back(Node { spot, label, host }),
                (_, false) => queue.push_back(Node { spot, label, host }),
            }
        }
    }
    Ok(found)
}

/// Whether `http` may stand before a host.
fn is_http(automaton: &mut Automaton, mut at: super::automaton::At) -> Result<bool, TooLarge> {
    for &byte in b"http://".iter().rev() {
        at = automaton.step(at, byte, Letters::Any)?;
    }
    Ok(automaton.accepts(at))
}

/// What tells hosts apart that end in the same state: how much of `localhost` was read, and whether nothing else can
/// make it another name.
fn tail(host: &str) -> usize {
    const LOCALHOST: &str = "localhost";
    let name = host.strip_suffix('.').unwrap_or(host);
    match () {
        () if LOCALHOST.ends_with(name) => name.len(),
        () if name.ends_with(".localhost") => LOCALHOST.len() + 1,
        () => LOCALHOST.len() + 2,
    }
}
