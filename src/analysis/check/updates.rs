//! What becomes of a refused update where a policy is deployed: what one policy alone does not show.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::Checked;
use super::codes::{KEEP_MISSING, KEEP_NAME_SHARED};
use crate::finding::{Finding, Severity};
use config::OnRefusedUpdate;

/// How Envoy is given a policy, as far as a refused update goes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// A filter of an Envoy under a plugin name, by which its policy is kept.
    Named {
        /// Which Envoy: filters with another value are of another.
        envoy: (String, usize),
        /// The plugin's `name`.
        name: String,
        /// Where it stands, for people.
        place: String,
    },
    /// Envoy accepts a policy before it has the module that judges it.
    Fetched,
    /// Nothing is known of it, or nothing matters.
    Other,
}

const PATH: &str = "on_refused_update";

/// Adds what only shows beside each other: policies that are kept under one name, and one that is not kept where a refusal
/// comes too late.
pub fn check_updates(deployed: &[Deployment], checked: &mut [Checked]) {
    let mut kept = BTreeMap::new();
    for (deployment, checked) in deployed.iter().zip(checked) {
        match (deployment, keeps(checked)) {
            (Deployment::Named { envoy, name, place }, Some(true)) => match kept.entry((envoy, name)) {
                Slot::Vacant(slot) => drop(slot.insert(place)),
                Slot::Occupied(other) => checked.refuse(name_shared(name, other.get())),
            },
            (Deployment::Fetched, Some(false)) => checked.warn(keep_missing()),
            _ => {}
        }
    }
}

/// Whether a policy stays in force where a later one has an error, if it loads.
fn keeps(checked: &Checked) -> Option<bool> {
    let loaded = checked.loaded.as_ref()?;
    Some(loaded.on_refused_update == OnRefusedUpdate::Keep)
}

fn name_shared(name: &str, place: &str) -> Finding {
    finding(
        KEEP_NAME_SHARED,
        Severity::Error,
        Some("keep"),
        format!(
            "the filter at {place} keeps its policy under the plugin name `{name}` too, so that one would be given the other's; \
             write another `name` beside `root_id`"
        ),
        None,
    )
}

fn keep_missing() -> Finding {
    finding(
        KEEP_MISSING,
        Severity::Warning,
        None,
        "Envoy Gateway has Envoy fetch the module after Envoy has accepted the policy, so that a later policy with an error can answer \
         503 to every request; write `keep`: then the policy in force stays"
            .to_owned(),
        Some("keep"),
    )
}

fn finding(
    code: &'static str,
    severity: Severity,
    value: Option<&str>,
    message: String,
    replacement: Option<&str>,
) -> Finding {
    Finding {
        severity,
        code,
        path: PATH.to_owned(),
        value: value.map(str::to_owned),
        message,
        replacement: replacement.map(str::to_owned),
        help: None,
        place: None,
    }
}
