//! The command: arguments and exit codes. What it says is in the library.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use analysis::check::{check, lints};
use analysis::explain::{Color, Colors, Scenario, explain};
use clap::{Args, Parser, Subcommand};
use config::SCHEMA;
use filter::{REVISION, VERSION};
use import::{Imported, SCRIPT, import_django, import_ingress_nginx};
use serde_json::json;

const REFUSED: u8 = 2;

/// Checks and explains Origin Gate policies, without a proxy.
#[derive(Parser)]
#[command(version = version(), arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

fn version() -> &'static str {
    static LINE: OnceLock<String> = OnceLock::new();
    LINE.get_or_init(|| format!("{VERSION} ({REVISION})"))
}

const EXAMPLES: &str = "\
Examples:
  origin-gate check policy.json
  origin-gate explain policy.json --host api.example --origin https://app.example:8443
  origin-gate explain policy.json --host api.example --origin https://app.example \\
  --method OPTIONS -H 'Access-Control-Request-Method: PUT'
  origin-gate explain policy.json --host api.example --origin https://app.example --websocket
  origin-gate explain policy.json --host api.example --origin https://shop.example \\
  --method POST --path /cart -H 'Sec-Fetch-Site: cross-site'
  origin-gate import django --script | python manage.py shell > settings.json
  origin-gate import django settings.json > policy.json
  kubectl get ingress -A -o yaml | origin-gate import ingress-nginx - > policy.json
  origin-gate schema > policy.schema.json

Exit codes:
  check    0 no errors, 1 errors; with --deny-warnings 1 for a warning too
  explain  0 allowed, 2 refused, 1 bad input
  import   0 a policy, 1 none
  schema   0";

#[derive(Subcommand)]
enum Verb {
    /// All errors and warnings of a policy
    Check {
        #[command(flatten)]
        policy: PolicyArgs,
        /// Exit with 1 for a warning too
        #[arg(long)]
        deny_warnings: bool,
    },
    /// What the filter would do with one request, and why
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        #[command(flatten)]
        policy: PolicyArgs,
        #[command(flatten)]
        request: RequestArgs,
    },
    /// A policy made of another program's configuration
    Import {
        #[command(subcommand)]
        from: From,
    },
    /// The JSON Schema (2020-12) of a policy
    Schema,
}

const DJANGO_HELP: &str = "\
To ask Django itself, which knows what its settings are in the end:
  origin-gate import django --script | python manage.py shell > settings.json
  origin-gate import django settings.json > policy.json

In a container it is `docker compose exec -T backend python manage.py shell`; any Python does that has \
DJANGO_SETTINGS_MODULE set. The program prints settings of hosts, CORS, CSRF and cookies, and no secrets.";

const EXPLAIN_HELP: &str = "\
WebSockets, writes and preflights are told by what browsers send of them: --websocket, --method, and -H for \
Access-Control-Request-Method, Access-Control-Request-Headers, Sec-Fetch-Site and others.

An ordinary request that goes on, but whose answer the page may not read, counts as refused. What a check in \
`report_only` would have refused goes on, and counts as allowed.";

#[derive(Args)]
struct PolicyArgs {
    /// The policy, a JSON file; `-` for standard input
    policy: PathBuf,
    /// The variables that `django_env` reads, as a .env file; without it, those of this process
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct RequestArgs {
    /// The host that is asked for, perhaps with a port
    #[arg(long, allow_hyphen_values = true)]
    host: Option<String>,
    /// The origin of the page
    #[arg(long, allow_hyphen_values = true)]
    origin: Option<String>,
    #[arg(long, default_value = "GET")]
    method: String,
    #[arg(long, default_value = "/")]
    path: String,
    /// The scheme of the request
    #[arg(long, default_value = "https", value_parser = ["http", "https"])]
    scheme: String,
    /// It opens a WebSocket
    #[arg(long)]
    websocket: bool,
    /// Another header; may be given again
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", allow_hyphen_values = true)]
    headers: Vec<String>,
}

#[derive(Subcommand)]
enum From {
    /// Django's settings: .env files, or what Django itself says that they are
    #[command(after_help = DJANGO_HELP)]
    Django {
        /// .env files, or what the program of --script printed; `-` for standard input
        #[arg(required_unless_present = "script", conflicts_with = "script", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print the program that asks Django for its settings
        #[arg(long)]
        script: bool,
    },
    /// Ingress manifests with the annotations of ingress-nginx
    IngressNginx {
        /// `-` for standard input
        file: PathBuf,
    },
}

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
        Verb::Check { policy, deny_warnings } => {
            run_check(&policy, deny_warnings).or_else(|problem| policy.fail(problem))
        }
        Verb::Explain { policy, request } => run_explain(&policy, &request).or_else(|problem| policy.fail(problem)),
        Verb::Import { from } => run_import(&from),
        Verb::Schema => print(SCHEMA).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|problem| {
        say(&problem);
        ExitCode::FAILURE
    })
}

