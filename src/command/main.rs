//! The command: arguments and exit codes. What it says is in the library.

#![forbid(unsafe_code)]

mod arguments;
mod compile;
mod diff;
mod explain;
mod input;
mod learn;
mod logs;
mod output;
mod packaging;
mod replay;
mod test;
mod who;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use analysis::check::Checked;
use analysis::explain::{Color, Colors};
use analysis::finding::report;
use analysis::input::{Input, check_all};
use arguments::{Cli, From, OutputArgs, RenderTarget, Verb};
use clap::Parser;
use config::SCHEMA;
use import::{Imported, SCRIPT, import_django, import_envoy, import_ingress_nginx, import_traefik};
use input::{EnvironmentArgs, policies, policy_of, text, texts};
use manifests::Target;
use output::{colors, print, print_each, print_json, say};
use packaging::{completions, manual};

const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let done = match cli.verb {
        Verb::Check {
            files,
            output,
            deny_warnings,
        } => run_check(&files, &output, deny_warnings).or_else(|problem| output.fail(problem)),
        Verb::Explain {
            policy,
            output,
            request,
        } => explain::run(&policy, &output, &request).or_else(|problem| output.fail(problem)),
        Verb::Test(args) => test::run(&args),
        Verb::Who(args) => who::run(&args),
        Verb::Diff(args) => diff::run(&args),
        Verb::Learn(args) => args.run(),
        Verb::Replay(args) => args.run().or_else(|problem| args.output.fail(problem)),
        Verb::Render {
            target,
            policy,
            environment,
            traffic_extension,
        } => run_render(target, &policy, &environment, traffic_extension),
        Verb::Compile {
            policy,
            environment,
            inline,
        } => compile::run(&policy, &environment, inline),
        Verb::Import { from } => run_import(&from),
        Verb::Schema => print(SCHEMA).map(|()| ExitCode::SUCCESS),
        Verb::Completions { shell } => completions(shell).and_then(|it| print(&it)).map(|()| ExitCode::SUCCESS),
        Verb::Man => manual().and_then(|it| print(&it)).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|problem| {
        say(&problem);
        ExitCode::FAILURE
    })
}

fn run_check(files: &[PathBuf], output: &OutputArgs, deny_warnings: bool) -> Result<ExitCode, String> {
    let inputs = policies(files, &output.environment)?;
    let checked = check_all(&inputs);
    let is_fine = |it: &Checked| it.errors.is_empty() && (!deny_warnings || it.warnings.is_empty());
    let code = match checked.iter().all(is_fine) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    };
    if output.json {
        let values = checked.iter().map(Checked::json).collect();
        return print_json(&inputs, values).map(|()| code);
    }
    let colors = colors(&io::stdout());
    let texts = inputs.iter().zip(&checked);
    let texts = texts.map(|(input, it)| check_text(input, it, colors)).collect();
    print_each(&inputs, texts).map(|()| code)
}

fn check_text(input: &Input, checked: &Checked, colors: Colors) -> String {
    let mut text = report(&checked.findings, &input.file, input.source.as_deref(), colors);
    for note in checked.grants.iter().chain(&checked.changes) {
        text += &format!("{}: {note}\n", colors.paint(Color::Cyan, "note"));
    }
    text + &match checked.summary() {
        Some(summary) => format!("{}: {summary}\n", colors.paint(Color::Green, "loads")),
        None => {
            let count = checked.errors.len();
            format!("{}, errors={count}\n", colors.paint(Color::Red, "refused"))
        }
    }
}

fn run_render(
    target: RenderTarget,
    policy: &PathBuf,
    environment: &EnvironmentArgs,
    traffic_extension: bool,
) -> Result<ExitCode, String> {
    let target = match (target, traffic_extension) {
        (RenderTarget::Istio, true) => Target::IstioTrafficExtension,
        (_, true) => return Err("--traffic-extension is for `render istio`".to_owned()),
        (RenderTarget::Istio, false) => Target::Istio,
        (RenderTarget::Envoy, false) => Target::Envoy,
        (RenderTarget::Ecds, false) => Target::Ecds,
        (RenderTarget::EnvoyGateway, false) => Target::EnvoyGateway,
    };
    let input = policy_of(policy, environment, "render")?;
    if let Err(errors) = config::load_with(&input.configuration, &input.environment) {
        return Err(format!("the policy does not load:\n{errors}"));
    }
    print(&manifests::render(&input.configuration, target)?).map(|()| ExitCode::SUCCESS)
}

fn run_import(from: &From) -> Result<ExitCode, String> {
    let Imported { policy, notes } = match from {
        From::Django { script: true, .. } => return print(SCRIPT).map(|()| ExitCode::SUCCESS),
        From::Django { files, .. } => import_django(&texts(files)?),
        From::Envoy { files } => import_envoy(&texts(files)?),
        From::Traefik { files } => import_traefik(&texts(files)?),
        From::IngressNginx { file } => import_ingress_nginx(&text(file)?),
    };
    for note in notes {
        say(&note);
    }
    match policy {
        Some(policy) => print(&policy).map(|()| ExitCode::SUCCESS),
        None => Err("there is no policy to make of this".to_owned()),
    }
}
