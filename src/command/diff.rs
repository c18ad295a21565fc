//! `origin-gate diff`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use analysis::diff::Diff;
use analysis::reach::Subject;
use clap::Args;
use policy::text::printable;
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

/// Compares the policies of two files, those of the same name with each other.
pub(crate) fn run(args: &DiffArgs) -> Result<ExitCode, String> {
    compare(args).or_else(|problem| args.output.fail(problem))
}

fn compare(args: &DiffArgs) -> Result<ExitCode, String> {
    let new_env = &args.output.environment;
    let old_env = args.old_env.clone().map(EnvironmentArgs::of);
    let old = policies([&args.old], old_env.as_ref().unwrap_or(new_env))?;
    let new = policies([&args.new], new_env)?;
    let pairs = pairs(&old, &new)?;
    let mut texts = Vec::new();
    let mut values = Vec::new();
    let mut code = 0;
    for (name, [old, new]) in &pairs {
        let diff = Diff::between(&subject(*old)?, &subject(*new)?);
        let diff = diff.map_err(|error| format!("the expressions of both policies cannot be compared: {error}"))?;
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
        let heading = if pairs.len() > 1 {
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

type Pairs<'a> = BTreeMap<&'a str, [Option<&'a Input>; 2]>;

/// The policies of two files: each file's only policy, wherever it stands, or those of one name.
fn pairs<'a>(old: &'a [Input], new: &'a [Input]) -> Result<Pairs<'a>, String> {
    if let ([one], [two]) = (old, new) {
        return Ok([("", [Some(one), Some(two)])].into());
    }
    let mut pairs = Pairs::new();
    for (side, inputs) in [old, new].into_iter().enumerate() {
        for input in inputs {
            let pair = pairs.entry(input.name()).or_default();
            let known = pair.get_mut(side).and_then(|it| it.replace(input));
            if known.is_some() {
                let (file, name) = (&input.file, input.name());
                return Err(format!(
                    "{file}: there are two policies `{name}`; compare them one by one"
                ));
            }
        }
    }
    Ok(pairs)
}

fn subject(input: Option<&Input>) -> Result<Subject, String> {
    let Some(input) = input.filter(|it| !it.configuration.trim_ascii().is_empty()) else {
        return Ok(Subject::none());
    };
    input.subject()
}
