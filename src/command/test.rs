//! `origin-gate test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analysis::cases::{Case, Edited, Problem, Suite, Unnoticed, edits, explainer};
use analysis::input::{Input, places_in};
use analysis::places::Places;
use clap::Args;
use policy::text::printable;
use serde_json::{Value, json};

use super::REFUSED;
use super::arguments::OutputArgs;
use super::input::{policy_of, text};
use super::output::print;

#[derive(Args)]
pub(crate) struct TestArgs {
    /// The policy; `-` for standard input
    policy: PathBuf,
    /// Files of cases, in YAML or JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    /// Name the entries of the policy that no case needs
    #[arg(long)]
    coverage: bool,
    /// Name the single edits of the policy that no case notices
    #[arg(long)]
    mutate: bool,
}

/// A file of cases.
struct File {
    name: String,
    text: String,
    places: Places,
    suite: Suite,
}

pub(crate) fn run(args: &TestArgs) -> Result<ExitCode, String> {
    test(args).or_else(|problem| args.output.fail(problem))
}

fn test(args: &TestArgs) -> Result<ExitCode, String> {
    let input = policy_of(&args.policy, &args.output.environment, "test")?;
    let files = args.files.iter().map(|it| read(it)).collect::<Result<Vec<_>, _>>()?;
    let explainer = explainer(&input.configuration, &input.environment)
        .map_err(|errors| format!("{}: the policy does not load:\n{errors}", input.file))?;
    let cases = files
        .iter()
        .flat_map(|file| file.suite.cases.iter().map(move |case| (file, case)));
    let cases: Vec<_> = cases
        .map(|(file, case)| (file, case, case.failures(&explainer)))
        .collect();
    let failed: Vec<_> = cases.iter().filter(|(.., failures)| !failures.is_empty()).collect();
    let is_edited = args.coverage || args.mutate;
    let result = Results {
        count: cases.len(),
        skipped: files.iter().map(|it| it.suite.skipped).sum(),
        unnoticed: match failed.is_empty() {
            true if is_edited => unnoticed(args, &input, &files)?,
            _ => Vec::new(),
        },
        is_untried: is_edited && !failed.is_empty(),
        failed,
    };
    print(&match args.output.json {
        true => format!("{:#}\n", result.json()),
        false => result.text(),
    })?;
    Ok(match result.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REFUSED),
    })
}

/// What came of the cases.
struct Results<'a> {
    count: usize,
    skipped: usize,
    failed: Vec<&'a (&'a File, &'a Case, Vec<String>)>,
    unnoticed: Vec<(Edited, Unnoticed)>,
    /// Whether edits are not tried, since some case fails without any.
    is_untried: bool,
}

impl Results<'_> {
    fn json(&self) -> Value {
        let failures = self.failed.iter().map(|(file, case, failures)| {
            json!({"file": file.name, "line": file.line(&case.path), "name": case.name, "failures": failures})
        });
        json!({
            "cases": self.count,
            "skipped": self.skipped,
            "failed": failures.collect::<Vec<_>>(),
            "unnoticed": self.unnoticed.iter().map(|(edit, it)| json_of(edit, it)).collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let failures = self.failed.iter();
        let mut text: String = failures.map(|(file, case, it)| failure_text(file, case, it)).collect();
        text.extend(self.unnoticed.iter().map(|(edit, it)| text_of(edit, it)));
        let skipped = match self.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped, which only a proxy shows"),
        };
        text += &format!(
            "{} of {} cases hold{skipped}\n",
            self.count - self.failed.len(),
            self.count
        );
        if self.is_untried {
            text += "edits of the policy are tried once all cases hold\n";
        }
        text
    }
}

fn read(file: &Path) -> Result<File, String> {
    let text = text(file)?;
    let name = file.display().to_string();
    let problem = |problem| format!("{name}: {problem}");
    let documents = manifests::yaml::documents(&text).map_err(problem)?;
    let value = serde_json::to_value(documents.first()).map_err(|error| problem(error.to_string()))?;
    let places = places_in(&text);
    let suite = Suite::read(&value).map_err(|problems| {
        let problems = problems.iter().map(|it| problem_text(&name, &text, &places, it));
        problems.collect::<Vec<_>>().join("\n")
    })?;
    Ok(File {
        name,
        text,
        places,
        suite,
    })
}

fn problem_text(file: &str, text: &str, places: &Places, Problem { path, message }: &Problem) -> String {
    match places.find(text, path, false) {
        Some(place) => format!("{file}:{}:{}: {path}: {message}", place.line, place.column),
        None => format!("{file}: {message}"),
    }
}

impl File {
    fn line(&self, path: &str) -> Option<usize> {
        self.places.find(&self.text, path, false).map(|it| it.line)
    }
}

fn failure_text(file: &File, case: &Case, failures: &[String]) -> String {
    let line = file.line(&case.path).map(|it| format!(":{it}")).unwrap_or_default();
    let mut text = printable(&format!("{}{line}: {}", file.name, case.name)) + "\n";
    for failure in failures {
        text += &format!("  {}\n", printable(failure));
    }
    text
}

/// The edits that no case notices.
fn unnoticed(args: &TestArgs, input: &Input, files: &[File]) -> Result<Vec<(Edited, Unnoticed)>, String> {
    let subject = input.subject()?;
    let suites: Vec<_> = files.iter().map(|it| it.suite.clone()).collect();
    let mut unnoticed = Vec::new();
    for edit in edits(&input.configuration)
        .into_iter()
        .filter(|it| args.mutate || it.is_removal)
    {
        let found = edit.unnoticed(&suites, &subject, &input.environment);
        if let Some(found) =
            found.map_err(|error| format!("{}: the expressions cannot be compared: {error}", input.file))?
        {
            unnoticed.push((edit, found));
        }
    }
    Ok(unnoticed)
}

fn text_of(edit: &Edited, unnoticed: &Unnoticed) -> String {
    let head = match edit.is_removal {
        true => format!("{}: no case needs it ({})", edit.path, edit.what),
        false => format!("{}: no case notices {}", edit.path, edit.what),
    };
    let mut text = printable(&head) + "\n";
    if let Some((request, expect)) = &unnoticed.case {
        text += &printable(&format!("  - request: {request}"));
        text += &format!("\n    expect: {expect}\n");
    }
    text
}

fn json_of(edit: &Edited, unnoticed: &Unnoticed) -> Value {
    json!({
        "path": edit.path,
        "edit": edit.what,
        "is_removal": edit.is_removal,
        "case": unnoticed.case.as_ref().map(|(request, expect)| json!({"request": request, "expect": expect})),
    })
}
