//! `origin-gate compile`.

use std::path::PathBuf;
use std::process::ExitCode;

use config::{LONG, compile, inline};

use super::input::{EnvironmentArgs, policy_of};
use super::output::{print, say};

/// Prints a policy that loads in its compiled form, and its warnings where they disturb nothing.
pub(crate) fn run(policy: &PathBuf, environment: &EnvironmentArgs, is_inline: bool) -> Result<ExitCode, String> {
    let input = policy_of(policy, environment, "compile")?;
    let checked = analysis::check::check(&input.configuration, &input.environment);
    for warning in &checked.warnings {
        say(&format!("warning: {warning}"));
    }
    let compiled = match checked.errors.as_slice() {
        [] => compile(&input.configuration, LONG).ok_or("the policy does not load")?,
        errors => return Err(format!("the policy does not load:\n{}", errors.join("\n"))),
    };
    let text = match is_inline {
        true => inline(&compiled),
        false => String::from_utf8(compiled).map_err(|error| error.to_string())?,
    };
    print(&text).map(|()| ExitCode::SUCCESS)
}
