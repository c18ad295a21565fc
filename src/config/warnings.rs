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

use std::fmt::Display;

use super::django::Settings;
use super::node::Node;
use super::note::{Note, Report};
use super::problem::Problem;
use policy::Policy;

#[cfg(not(target_arch = "wasm32"))]
pub use addresses::problem_of_host;
pub use scope::Scope;

/// Adds every warning about a configuration that has no errors.
pub fn add(root: &[(String, Node)], policy: &Policy, settings: &Settings, report: &mut Report) {
    let scopes = Scope::all(root, settings);
    addresses::warn_of_top_level(&scopes, report);
    hidden::warn(&scopes, policy, report);
    resets::warn(&scopes, report);
    idle::warn(&scopes, settings, report);
    modes::warn(&scopes, report);
    addresses::warn(&scopes, report);
    tenants::warn(&scopes, policy, report);
}

/// Records a warning whose message is the problem's text and what follows it. One function, because each call of
/// [`Note`]'s own would add code to the module.
#[inline(never)]
fn warn(report: &mut Report, path: &str, value: Option<&dyn Display>, problem: Problem, more: &str) {
    let what = (problem, [problem.text(), more].concat());
    report.warn(match value {
        Some(value) => Note::on(path, value, what),
        None => Note::at(path, what),
    });
}
