//! The search for origins that an expression matches: the shortest one that its author did not spell, or any.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use super::automaton::{At, Automaton, DEAD, Letters, TooLarge};
use super::hosts::{Spot, Whole};
use super::letters::SYMBOLS;
use super::schemes::{self, Class, SCHEME_SYMBOLS, Schemes};
use policy::host::MAX_NAME;

/// The most places that a search visits, and the most IPv6 addresses that it begins to write.
const MAX_NODES: usize = 30_000;
const MAX_V6: usize = 4_000;

/// The most sites that a search notes.
const MAX_SITES: usize = 1_000;

/// The same, of all entries of two policies together.
const MAX_NODES_OF_ALL: usize = 400_000;

/// What a search found.
#[derive(Default)]
pub(crate) struct Found {
    /// The shortest origin that is matched, and in which the author did not spell what matters.
    pub outside: Option<String>,
    /// An origin that is matched.
    pub any: Option<String>,
    /// An origin that is matched, of which some like it belong to others than the owner of this domain.
    pub lent: Option<(Rc<str>, String)>,
    /// An origin that is matched, and that only a socket could have.
    pub socket: Option<String>,
    /// Some IPv6 addresses were left out.
    pub is_cut: bool,
    /// The registrable domains that the author spelled.
    pub sites: BTreeSet<Rc<str>>,
    /// The shortest origin of each class.
    each: HashMap<Class, String>,
}

/// What a search is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// An origin that the author did not spell; without one, all there is to find.
    Outside,
    /// Any origin of a page.
    Any,
    /// One of each [`Class`].
    Each,
}

/// The shortest origin of each class of those that some language has.
pub(crate) fn each(automaton: &mut Automaton) -> Result<Vec<String>, TooLarge> {
    let found = search(automaton, Goal::Each, u64::MAX)?;
    Ok(found.each.into_values().collect())
}

/// Reads ports, then hosts in the order of their length, then schemes.
pub(crate) fn search(automaton: &mut Automaton, goal: Goal, allowance: u64) -> Result<Found, TooLarge> {
    let limit = automaton.work.saturating_add(allowance);
    if goal == Goal::Any {
        // Most need no port.
        let found = search_before(automaton, &[(automaton.start(), None)], goal, limit)?;
        if found.any.is_some() {
            return Ok(found);
        }
    }
    let ports = ports(automaton)?;
    search_before(automaton, &ports, goal, limit)
}

fn search_before(
    automaton: &mut Automaton,
    ports: &[(At, Option<u16>)],
    goal: Goal,
    limit: u64,
) -> Result<Found, TooLarge> {
    let max_nodes = if goal == Goal::Each {
        MAX_NODES_OF_ALL
    } else {
        MAX_NODES
    };
    let mut search = Search::default();
    for &(all, port) in ports {
        for spot in Spot::ends(all) {
            search.add(spot, None, 0, 0, 0, port);
        }
    }
    while let Some(at) = search.queue.pop_front().or_else(|| search.v6.pop_front()) {
        if automaton.work > limit || search.nodes.len() > max_nodes {
            return Err(TooLarge);
        }
        let Some(node) = search.nodes.get(at) else { break };
        let (spot, label, length, port) = (node.spot.clone(), node.label, node.length, node.port);
        if let Some(whole) = spot.whole(label) {
            match goal {
                Goal::Each => search.note(automaton, at, &whole, port)?,
                Goal::Any | Goal::Outside => search.finish(automaton, at, &whole, port)?,
            }
            let found = &search.found;
            if found.outside.is_some() || (goal == Goal::Any && found.any.is_some()) {
                break;
            }
        }
        for &byte in SYMBOLS {
            if let Some((next, label)) = spot.read(automaton, byte, label)? {
                if byte == b'.' && next.is_named() && search.found.sites.len() < MAX_SITES {
                    search.found.sites.extend(spot.spelled());
                }
                if byte == b']' && !may_be_v6(automaton, next.all)? {
                    continue;
                }
                let length = if next.is_at_end() { 0 } else { length + 1 };
                if length <= MAX_NAME {
                    search.add(next, Some(at), byte, label, length, port);
                }
            }
        }
    }
    Ok(search.found)
}

