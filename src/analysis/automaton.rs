//! The automaton of an expression, made deterministic as far as a search goes. It reads origins from their end to their
//! beginning, the way in which domains are read.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt;
use std::rc::Rc;
use std::slice;

use regex_automata::nfa::thompson::{Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::{PatternID, StateID};
use regex_syntax::hir::Hir;

use super::letters::{OPEN, is_word};

/// The largest automaton before it is made deterministic, in bytes. The module's own limit is below this.
const MAX_NFA: usize = 2 << 20;

/// The same, of all entries of two policies together.
const MAX_NFA_OF_ALL: usize = 32 << 20;

/// The most deterministic states of one expression. Those that people write have some dozens.
const MAX_STATES: usize = 4096;

/// The most of all entries of two policies together.
const MAX_STATES_OF_ALL: usize = 40_000;

/// Origins are ASCII.
const BYTES: usize = 128;

/// The automaton has too many states to decide anything by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the automaton has too many states")
    }
}

impl Error for TooLarge {}

/// Which readings of a byte a step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Letters {
    /// Those by which the author spelled it.
    Spelled,
    /// All.
    Any,
}

/// A deterministic state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct At(u32);

impl At {
    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The state in which nothing can match any more.
pub(crate) const DEAD: At = At(0);

/// See the module's documentation.
pub(crate) struct Automaton {
    nfa: NFA,
    start: At,
    sets: Vec<Set>,
    places: HashMap<Set, At>,
    /// Where each byte leads from each state: by spelled readings, then by any.
    steps: Vec<Option<At>>,
    accepting: HashMap<At, Rc<[PatternID]>>,
    closures: HashMap<(At, Side), Rc<[StateID]>>,
    /// In which closure each state was reached last.
    reached: Vec<u64>,
    max_states: usize,
    /// How much has been done, in states visited.
    pub work: u64,
}

/// States that a byte led to, before the assertions after it are held against the next one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Set {
    states: Vec<StateID>,
    last: Side,
}

/// What stands on one side of a place between two bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Edge,
    Word,
    Other,
}

impl Automaton {
    /// Compiles a language of [`letters`](super::letters).
    pub(crate) fn new(language: &Hir) -> Result<Self, TooLarge> {
        Self::compile(slice::from_ref(language), MAX_NFA, MAX_STATES)
    }

    /// Compiles several, each of which is recognised by its number.
    pub(crate) fn of_each(languages: &[Hir]) -> Result<Self, TooLarge> {
        Self::compile(languages, MAX_NFA_OF_ALL, MAX_STATES_OF_ALL)
    }