fn run_check(args: &PolicyArgs, deny_warnings: bool) -> Result<ExitCode, String> {
    let environment = args.environment()?;
    let checked = check(&read(&args.policy)?, &|name| environment(name));
    let is_fine = checked.errors.is_empty() && (!deny_warnings || checked.warnings.is_empty());
    let code = if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if args.json {
        return print(&format!("{:#}\n", checked.json())).map(|()| code);
    }
    let colors = colors(&io::stdout());
    let mut text = String::new();
    for (word, color, notes) in [
        ("error", Color::Red, &checked.errors),
        ("warning", Color::Yellow, &checked.warnings),
        ("note", Color::Cyan, &checked.grants),
        ("note", Color::Cyan, &checked.changes),
    ] {
        for note in notes {
            text += &format!("{}: {note}\n", colors.paint(color, word));
        }
    }
    match &checked.summary {
        Some(summary) => text += &format!("{}: {summary}\n", colors.paint(Color::Green, "loads")),
        None => {
            text += &format!(
                "{}, errors={}\n",
                colors.paint(Color::Red, "refused"),
                checked.errors.len()
            )
        }
    }
    print(&text).map(|()| code)
}

fn run_explain(args: &PolicyArgs, request: &RequestArgs) -> Result<ExitCode, String> {
    let environment = args.environment()?;
    let exchange = Scenario {
        host: request.host.as_deref(),
        origin: request.origin.as_deref(),
        method: &request.method,
        path: &request.path,
        scheme: &request.scheme,
        websocket: request.websocket,
        headers: &request.headers,
    }
    .exchange()?;
    let configuration = read(&args.policy)?;
    let loaded = match config::load_with(&configuration, &|name| environment(name)) {
        Ok(loaded) => loaded,
        Err(errors) if args.json => {
            let errors: Vec<_> = errors.errors.iter().map(ToString::to_string).collect();
            print(&format!("{:#}\n", json!({ "errors": errors })))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(errors) => return Err(format!("the policy does not load:\n{errors}")),
    };
    let lints = lints(&configuration, &|name| environment(name), &loaded.warnings);
    let mut explanation = explain(loaded, &exchange)?;
    explanation
        .warnings
        .extend(lints.into_iter().map(|(_, warning)| warning));
    let text = if args.json {
        format!("{:#}\n", explanation.json())
    } else {
        explanation.text(colors(&io::stdout()))
    };
    print(&text)?;
    Ok(if explanation.is_allowed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

fn run_import(from: &From) -> Result<ExitCode, String> {
    let Imported { policy, notes } = match from {
        From::Django { script: true, .. } => return print(SCRIPT).map(|()| ExitCode::SUCCESS),
        From::Django { files, .. } => {
            let files = files
                .iter()
                .map(|file| Ok((file.to_string_lossy().into_owned(), text(file)?)));
            import_django(&files.collect::<Result<Vec<_>, String>>()?)
        }
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

impl PolicyArgs {
    /// Tells what went wrong where it is looked for: to programs on standard output.
    fn fail(&self, problem: String) -> Result<ExitCode, String> {
        if !self.json {
            return Err(problem);
        }
        print(&format!("{:#}\n", json!({ "error": problem }))).map(|()| ExitCode::FAILURE)
    }

    fn environment(&self) -> Result<impl Fn(&str) -> Option<String>, String> {
        let variables = variables(self.env.as_ref())?;
        Ok(move |name: &str| match &variables {
            Some(variables) => variables.get(name).cloned(),
            None if name.is_empty() => Some(names_of_process()),
            None => std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
        })
    }
}

fn names_of_process() -> String {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    names.collect::<Vec<_>>().join("\n")
}

/// The variables of a file, and under the empty name their names.
fn variables(file: Option<&PathBuf>) -> Result<Option<BTreeMap<String, String>>, String> {
    let Some(file) = file else { return Ok(None) };
    let mut variables = import::environment(&text(file)?).map_err(|problems| {
        let problems = problems.iter().map(|it| format!("{}: {it}", file.display()));
        problems.collect::<Vec<_>>().join("\n")
    })?;
    let names = variables.keys().cloned().collect::<Vec<_>>().join("\n");
    variables.insert(String::new(), names);
    Ok(Some(variables))
}

fn text(file: &PathBuf) -> Result<String, String> {
    String::from_utf8(read(file)?).map_err(|_| format!("{}: this is not UTF-8", file.display()))
}

fn read(file: &PathBuf) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let done = if file.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    done.map(|()| bytes)
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// Whoever reads may have read enough (`| head`).
fn print(text: &str) -> Result<(), String> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

fn say(problem: &str) {
    let lines: Vec<_> = problem.split('\n').map(import::printable).collect();
    let _ = writeln!(io::stderr().lock(), "origin-gate: {}", lines.join("\n"));
}

/// See no-color.org.
fn colors(stream: &impl IsTerminal) -> Colors {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    if stream.is_terminal() && !is_unwanted {
        Colors::On
    } else {
        Colors::Off
    }
}
