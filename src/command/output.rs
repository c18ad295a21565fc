//! What the command prints, for people and for programs.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use analysis::explain::Colors;
use analysis::input::Input;
use policy::text::printable;
use serde_json::{Value, json};

use super::arguments::OutputArgs;

/// Prints what there is to say of each policy, under its place.
pub(crate) fn print_each(inputs: &[Input], texts: Vec<String>) -> Result<(), String> {
    let several = inputs.len() > 1;
    let mut all = String::new();
    for (input, text) in inputs.iter().zip(texts) {
        if let Some(heading) = input.heading(several) {
            let gap = if all.is_empty() { "" } else { "\n" };
            all += &format!("{gap}{}\n", printable(&heading));
        }
        all += &text;
    }
    print(&all)
}

/// The same for programs: an object for one policy, an array for several.
pub(crate) fn print_json(inputs: &[Input], values: Vec<Value>) -> Result<(), String> {
    let mut values: Vec<_> = inputs
        .iter()
        .zip(values)
        .map(|(input, value)| input.place_in(value))
        .collect();
    let value = match values.as_mut_slice() {
        [one] => one.take(),
        _ => values.into(),
    };
    print(&format!("{value:#}\n"))
}

impl OutputArgs {
    /// Tells what went wrong where it is looked for: to programs on standard output.
    pub(crate) fn fail(&self, problem: String) -> Result<ExitCode, String> {
        if !self.json {
            return Err(problem);
        }
        print(&format!("{:#}\n", json!({ "error": problem }))).map(|()| ExitCode::FAILURE)
    }
}

/// Whoever reads may have read enough (`| head`).
pub(crate) fn print(text: &str) -> Result<(), String> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

pub(crate) fn say(problem: &str) {
    let lines: Vec<_> = problem.split('\n').map(printable).collect();
    let _ = writeln!(io::stderr().lock(), "origin-gate: {}", lines.join("\n"));
}

/// See no-color.org.
pub(crate) fn colors(stream: &impl IsTerminal) -> Colors {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    if stream.is_terminal() && !is_unwanted {
        Colors::On
    } else {
        Colors::Off
    }
}
