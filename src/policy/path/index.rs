//! Which entries a path may belong to: one walk down a tree of all their prefixes.

use super::super::Applies;
use super::pattern::PathPrefix;
use super::readings::{self, Readings, Segment};

/// The prefixes of all entries, by their segments.
#[derive(Debug, Default)]
pub struct PathIndex {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// The next segment, in order, and where it leads.
    children: Vec<(Box<[u8]>, usize)>,
    /// The entries that begin here, with their prefixes as they were written.
    prefixes: Vec<(usize, Box<[u8]>)>,
    /// The entries whose prefix, without its format suffix, is this path.
    stems: Vec<usize>,
}

/// The entries that a path may belong to.
#[derive(Debug)]
pub enum Asked {
    /// Any.
    All,
    /// These, in order.
    Of(Vec<(usize, Applies)>),
}

impl Asked {
    /// Whether it may belong to this entry.
    #[must_use]
    pub fn of(&self, entry: usize) -> Applies {
        match self {
            Self::All => Applies::Perhaps,
            Self::Of(asked) => asked
                .binary_search_by_key(&entry, |it| it.0)
                .ok()
                .and_then(|at| asked.get(at))
                .map_or(Applies::No, |it| it.1),
        }
    }
}

impl<'p> FromIterator<(usize, &'p PathPrefix)> for PathIndex {
    /// From the numbers of entries and their prefixes.
    fn from_iter<I: IntoIterator<Item = (usize, &'p PathPrefix)>>(prefixes: I) -> Self {
        let mut index = Self::default();
        for (entry, prefix) in prefixes {
            let at = index.grow(prefix.segments());
            if let Some(node) = index.nodes.get_mut(at) {
                node.prefixes.push((entry, prefix.written().into()));
            }
            let Some((last, parents)) = prefix.segments().split_last() else {
                continue;
            };
            let last = Segment {
                text: last,
                marks: &[],
                is_optional: false,
                may_end: true,
            };
            for stem in last.stems() {
                let at = index.grow(&[parents, &[stem.into()]].concat());
                if let Some(node) = index.nodes.get_mut(at) {
                    node.stems.push(entry);
                }
            }
        }
        index
    }
}

impl PathIndex {
    /// The node of these segments, which is made where it is not there yet.
    fn grow(&mut self, segments: &[Box<[u8]>]) -> usize {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for segment in segments {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return at;
            };
            match node.children.binary_search_by(|(it, _)| it.cmp(segment)) {
                Ok(place) => at = node.children.get(place).map_or(at, |it| it.1),
                Err(place) => {
                    node.children.insert(place, (segment.clone(), next));
                    self.nodes.push(Node::default());
                    at = next;
                }
            }
        }
        at
    }

    /// The entries that a path may belong to under some reading.
    #[must_use]
    pub fn asked(&self, path: &[u8]) -> Asked {
        if self.nodes.is_empty() {
            return Asked::Of(Vec::new());
        }
        let readings = Readings::of(path);
        let mut walk = Walk::new(self);
        match &readings {
            Readings::Any => return Asked::All,
            Readings::Simple(path) => walk.along(readings::of_simple(path)),
            Readings::Segments(segments) => walk.along(segments.iter()),
        }
        if walk.is_lost() {
            return Asked::All;
        }
        let mut asked = Vec::new();
        for node in walk.met.iter().filter_map(|&it| self.nodes.get(it)) {
            asked.extend(node.prefixes.iter().map(|(entry, prefix)| {
                let holds = lies_below(path, prefix) && readings.is_settled(path);
                (*entry, if holds { Applies::Yes } else { Applies::Perhaps })
            }));
        }
        let stems = walk.ends.iter().filter_map(|&it| self.nodes.get(it));
        asked.extend(stems.flat_map(|it| it.stems.iter().map(|&entry| (entry, Applies::Perhaps))));
        // Of what is told of one entry, the surest.
        asked.sort_unstable_by(|one, other| other.cmp(one));
        asked.dedup_by_key(|it| it.0);
        asked.reverse();
        Asked::Of(asked)
    }

    fn child(&self, at: usize, segment: &[u8]) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let lower = |it: &u8| it.to_ascii_lowercase();
        let place = node
            .children
            .binary_search_by(|(it, _)| it.iter().copied().cmp(segment.iter().map(lower)));
        node.children.get(place.ok()?).map(|it| it.1)
    }
}

/// A walk along all readings at once.
struct Walk<'i> {
    index: &'i PathIndex,
    /// Where readings have led.
    active: Vec<usize>,
    /// All that they came by.
    met: Vec<usize>,
    /// Where they may end.
    ends: Vec<usize>,
    steps: usize,
}

impl<'i> Walk<'i> {
    /// A path with so many ways through the tree is of every entry.
    const MOST_STEPS: usize = 8192;

    fn new(index: &'i PathIndex) -> Self {
        Self {
            index,
            active: vec![0],
            met: Vec::new(),
            ends: Vec::new(),
            steps: 0,
        }
    }

    fn is_lost(&self) -> bool {
        self.steps > Self::MOST_STEPS
    }

    fn along<'s>(&mut self, segments: impl Iterator<Item = Segment<'s>>) {
        for segment in segments {
            self.step(segment);
            if self.active.is_empty() || self.is_lost() {
                return;
            }
        }
    }

    fn step(&mut self, segment: Segment<'_>) {
        let stays = if segment.is_optional { self.active.len() } else { 0 };
        let (index, count) = (self.index, self.active.len());
        // A simple path has one way, however long it is.
        self.steps += count - 1 + stays;
        for place in 0..count {
            let Some(&at) = self.active.get(place) else {
                return;
            };
            if segment.may_end {
                for end in segment.stems().filter_map(|stem| index.child(at, stem)) {
                    note(&mut self.met, end);
                    note(&mut self.ends, end);
                }
            }
            if let Some(next) = index.child(at, segment.text) {
                note(&mut self.met, next);
                if segment.may_end {
                    note(&mut self.ends, next);
                }
                if !self.active.contains(&next) {
                    self.active.push(next);
                }
            }
        }
        if !segment.is_optional {
            self.active.drain(..count);
        }
    }
}

fn note(nodes: &mut Vec<usize>, node: usize) {
    if !nodes.contains(&node) {
        nodes.push(node);
    }
}

/// Whether a path lies below a prefix byte for byte, segment by segment.
fn lies_below(path: &[u8], prefix: &[u8]) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || prefix.ends_with(b"/") || rest.starts_with(b"/"))
}
