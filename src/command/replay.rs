//! `replay`: an access log through a policy.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use analysis::explain::Explainer;
use analysis::input::Input;
use analysis::log::{Decider, Reading, Replay, Report};
use clap::Args;

use super::REFUSED;
use super::arguments::OutputArgs;
use super::input::{policies, policy_of};
use super::logs;
use super::output::{colors, print_each, print_json};

/// What `replay --help` says besides its options.
pub(crate) const REPLAY_HELP: &str = "\
Read are JSON lines (the access log of envoy/, or with the names that nginx gives the same fields), Envoy's own format, Istio's, and \
the combined format of nginx with \"$http_origin\" appended, and perhaps \"$host\" after it. What a line must have to be decided, and \
its log does not, is named with the number of such lines. What a check in `report_only` would refuse is shown and counts as \
allowed.";

#[derive(Args)]
pub(crate) struct ReplayArgs {
    /// The policy; `-` for standard input
    policy: PathBuf,
    /// Access logs, plain or compressed by gzip; `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Another policy: only what changes from it is shown
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// The host of requests of which the log does not say it
    #[arg(long)]
    host: Option<String>,
}

impl ReplayArgs {
    pub(crate) fn run(&self) -> Result<ExitCode, String> {
        let environment = &self.output.environment;
        let given = self.logs.iter().chain(&self.against).chain([&self.policy]);
        if given.filter(|it| it.as_os_str() == "-").count() > 1 {
            return Err("standard input (`-`) can be one file only: the policy, the other policy or a log".to_owned());
        }
        let inputs = policies([&self.policy], environment)?;
        let new = inputs.iter().map(decider).collect::<Result<Vec<_>, _>>()?;
        let old = self.against.as_ref().map(|it| policy_of(it, environment, "--against"));
        let old = old.transpose()?.map(|it| decider(&it)).transpose()?;

        let mut reading = Reading::new(self.host.as_deref());
        let mut replays: Vec<_> = new.iter().map(|it| Replay::new(it, old.as_ref())).collect();
        let read = logs::read(&self.logs, &mut reading, |line, text| {
            replays.iter_mut().for_each(|it| it.add(line, text));
        });
        if let Some(problem) = reading.problem() {
            return Err(problem);
        }
        let reports: Vec<_> = replays.into_iter().map(|it| it.finish(&reading)).collect();
        if self.output.json {
            read?;
            print_json(&inputs, reports.iter().map(|it| it.json(&reading)).collect())?;
        } else {
            let colors = colors(&io::stdout());
            print_each(&inputs, reports.iter().map(|it| it.text(&reading, colors)).collect())?;
            // What was read is shown, also where a file cannot be read to its end.
            read?;
        }
        Ok(match reports.iter().all(Report::is_clean) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(REFUSED),
        })
    }
}

fn decider(input: &Input) -> Result<Decider, String> {
    let loaded = config::load_with(&input.configuration, &input.environment)
        .map_err(|errors| format!("{}: the policy does not load:\n{errors}", input.file))?;
    let entries = config::entries(&input.configuration, &input.environment);
    Ok(Decider::new(Explainer::new(loaded), &entries))
}