#[derive(Default)]
struct Search {
    nodes: Vec<Node>,
    queue: VecDeque<usize>,
    /// The places inside IPv6 addresses, which come last: there are many, and few expressions are about them.
    v6: VecDeque<usize>,
    v6_count: usize,
    /// The shortest label with which a place was reached. The first visit came by the shortest host, so that a later one
    /// is of use only if its label is shorter.
    seen: HashMap<(Spot, bool, bool, Option<u16>), usize>,
    schemes: HashMap<(At, At, Option<u16>), Schemes>,
    noted: HashSet<(At, Option<u16>)>,
    found: Found,
}

struct Node {
    spot: Spot,
    parent: Option<usize>,
    byte: u8,
    label: usize,
    length: usize,
    port: Option<u16>,
}

impl Search {
    fn add(&mut self, spot: Spot, parent: Option<usize>, byte: u8, label: usize, length: usize, port: Option<u16>) {
        let is_v6 = spot.is_v6();
        if is_v6 && self.v6_count >= MAX_V6 {
            self.found.is_cut = true;
            return;
        }
        self.v6_count += usize::from(is_v6);
        // Ports only tell places apart where they are some scheme's default.
        let default = port.filter(|it| matches!(it, 80 | 443));
        // A label that is empty yet is not a better one: no host may begin there.
        let key = (spot.clone(), label == 0, port.is_some(), default);
        match self.seen.get_mut(&key) {
            Some(best) if *best <= label => return,
            Some(best) => *best = label,
            None => {
                self.seen.insert(key, label);
            }
        }
        let queue = if is_v6 { &mut self.v6 } else { &mut self.queue };
        queue.push_back(self.nodes.len());
        self.nodes.push(Node {
            spot,
            parent,
            byte,
            label,
            length,
            port,
        });
    }

    /// Looks for the schemes before a host.
    fn finish(
        &mut self,
        automaton: &mut Automaton,
        at: usize,
        whole: &Whole,
        port: Option<u16>,
    ) -> Result<(), TooLarge> {
        let (mut all, mut named) = (whole.all, whole.named);
        for byte in *b"//:" {
            all = automaton.step(all, byte, Letters::Any)?;
            named = automaton.step(named, byte, Letters::Any)?;
        }
        if all == DEAD {
            return Ok(());
        }
        let key = (all, named, port.filter(|it| matches!(it, 80 | 443)));
        let schemes = match self.schemes.get(&key) {
            Some(known) => known.clone(),
            None => {
                let schemes = schemes::search(automaton, all, named, port)?;
                self.schemes.insert(key, schemes.clone());
                schemes
            }
        };
        if schemes.any.is_some() && self.found.sites.len() < MAX_SITES {
            let site = self.nodes.get(at).and_then(|it| it.spot.spelled());
            self.found.sites.extend(site);
        }
        let origin = self.origin(at, port);
        let found = &mut self.found;
        found.outside = schemes.outside.as_deref().map(&origin);
        if let (None, Some(scheme)) = (&found.any, &schemes.any) {
            found.any = Some(origin(scheme));
        }
        if let (None, Some(scheme)) = (&found.socket, schemes.socket) {
            found.socket = Some(origin(scheme));
        }
        if let (None, Some(domain), Some(scheme)) = (&found.lent, &whole.lent, &schemes.any) {
            found.lent = Some((Rc::clone(domain), origin(scheme)));
        }
        Ok(())
    }

