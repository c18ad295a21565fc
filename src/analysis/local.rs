//! Which addresses and names of the visitor's own machine an author spelled in an expression.

use std::collections::{HashSet, VecDeque};

use regex_syntax::ast::parse::Parser;

use super::automaton::{At, Automaton, DEAD, Letters, TooLarge};
use super::letters::language;
use super::search::ports;
use super::witness::matches;
use policy::origin::default_port;
use policy::pattern::OriginRegex;

/// The most places that are visited for one expression.
const MAX_STEPS: usize = 20_000;

/// The longest address, with brackets.
const MAX_ADDRESS: usize = 41;

/// Returns origins of `http` and `https` that an expression matches and whose host the author spelled: every address, and
/// one of each way to name the visitor's own machine. Of an expression that is too complex there are fewer.
#[must_use]
pub fn local_origins(text: &str) -> Vec<String> {
    let automaton = Parser::new().parse(text).ok().and_then(|ast| language(&ast).ok());
    let automaton = automaton.and_then(|language| Automaton::new(&language).ok());
    let (Some(automaton), Ok(regex)) = (automaton, OriginRegex::parse(text)) else {
        return Vec::new();
    };
    let mut search = Search {
        automaton,
        steps: 0,
        found: Vec::new(),
    };
    // What was found before it became too much holds all the same.
    let _ = search.run();
    // The module has the last word.
    search.found.retain(|origin| matches(&regex, origin));
    search.found
}

struct Search {
    automaton: Automaton,
    steps: usize,
    found: Vec<String>,
}

impl Search {
    fn run(&mut self) -> Result<(), TooLarge> {
        for (at, port) in ports(&mut self.automaton)? {
            for name in ["localhost", "localhost."] {
                let local = self.read(at, name, Letters::Spelled)?;
                self.finish(local, name, port)?;
                let below = self.read(local, ".", Letters::Any)?;
                self.below(below, name, port)?;
            }
            self.loopback_addresses(at, port)?;
            self.addresses(at, port)?;
        }
        Ok(())
    }

    /// Reads a text from its end.
    fn read(&mut self, mut at: At, text: &str, letters: Letters) -> Result<At, TooLarge> {
        for byte in text.bytes().rev() {
            at = self.step(at, byte, letters)?;
        }
        Ok(at)
    }

    fn step(&mut self, at: At, byte: u8, letters: Letters) -> Result<At, TooLarge> {
        if at == DEAD {
            return Ok(DEAD);
        }
        self.steps += 1;
        match self.steps > MAX_STEPS * 64 {
            true => Err(TooLarge),
            false => self.automaton.step(at, byte, letters),
        }
    }

    /// Records the origin with this host, if there is one.
    fn finish(&mut self, at: At, host: &str, port: Option<u16>) -> Result<bool, TooLarge> {
        for scheme in ["http", "https"] {
            let begin = self.read(at, &format!("{scheme}://"), Letters::Any)?;
            let is_left_out = port.is_some() && port == default_port(scheme.as_bytes());
            if !is_left_out && self.automaton.accepts(begin) {
                let port = port.map_or(String::new(), |port| format!(":{port}"));
                self.found.push(format!("{scheme}://{host}{port}"));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks for a name below `localhost`, whatever it is.
    fn below(&mut self, at: At, domain: &str, port: Option<u16>) -> Result<(), TooLarge> {
        const SYMBOLS: &[u8; 39] = b"abcdefghijklmnopqrstuvwxyz0123456789-_.";
        let mut seen = HashSet::new();
        let mut queue = VecDeque::from([(at, String::new())]);
        while let Some((at, before)) = queue.pop_front() {
            let begins_label = before.is_empty() || before.starts_with('.');
            if !begins_label && self.finish(at, &format!("{before}.{domain}"), port)? {
                return Ok(());
            }
            for &byte in SYMBOLS {
                let next = self.step(at, byte, Letters::Any)?;
                let is_name = !(begins_label && byte == b'.');
                if next != DEAD && is_name && seen.len() < MAX_STEPS && seen.insert((next, byte == b'.')) {
                    queue.push_back((next, format!("{}{before}", char::from(byte))));
                }
            }
        }
        Ok(())
    }

    /// Looks for an address whose first part alone is spelled: all of `127.0.0.0/8` is the visitor's own machine.
    fn loopback_addresses(&mut self, at: At, port: Option<u16>) -> Result<(), TooLarge> {
        // A part begins with no zero if there is another digit.
        const SYMBOLS: &[u8; 11] = b".1234567890";
        let mut seen = HashSet::new();
        let mut queue = VecDeque::from([(at, String::new())]);
        while let Some((at, after)) = queue.pop_front() {
            let dots = after.matches('.').count();
            let digits = after.split('.').next().map_or(0, str::len);
            if dots == 3 {
                let begin = self.read(at, "127", Letters::Spelled)?;
                if self.finish(begin, &format!("127{after}"), port)? {
                    return Ok(());
                }
                continue;
            }
            for &byte in SYMBOLS {
                let is_dot = byte == b'.';
                let fits = if is_dot { digits > 0 } else { digits < 3 };
                let next = if fits { self.step(at, byte, Letters::Any)? } else { DEAD };
                if next != DEAD && seen.insert((next, dots, digits, is_dot)) {
                    queue.push_back((next, format!("{}{after}", char::from(byte))));
                }
            }
        }
        Ok(())
    }

    /// Looks for every address that is spelled; what is spelled is no repetition, so there are only so many.
    fn addresses(&mut self, at: At, port: Option<u16>) -> Result<(), TooLarge> {
        let mut stack = vec![(at, String::new())];
        while let Some((at, host)) = stack.pop() {
            let is_address = match host.strip_prefix('[') {
                Some(_) => true,
                None => host.parse::<std::net::Ipv4Addr>().is_ok(),
            };
            if is_address {
                self.finish(at, &host, port)?;
            }
            let symbols: &[u8] = match host.as_bytes() {
                [] => b"0123456789]",
                [b'[', ..] => b"",
                [.., b']'] => b"0123456789abcdef:[",
                _ => b"0123456789.",
            };
            for &byte in symbols.iter().filter(|_| host.len() < MAX_ADDRESS) {
                let next = self.step(at, byte, Letters::Spelled)?;
                if next != DEAD {
                    stack.push((next, format!("{}{host}", char::from(byte))));
                }
            }
        }
        Ok(())
    }
}
