//! Counting what is seen most, in bounded memory.

use std::collections::HashMap;

/// What is counted of each key.
#[derive(Clone, Debug)]
struct Group<T> {
    count: u64,
    what: T,
}

/// Counts of keys. When there are twice as many as are kept, the rarer half is dropped: a key that comes steadily stays, and its
/// count is exact unless it was dropped before.
#[derive(Clone, Debug)]
pub(super) struct Groups<T> {
    groups: HashMap<Box<[u8]>, Group<T>>,
    most: usize,
    dropped: u64,
}

impl<T> Groups<T> {
    /// Keeps at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            groups: HashMap::new(),
            most,
            dropped: 0,
        }
    }

    /// Counts a key once more, and changes what is known of it; `make` says what that is at first.
    pub(super) fn count(&mut self, key: &[u8], make: impl FnOnce() -> T, change: impl FnOnce(&mut T)) {
        if let Some(group) = self.groups.get_mut(key) {
            group.count += 1;
            change(&mut group.what);
            return;
        }
        if self.groups.len() >= 2 * self.most {
            self.drop_rare();
        }
        let mut what = make();
        change(&mut what);
        self.groups.insert(key.into(), Group { count: 1, what });
    }

    fn drop_rare(&mut self) {
        let mut counts: Vec<_> = self.groups.values().map(|it| it.count).collect();
        let middle = counts.len() / 2;
        let (_, &mut limit, _) = counts.select_nth_unstable(middle);
        let dropped = &mut self.dropped;
        self.groups.retain(|_, group| {
            let stays = group.count > limit;
            *dropped += if stays { 0 } else { group.count };
            stays
        });
    }

    /// What is known of the most frequent, each with its count and the first one first; and how often others were counted.
    pub(super) fn finish(self) -> (Vec<(u64, T)>, u64) {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by(|(a, one), (b, other)| other.count.cmp(&one.count).then_with(|| a.cmp(b)));
        let rest = groups.split_off(groups.len().min(self.most));
        let rest: u64 = rest.iter().map(|(_, it)| it.count).sum();
        let groups = groups.into_iter().map(|(_, it)| (it.count, it.what));
        (groups.collect(), self.dropped + rest)
    }
}
