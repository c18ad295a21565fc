//! `explain`: what becomes of a request, described by options or by what people have in hand.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use analysis::evidence::{Evidence, Facts, WithoutPolicy, explain_archive};
use analysis::explain::Explainer;
use analysis::finding::Finding;
use clap::Args;
use serde_json::{Value, json};

use super::REFUSED;
use super::arguments::OutputArgs;
use super::input::{policies, text};
use super::output::{colors, print, print_each, print_json};

/// What `explain --help` says besides its options.
pub(crate) const HELP: &str = "\
WebSockets, writes and preflights are described by the headers that a browser would send: --websocket, --method, and -H for \
Access-Control-Request-Method, Access-Control-Request-Headers, Sec-Fetch-Site and others. A Cookie header says that the page \
asks with credentials.

Or give what you have: --curl, --har, --console or --log. The other options say what it leaves out, and replace what it \
says.

A request whose answer the page does not get counts as refused, also where the browser alone keeps it. What a check in \
`report_only` would have refused goes on, and counts as allowed.";

#[derive(Args)]
pub(crate) struct RequestArgs {
    /// The host that is asked for, perhaps with a port
    #[arg(long, allow_hyphen_values = true)]
    host: Option<String>,
    /// The origin of the page
    #[arg(long, allow_hyphen_values = true)]
    origin: Option<String>,
    /// The method [default: GET]
    #[arg(long)]
    method: Option<String>,
    /// The path, perhaps with a query [default: /]
    #[arg(long)]
    path: Option<String>,
    /// The scheme of the request [default: https]
    #[arg(long, value_parser = ["http", "https"])]
    scheme: Option<String>,
    /// It opens a WebSocket
    #[arg(long)]
    websocket: bool,
    /// Another header; may be given again
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", allow_hyphen_values = true)]
    headers: Vec<String>,
    /// The status of the backend's response
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..600))]
    response_status: Option<u16>,
    /// A header of the backend's response; may be given again
    #[arg(long, value_name = "NAME: VALUE", allow_hyphen_values = true)]
    response_header: Vec<String>,
    /// A curl command, such as browsers copy ("Copy as cURL")
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true, group = "evidence")]
    curl: Option<String>,
    /// A browser's archive of requests, of which each that is refused is shown
    #[arg(long, value_name = "FILE", group = "evidence")]
    har: Option<PathBuf>,
    /// A message of the console of Chromium, Firefox or Safari
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, group = "evidence")]
    console: Option<String>,
    /// A line of the access log, or one that the filter logged
    #[arg(long, value_name = "LINE", allow_hyphen_values = true, group = "evidence")]
    log: Option<String>,
}

impl RequestArgs {
    fn evidence(&self) -> Option<Evidence<'_>> {
        let curl = self.curl.as_deref().map(Evidence::Curl);
        let console = self.console.as_deref().map(Evidence::Console);
        curl.or(console).or(self.log.as_deref().map(Evidence::Log))
    }

    fn said(&self) -> Facts {
        Facts {
            host: self.host.clone(),
            origin: self.origin.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            scheme: self.scheme.clone(),
            websocket: self.websocket,
            headers: self.headers.clone(),
            status: self.response_status,
            response: self.response_header.clone(),
            ..Facts::default()
        }
    }
}

pub(crate) fn run(policy: &PathBuf, output: &OutputArgs, request: &RequestArgs) -> Result<ExitCode, String> {
    let facts = match request.evidence() {
        Some(evidence) => evidence.facts()?.overridden_by(request.said()),
        None => request.said(),
    };
    if let Some(verdict) = &facts.verdict {
        return print(&unasked(output, verdict)).map(|()| ExitCode::from(REFUSED));
    }
    let archive = request.har.as_deref().map(text).transpose()?;
    let inputs = policies([policy], &output.environment)?;
    let (mut values, mut texts, mut code) = (Vec::new(), Vec::new(), 0);
    for input in &inputs {
        let explainer = match input.explainer() {
            Ok(explainer) => explainer,
            Err(_) if output.json => {
                let checked = input.check();
                let findings: Vec<_> = checked.findings.iter().map(Finding::json).collect();
                print(&format!(
                    "{:#}\n",
                    json!({ "errors": checked.errors, "findings": findings })
                ))?;
                return Ok(ExitCode::FAILURE);
            }
            Err(errors) => return Err(format!("the policy does not load:\n{errors}")),
        };
        let (value, text, is_fine) = match &archive {
            Some(archive) => of_archive(&explainer, archive, &request.said())?,
            None => of_request(&explainer, &facts)?,
        };
        if !is_fine {
            code = REFUSED;
        }
        values.push(value);
        texts.push(text);
    }
    match output.json {
        true => print_json(&inputs, values)?,
        false => print_each(&inputs, texts)?,
    }
    Ok(ExitCode::from(code))
}

/// What there is to say of a request, for programs and for people, and whether the page gets its answer.
fn of_request(explainer: &Explainer, facts: &Facts) -> Result<(Value, String, bool), String> {
    let (visit, notes) = facts.clone().explain(explainer)?;
    let text = visit.text(colors(&io::stdout()), &notes);
    Ok((visit.json(&notes), text, visit.succeeds()))
}

fn of_archive(explainer: &Explainer, archive: &str, only: &Facts) -> Result<(Value, String, bool), String> {
    let archive = explain_archive(explainer, archive, only)?;
    Ok((archive.json(), archive.text(colors(&io::stdout())), archive.succeeds()))
}

/// What no policy decides.
fn unasked(output: &OutputArgs, verdict: &WithoutPolicy) -> String {
    match output.json {
        true => format!("{:#}\n", verdict.json()),
        false => verdict.text(colors(&io::stdout())),
    }
}
