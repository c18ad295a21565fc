//! Policies that do less than they say, or grant more than it seems: what loads and is perhaps not meant.
//!
//! These warnings look at the configuration as it was written, once it has no errors, because most of them are about what
//! a parsed policy no longer shows: which section a key stands in, and which section hides it.

mod addresses;
mod hidden;
mod idle;
mod keys;
mod modes;
mod resets;
mod scope;
mod tenants;

use super::django::Settings;
use super::node::Node;
use super::note::Report;
use crate::policy::Policy;

pub use scope::Scope;

/// Adds every warning about a configuration that has no errors.
pub fn add(root: &[(String, Node)], policy: &Policy, settings: &Settings, report: &mut Report) {
    let scopes = Scope::all(root, settings);
    hidden::warn(&scopes, policy, report);
    resets::warn(&scopes, report);
    idle::warn(&scopes, settings, report);
    modes::warn(&scopes, report);
    addresses::warn(&scopes, report);
    tenants::warn(&scopes, policy, report);
}
