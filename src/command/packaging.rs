//! What shells and packagers need: completions, and the manual page.

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::arguments::Cli;

const NAME: &str = "origin-gate";

/// A shell's completions.
pub(crate) fn completions(shell: Shell) -> Result<String, String> {
    let mut text = Vec::new();
    generate(shell, &mut Cli::command(), NAME, &mut text);
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// The manual page in roff, the verbs on it too: one file to install.
pub(crate) fn manual() -> Result<String, String> {
    let mut command = Cli::command().name(NAME);
    command.build();
    let mut page = String::new();
    let write = |command: &Command| -> Result<String, String> {
        let mut text = Vec::new();
        Man::new(command.clone())
            .render(&mut text)
            .map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    };
    page += &write(&command)?;
    for verb in command.get_subcommands().flat_map(verbs) {
        let name = verb.get_bin_name().unwrap_or_else(|| verb.get_name());
        page += &format!(".SH {}\n", name.to_uppercase());
        // Its sections, without the title of a page of its own.
        let text = write(&verb)?;
        let (_, sections) = text.split_once(".SH NAME\n").unwrap_or(("", &text));
        page += &sections.replace(".SH ", ".SS ");
    }
    Ok(page)
}

/// A verb, or the verbs below it.
fn verbs(command: &Command) -> Vec<Command> {
    let below: Vec<_> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    match below.is_empty() {
        true => vec![command.clone()],
        false => below.into_iter().flat_map(verbs).collect(),
    }
}
