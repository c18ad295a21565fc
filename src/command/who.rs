//! `origin-gate who`.

use std::path::PathBuf;
use std::process::ExitCode;

use analysis::who::Who;
use clap::Args;

use super::arguments::OutputArgs;
use super::input::policies;
use super::output::{print_each, print_json};

#[derive(Args)]
pub(crate) struct WhoArgs {
    /// The policy; `-` for standard input
    policy: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// Only what holds for this host
    #[arg(long)]
    host: Option<String>,
    /// Only what holds for this path
    #[arg(long)]
    path: Option<String>,
}

/// Prints each policy of a file as a table.
pub(crate) fn run(args: &WhoArgs) -> Result<ExitCode, String> {
    tell(args).or_else(|problem| args.output.fail(problem))
}

fn tell(args: &WhoArgs) -> Result<ExitCode, String> {
    let inputs = policies([&args.policy], &args.output.environment)?;
    let who = inputs
        .iter()
        .map(|it| it.who(args.host.as_deref(), args.path.as_deref()));
    let who = who.collect::<Result<Vec<_>, _>>()?;
    match args.output.json {
        true => print_json(&inputs, who.iter().map(Who::json).collect()),
        false => print_each(&inputs, who.iter().map(Who::text).collect()),
    }
    .map(|()| ExitCode::SUCCESS)
}
