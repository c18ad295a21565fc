//! `origin-gate diff`.

use std::path::PathBuf;
use std::process::ExitCode;

use analysis::input;
use clap::Args;
use policy::text::printable;
use serde_json::{Value, json};

use super::arguments::OutputArgs;
use super::input::{EnvironmentArgs, policies};
use super::output::print;

const STRICTER: u8 = 3;
const PERMITS_MORE: u8 = 4;

#[derive(Args)]
pub(crate) struct DiffArgs {
    /// The policy in force; an empty file is no filter at all
    old: PathBuf,
    /// The one that would follow it
    new: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// The variables that `django_env` of OLD reads; without it, those of NEW
    #[arg(long, value_name = "FILE")]
    old_env: Option<PathBuf>,
}

/// Compares the policies of two files, those of the same name with each other.
pub(crate) fn run(args: &DiffArgs) -> Result<ExitCode, String> {
    compare(args).or_else(|problem| args.output.fail(problem))
}

fn compare(args: &DiffArgs) -> Result<ExitCode, String> {
    let new_env = &args.output.environment;
    let old_env = args.old_env.clone().map(EnvironmentArgs::of);
    let old = policies([&args.old], old_env.as_ref().unwrap_or(new_env))?;
    let new = policies([&args.new], new_env)?;
    let diffs = input::compare(&old, &new)?;
    let mut texts = Vec::new();
    let mut values = Vec::new();
    let mut code = 0;
    for (name, diff) in &diffs {
        code = code.max(match (diff.permits_more(), diff.changes.is_empty()) {
            (true, _) => PERMITS_MORE,
            (false, false) => STRICTER,
            (false, true) => 0,
        });
        let mut value = diff.json();
        if let (Some(object), false) = (value.as_object_mut(), name.is_empty()) {
            object.insert("policy".to_owned(), json!(name));
        }
        values.push(value);
        let heading = if diffs.len() > 1 {
            format!("{}\n", printable(name))
        } else {
            String::new()
        };
        texts.push(heading + &diff.text());
    }
    let value = match values.as_mut_slice() {
        [one] => one.take(),
        _ => Value::from(values),
    };
    match args.output.json {
        true => print(&format!("{value:#}\n")),
        false => print(&texts.join("\n")),
    }
    .map(|()| ExitCode::from(code))
}
