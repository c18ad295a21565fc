//! `origin-gate diff`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use analysis::check::printable;
use analysis::diff::Diff;
use analysis::reach::Subject;
use clap::Args;
use serde_json::{Value, json};

use super::arguments::OutputArgs;
use super::input::{EnvironmentArgs, Input, policies};
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

/// Compares the policies of two files, those of the same place with each other.
pub(crate) fn run(args: &DiffArgs) -> Result<ExitCode, String> {
    compare(args).or_else(|problem| args.output.fail(problem))
}

fn compare(args: &DiffArgs) -> Result<ExitCode, String> {
    let new_env = &args.output.environment;
    let old_env = args.old_env.clone().map(EnvironmentArgs::of);
    let old = policies([&args.old], old_env.as_ref().unwrap_or(new_env))?;
    let new = policies([&args.new], new_env)?;
    let pairs = pairs(&old, &new);
    let mut texts = Vec::new();
    let mut values = Vec::new();
    let mut code = 0;
    for (place, [old, new]) in &pairs {
        let diff = Diff::between(&subject(*old)?, &subject(*new)?);
        let diff = diff.map_err(|error| format!("the expressions of both policies cannot be compared: {error}"))?;
        code = code.max(match (diff.permits_more(), diff.changes.is_empty()) {
            (true, _) => PERMITS_MORE,
            (false, false) => STRICTER,
            (false, true) => 0,
        });
        let mut value = diff.json();
        if let (Some(object), false) = (value.as_object_mut(), place.is_empty()) {
            object.insert("place".to_owned(), json!(place));
        }
        values.push(value);
        let heading = if pairs.len() > 1 {
            format!("{}\n", printable(place))
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

/// The policies of two files by their place, in order: each file's only policy, wherever it stands, or those of one place.
fn pairs<'a>(old: &'a [Input], new: &'a [Input]) -> Vec<(String, [Option<&'a Input>; 2])> {
    if let ([one], [two]) = (old, new) {
        return vec![(String::new(), [Some(one), Some(two)])];
    }
    let mut pairs: BTreeMap<String, [Option<&Input>; 2]> = BTreeMap::new();
    for input in old {
        pairs.entry(input.place().to_owned()).or_default()[0] = Some(input);
    }
    for input in new {
        pairs.entry(input.place().to_owned()).or_default()[1] = Some(input);
    }
    pairs.into_iter().collect()
}

fn subject(input: Option<&Input>) -> Result<Subject, String> {
    let Some(input) = input.filter(|it| !it.configuration.trim_ascii().is_empty()) else {
        return Ok(Subject::none());
    };
    input.subject()
}