    fn compile(languages: &[Hir], max_nfa: usize, max_states: usize) -> Result<Self, TooLarge> {
        let config = Config::new()
            .utf8(false)
            .reverse(true)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(max_nfa));
        let nfa = Compiler::new().configure(config).build_many_from_hir(languages);
        let nfa = nfa.map_err(|_| TooLarge)?;
        let dead = Set {
            states: Vec::new(),
            last: Side::Other,
        };
        let start = Set {
            states: vec![nfa.start_anchored()],
            last: Side::Edge,
        };
        let mut automaton = Self {
            nfa,
            start: DEAD,
            sets: Vec::new(),
            places: HashMap::new(),
            steps: Vec::new(),
            accepting: HashMap::new(),
            closures: HashMap::new(),
            reached: Vec::new(),
            max_states,
            work: 0,
        };
        automaton.place(dead)?;
        automaton.start = automaton.place(start)?;
        Ok(automaton)
    }

    /// Where reading begins: behind the origin's last byte.
    pub(crate) fn start(&self) -> At {
        self.start
    }

    /// Reads the byte before.
    pub(crate) fn step(&mut self, at: At, byte: u8, letters: Letters) -> Result<At, TooLarge> {
        if at == DEAD {
            return Ok(DEAD);
        }
        let index = (at.index() * 2 + usize::from(letters == Letters::Any)) * BYTES + usize::from(byte);
        if let Some(Some(next)) = self.steps.get(index) {
            return Ok(*next);
        }
        let side = if is_word(byte) { Side::Word } else { Side::Other };
        let mut states = Vec::new();
        for &state in self.closure(at, side).iter() {
            let next = match self.nfa.state(state) {
                State::ByteRange { trans } => {
                    [byte, byte | OPEN].map(|it| trans.matches_byte(it).then_some(trans.next))
                }
                State::Sparse(sparse) => [byte, byte | OPEN].map(|it| sparse.matches_byte(it)),
                State::Dense(dense) => [byte, byte | OPEN].map(|it| dense.matches_byte(it)),
                _ => [None, None],
            };
            let [spelled, open] = next;
            states.extend(spelled);
            states.extend(open.filter(|_| letters == Letters::Any));
        }
        states.sort_unstable();
        states.dedup();
        let last = match (states.is_empty(), self.nfa.look_set_any().contains_word()) {
            (false, true) => side,
            _ => Side::Other,
        };
        let next = self.place(Set { states, last })?;
        if let Some(known) = self.steps.get_mut(index) {
            *known = Some(next);
        }
        Ok(next)
    }

    /// Whether the origin may begin here.
    pub(crate) fn accepts(&mut self, at: At) -> bool {
        !self.accepted(at).is_empty()
    }

    /// The languages in which the origin may begin here, in order.
    pub(crate) fn accepted(&mut self, at: At) -> Rc<[PatternID]> {
        if let Some(accepted) = self.accepting.get(&at) {
            return Rc::clone(accepted);
        }
        let states = self.closure(at, Side::Edge);
        let accepted = states.iter().filter_map(|&state| match self.nfa.state(state) {
            State::Match { pattern_id } => Some(*pattern_id),
            _ => None,
        });
        let accepted: BTreeSet<_> = accepted.collect();
        let accepted: Rc<[_]> = accepted.into_iter().collect();
        self.accepting.insert(at, Rc::clone(&accepted));
        accepted
    }

    fn place(&mut self, set: Set) -> Result<At, TooLarge> {
        if let Some(&at) = self.places.get(&set) {
            return Ok(at);
        }
        if self.sets.len() >= self.max_states {
            return Err(TooLarge);
        }
        let at = At(u32::try_from(self.sets.len()).map_err(|_| TooLarge)?);
        self.sets.push(set.clone());
        self.steps.resize(self.sets.len() * 2 * BYTES, None);
        self.places.insert(set, at);
        Ok(at)
    }

    /// The states that can be reached without reading, if `next` is what is read then.
    fn closure(&mut self, at: At, next: Side) -> Rc<[StateID]> {
        if let Some(known) = self.closures.get(&(at, next)) {
            self.work += 1 + known.len() as u64;
            return Rc::clone(known);
        }
        let Some(set) = self.sets.get(at.index()) else {
            return Rc::default();
        };
        let round = self.closures.len() as u64 + 1;
        self.reached.resize(self.nfa.states().len(), 0);
        let mut stack = set.states.clone();
        let mut reached = Vec::new();
        while let Some(state) = stack.pop() {
            let Some(last) = self.reached.get_mut(state.as_usize()) else {
                continue;
            };
            if std::mem::replace(last, round) == round {
                continue;
            }
            reached.push(state);
            match self.nfa.state(state) {
                State::Union { alternates } => stack.extend(alternates.iter().copied()),
                State::BinaryUnion { alt1, alt2 } => stack.extend([*alt1, *alt2]),
                State::Capture { next, .. } => stack.push(*next),
                State::Look { look, next: after } => stack.extend(holds(*look, set.last, next).then_some(*after)),
                _ => {}
            }
        }
        self.work += 1 + reached.len() as u64;
        let reached: Rc<[_]> = reached.into();
        self.closures.insert((at, next), Rc::clone(&reached));
        reached
    }
}

/// Whether an assertion holds between two bytes, in the order in which they are read.
fn holds(look: Look, before: Side, after: Side) -> bool {
    let (word_before, word_after) = (before == Side::Word, after == Side::Word);
    match look {
        Look::Start => before == Side::Edge,
        Look::End => after == Side::Edge,
        Look::WordAscii => word_before != word_after,
        Look::WordAsciiNegate => word_before == word_after,
        Look::WordStartAscii => !word_before && word_after,
        Look::WordEndAscii => word_before && !word_after,
        Look::WordStartHalfAscii => !word_before,
        Look::WordEndHalfAscii => !word_after,
        // `letters` makes no other.
        _ => false,
    }
}
