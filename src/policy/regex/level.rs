//! What is known of a group while it is read, or of the whole expression.

use super::parse::Flags;

/// A group as far as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// The flags that hold again behind it.
    pub(super) flags: Flags,
    pub(super) is_capture: bool,
    /// Where it begins in the program.
    pub(super) start: usize,
    /// How many jumps lead to the ends of groups around it.
    pub(super) jumps: usize,
    /// Where the alternative that is read begins in the program.
    pub(super) alternative: usize,
    /// Where the last item of the alternative begins; `None` before the first, when there is nothing to repeat.
    pub(super) item: Option<usize>,
    /// What the expression counts so far, and its last item.
    pub(super) size: usize,
    item_size: usize,
    /// How deep its alternatives are, as `regex-lite` counts it: those before this one, if there are; the items of this
    /// one before the last, if there are; and the last.
    alternatives_depth: Option<usize>,
    items_depth: Option<usize>,
    item_depth: usize,
}

impl Level {
    pub(super) fn new(flags: Flags, is_capture: bool, start: usize, jumps: usize) -> Self {
        Self {
            flags,
            is_capture,
            start,
            jumps,
            alternative: start,
            item: None,
            size: 0,
            item_size: 0,
            alternatives_depth: None,
            items_depth: None,
            item_depth: 0,
        }
    }

    /// Adds an item that begins here.
    pub(super) fn add(&mut self, start: usize, size: usize, depth: usize) {
        if self.item.is_some() {
            self.items_depth = self.items_depth.max(Some(self.item_depth));
        }
        self.item = Some(start);
        self.item_depth = depth;
        self.item_size = size;
        self.size = self.size.saturating_add(size);
    }

    /// Repeats the last item.
    pub(super) fn repeat(&mut self, least: u32, most: Option<u32>, is_lazy: bool) {
        self.item_depth = match (least, most) {
            (_, Some(0)) => 0,
            (1, Some(1)) => self.item_depth,
            _ => self.item_depth + 1,
        };
        let more = match most.unwrap_or(least) as usize {
            0 | 1 => 1,
            most => self.item_size.saturating_mul(most - 1),
        };
        let more = more.saturating_add(is_lazy.into());
        self.item_size = self.item_size.saturating_add(more);
        self.size = self.size.saturating_add(more);
    }

    /// Begins the next alternative.
    pub(super) fn next(&mut self, start: usize) {
        self.alternatives_depth = self.alternatives_depth.max(Some(self.concatenation_depth()));
        self.items_depth = None;
        self.item_depth = 0;
        self.item = None;
        self.alternative = start;
        self.size = self.size.saturating_add(1);
    }

    pub(super) fn depth(&self) -> usize {
        let last = self.concatenation_depth();
        usize::from(self.is_capture) + self.alternatives_depth.map_or(last, |depth| depth.max(last) + 1)
    }

    fn concatenation_depth(&self) -> usize {
        self.items_depth
            .map_or(self.item_depth, |depth| depth.max(self.item_depth) + 1)
    }
}
