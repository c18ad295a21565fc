//! Which entries a path may belong to: one walk down a tree of all their prefixes.

use super::Scope;
use super::pattern::PathPrefix;
use super::readings::{self, Readings, Segment, Segments};
use super::request_path::RequestPath;

/// The prefixes of all entries, by their segments.
#[derive(Debug, Default)]
pub struct PathIndex {
    nodes: Vec<Node>,
    /// How many entries there are.
    count: usize,
    /// Those that are for all paths.
    everywhere: Vec<(usize, Scope)>,
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

impl PathIndex {
    /// The longest path whose readings are followed. To ask every entry costs less than to follow those of a longer one.
    pub(super) const LONGEST: usize = 8192;

    /// From the prefixes of each entry in turn; one that has none is for all paths.
    #[must_use]
    pub fn new<'p>(entries: impl IntoIterator<Item = &'p [PathPrefix]>) -> Self {
        let mut index = Self::default();
        for (entry, prefixes) in entries.into_iter().enumerate() {
            index.count += 1;
            if prefixes.is_empty() {
                index.everywhere.push((entry, Scope::Inside));
            }
            for prefix in prefixes {
                index.insert(entry, prefix.written());
            }
        }
        index
    }

    fn insert(&mut self, entry: usize, prefix: &[u8]) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let Some(segments) = Segments::of_prefix(prefix) else {
            return;
        };
        let (mut parent, mut at) = (0, 0);
        for segment in segments.iter() {
            parent = at;
            at = self.grow(parent, segment.text);
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.prefixes.push((entry, prefix.into()));
        }
        for stem in segments.iter().last().into_iter().flat_map(Segment::stems) {
            let at = self.grow(parent, stem);
            if let Some(node) = self.nodes.get_mut(at) {
                node.stems.push(entry);
            }
        }
    }

    /// The child of a node, which is made where it is not there yet.
    fn grow(&mut self, at: usize, segment: &[u8]) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        match node.find(segment) {
            Ok(child) => child,
            Err(place) => {
                node.children.insert(place, (segment.into(), next));
                self.nodes.push(Node::default());
                next
            }
        }
    }

    /// The entries that a path belongs to or may belong to, in order.
    #[must_use]
    pub fn scopes(&self, path: &RequestPath<'_>) -> Vec<(usize, Scope)> {
        let mut scopes = self.everywhere.clone();
        if self.nodes.is_empty() {
            return scopes;
        }
        let mut walk = Walk::new(self);
        match path.followed() {
            Readings::Any => walk.steps = usize::MAX,
            Readings::Literal => walk.along(&mut readings::of_literal(path.received())),
            Readings::Segments(segments, second) => {
                walk.along(&mut segments.iter());
                if let Some(segments) = second {
                    walk.active = vec![0];
                    walk.along(&mut segments.iter());
                }
            }
        }
        if walk.is_lost() {
            (0..self.count).for_each(|entry| record(&mut scopes, entry, Scope::Ambiguous));
            return scopes;
        }
        for node in walk.met.iter().filter_map(|&it| self.nodes.get(it)) {
            for (entry, prefix) in &node.prefixes {
                let holds = lies_below(path.received(), prefix) && path.is_settled();
                record(
                    &mut scopes,
                    *entry,
                    if holds { Scope::Inside } else { Scope::Ambiguous },
                );
            }
        }
        for node in walk.ends.iter().filter_map(|&it| self.nodes.get(it)) {
            for &entry in &node.stems {
                record(&mut scopes, entry, Scope::Ambiguous);
            }
        }
        scopes
    }
}

impl Node {
    /// Where the segment leads, or where it would stand; it is in lower case.
    fn find(&self, segment: &[u8]) -> Result<usize, usize> {
        let place = self.children.binary_search_by(|(it, _)| (**it).cmp(segment))?;
        self.children.get(place).map(|it| it.1).ok_or(place)
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

    fn along<'s>(&mut self, segments: &mut dyn Iterator<Item = Segment<'s>>) {
        for segment in segments {
            let lower;
            let text = if segment.text.iter().any(u8::is_ascii_uppercase) {
                lower = segment.text.to_ascii_lowercase();
                lower.as_slice()
            } else {
                segment.text
            };
            self.step(Segment { text, ..segment });
            if self.active.is_empty() || self.is_lost() {
                return;
            }
        }
    }

    fn step(&mut self, segment: Segment<'_>) {
        let (index, count) = (self.index, self.active.len());
        // Where readings are now, they stay if some of them leave this segment out.
        let left = if segment.is_optional { 0 } else { count };
        // A path with one way takes none of these steps, however long it is.
        self.steps += 2 * count - 1 - left;
        for place in 0..count {
            let Some(&at) = self.active.get(place) else {
                return;
            };
            if segment.may_end {
                for end in segment.stems().filter_map(|stem| index.nodes.get(at)?.find(stem).ok()) {
                    note(&mut self.met, end);
                    note(&mut self.ends, end);
                }
            }
            if let Some(next) = index.nodes.get(at).and_then(|it| it.find(segment.text).ok()) {
                note(&mut self.met, next);
                if segment.may_end {
                    note(&mut self.ends, next);
                }
                if !self.active.get(left..).is_some_and(|it| it.contains(&next)) {
                    self.active.push(next);
                }
            }
        }
        self.active.drain(..left);
    }
}

/// Puts what is known of an entry in its place; of what is known twice, the surer holds.
fn record(scopes: &mut Vec<(usize, Scope)>, entry: usize, scope: Scope) {
    match scopes.binary_search_by_key(&entry, |it| it.0) {
        Ok(at) => {
            if let Some((_, known)) = scopes.get_mut(at) {
                *known = scope.max(*known);
            }
        }
        Err(at) => scopes.insert(at, (entry, scope)),
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