    /// Notes the schemes before a host, of each class.
    fn note(&mut self, automaton: &mut Automaton, at: usize, whole: &Whole, port: Option<u16>) -> Result<(), TooLarge> {
        let mut all = whole.all;
        for byte in *b"//:" {
            all = automaton.step(all, byte, Letters::Any)?;
        }
        // The first host that leads here is the shortest.
        if !self.noted.insert((all, port.filter(|it| matches!(it, 80 | 443)))) {
            return Ok(());
        }
        let origin = self.origin(at, port);
        for (class, scheme) in schemes::each(automaton, all, port)? {
            let origin = origin(&scheme);
            let known = self.found.each.entry(class).or_insert_with(|| origin.clone());
            if (origin.len(), &origin) < (known.len(), known) {
                *known = origin;
            }
        }
        Ok(())
    }

    /// What makes an origin of a scheme.
    fn origin(&self, at: usize, port: Option<u16>) -> impl Fn(&str) -> String + use<> {
        let host = self.host(at);
        move |scheme| match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    fn host(&self, mut at: usize) -> String {
        let mut host = String::new();
        while let Some(Node {
            parent: Some(parent),
            byte,
            ..
        }) = self.nodes.get(at)
        {
            host.push(char::from(*byte));
            at = *parent;
        }
        host
    }
}

/// Whether an IPv6 address may stand here at all, by less than its grammar: this spares most expressions the search.
pub(super) fn may_be_v6(automaton: &mut Automaton, at: At) -> Result<bool, TooLarge> {
    let mut inside = vec![at];
    let mut before = Vec::new();
    let mut seen = HashSet::from([at]);
    while let Some(at) = inside.pop() {
        for &byte in b"0123456789abcdef:" {
            let next = automaton.step(at, byte, Letters::Any)?;
            if next != DEAD && seen.insert(next) {
                inside.push(next);
            }
        }
        let mut at = at;
        for byte in *b"[//:" {
            at = automaton.step(at, byte, Letters::Any)?;
        }
        before.extend((at != DEAD).then_some(at));
    }
    let mut seen = HashSet::new();
    while let Some(at) = before.pop() {
        for byte in SCHEME_SYMBOLS {
            let next = automaton.step(at, byte, Letters::Any)?;
            if byte.is_ascii_lowercase() && automaton.accepts(next) {
                return Ok(true);
            }
            if next != DEAD && seen.insert(next) {
                before.push(next);
            }
        }
    }
    Ok(false)
}

/// The states before a host, and a port by which each is reached: the shortest one.
pub(super) fn ports(automaton: &mut Automaton) -> Result<Vec<(At, Option<u16>)>, TooLarge> {
    const LARGEST: [u8; 5] = *b"53556"; // read from its end
    let mut found = vec![(automaton.start(), None)];
    let mut seen = HashMap::new();
    let mut queue = VecDeque::from([(automaton.start(), String::new(), true)]);
    while let Some((at, digits, fits)) = queue.pop_front() {
        let is_port = !digits.is_empty() && !digits.starts_with('0') && (digits.len() < 5 || fits);
        let port = digits.parse().ok().filter(|_| is_port);
        if let Some(port) = port {
            let next = automaton.step(at, b':', Letters::Any)?;
            let default = |it: u16| if matches!(it, 80 | 443) { it } else { 0 };
            let is_new = |&(state, other): &(At, Option<u16>)| {
                state == next && other.is_some_and(|it| default(it) == default(port))
            };
            if next != DEAD && !found.iter().any(is_new) {
                found.push((next, Some(port)));
            }
        }
        let Some(largest) = LARGEST.get(digits.len()) else {
            continue;
        };
        for byte in b'0'..=b'9' {
            let next = automaton.step(at, byte, Letters::Any)?;
            let longer = format!("{}{digits}", char::from(byte));
            let fits = byte < *largest || (byte == *largest && fits);
            // What else there is to know of digits: their number, and whether they may be `80` or `443`.
            let default = ["80", "443"]
                .iter()
                .any(|it| it.ends_with(&longer))
                .then(|| longer.clone());
            let key = (next, longer.len(), fits, byte == b'0', default);
            if next != DEAD && seen.insert(key, ()).is_none() {
                queue.push_back((next, longer, fits));
            }
        }
    }
    Ok(found)
}
