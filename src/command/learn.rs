//! `learn`: from an access log to a draft of a policy.

use std::path::PathBuf;
use std::process::ExitCode;

use analysis::log::{Learner, Reading};
use clap::Args;

use super::logs;
use super::output::{print, say};

/// What `learn --help` says besides its options.
pub(crate) const LEARN_HELP: &str = "\
The draft permits what was answered well, with success or a redirect, and nothing else: exact origins on the hosts that they asked, \
hosts, and the methods and headers of preflights. Patterns are proposals in comments. Where everybody was answered (`*`), origins are \
questions in comments. Every check only reports. What is left out is named on standard error.";

#[derive(Args)]
pub(crate) struct LearnArgs {
    /// Access logs, plain or compressed by gzip; `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Print JSON, which has no comments
    #[arg(long)]
    json: bool,
    /// Write what the log shows for each entry to a file, in JSON
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// The host of requests of which the log does not say it
    #[arg(long)]
    host: Option<String>,
}

impl LearnArgs {
    pub(crate) fn run(&self) -> Result<ExitCode, String> {
        if self.logs.iter().filter(|it| it.as_os_str() == "-").count() > 1 {
            return Err("standard input (`-`) can be one log only".to_owned());
        }
        let mut reading = Reading::new(self.host.as_deref());
        let mut learner = Learner::default();
        logs::read(&self.logs, &mut reading, |line, _| learner.add(line))?;
        if let Some(problem) = reading.problem() {
            return Err(problem);
        }
        let draft = learner.finish(&reading)?;
        if let Some(file) = &self.evidence {
            let text = format!("{:#}\n", draft.evidence());
            std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        draft.notes().iter().for_each(|it| say(it));
        match self.json {
            true => print(&format!("{:#}\n", draft.json()))?,
            false => print(&draft.yaml())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
