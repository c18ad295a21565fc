//! Changes that are reported as one.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::Cause;
use super::{Change, Direction, Witness};
use crate::reach::Permission;

/// All that was found.
#[derive(Default)]
pub(super) struct Found(BTreeMap<Key, Alike>);

/// What changes have in common that are reported as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub is_ambiguous: bool,
    pub direction: Direction,
    pub whom: BTreeSet<String>,
    pub cause: Option<Cause>,
}

#[derive(Default)]
struct Alike {
    permissions: BTreeMap<Permission, Witness>,
    places: BTreeSet<String>,
}

impl Found {
    /// Adds what one request shows.
    pub(super) fn add(
        &mut self,
        key: Key,
        place: String,
        permissions: impl IntoIterator<Item = Permission>,
        witness: &Witness,
    ) {
        let alike = self.0.entry(key).or_default();
        alike.places.insert(place);
        for permission in permissions {
            add(&mut alike.permissions, permission, witness.clone());
        }
    }

    pub(super) fn changes(self) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for (key, found) in self.0 {
            let says_all = found.permissions.contains_key(&Permission::Read);
            let permissions = found.permissions.into_iter();
            let change = Change {
                direction: key.direction,
                whom: key.whom,
                permissions: permissions.filter(|(it, _)| !(says_all && it.is_of_reader())).collect(),
                places: found.places,
                cause: key.cause,
                is_ambiguous: key.is_ambiguous,
            };
            let is_known = |it: &Change| {
                it.direction == change.direction
                    && change.permissions.keys().all(|own| it.permissions.contains_key(own))
            };
            if change.is_ambiguous && changes.iter().any(is_known) {
                continue;
            }
            match changes.iter_mut().find(|it| it.is_alike(&change)) {
                Some(known) => known.add(change),
                None => changes.push(change),
            }
        }
        changes
    }
}

impl Change {
    /// Whether two can be reported as one.
    fn is_alike(&self, other: &Self) -> bool {
        (self.direction, self.is_ambiguous) == (other.direction, other.is_ambiguous)
            && (&self.cause, &self.places) == (&other.cause, &other.places)
            && self.permissions.keys().eq(other.permissions.keys())
    }

    fn add(&mut self, other: Self) {
        self.whom.extend(other.whom);
        for (permission, witness) in other.permissions {
            add(&mut self.permissions, permission, witness);
        }
    }
}

/// Keeps the shorter of two requests that show the same.
fn add(permissions: &mut BTreeMap<Permission, Witness>, permission: Permission, witness: Witness) {
    match permissions.get_mut(&permission) {
        Some(known) if known.question.length() <= witness.question.length() => {}
        Some(known) => *known = witness,
        None => drop(permissions.insert(permission, witness)),
    }
}
