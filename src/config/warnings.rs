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
mod tenants;
mod written_rules;

use std::fmt::Display;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::django::Settings;
use super::value::Value;
use policy::Policy;

#[cfg(not(target_os = "wasi"))]
pub use addresses::code_of_host;
pub(crate) use written_rules::WrittenRules;

/// Adds every warning about a configuration that has no errors.
pub(crate) fn add(root: &[(String, Value)], policy: &Policy, settings: &Settings, diagnostics: &mut Diagnostics) {
    let all_rules = WrittenRules::all(root, settings);
    addresses::warn_of_top_level(&all_rules, diagnostics);
    hidden::warn(&all_rules, policy, diagnostics);
    resets::warn(&all_rules, diagnostics);
    idle::warn(&all_rules, settings, diagnostics);
    modes::warn(&all_rules, diagnostics);
    addresses::warn(&all_rules, diagnostics);
    tenants::warn(&all_rules, policy, diagnostics);
}

/// Records a warning whose message is the code's text and then `more`. One function, because each call of
/// [`Diagnostic`]'s own would add code to the module.
#[inline(never)]
fn warn(diagnostics: &mut Diagnostics, path: &str, value: Option<&dyn Display>, code: DiagnosticCode, more: &str) {
    let message = (code, [code.text(), more].concat());
    diagnostics.warn(match value {
        Some(value) => Diagnostic::on(path, value, message),
        None => Diagnostic::at(path, message),
    });
}
