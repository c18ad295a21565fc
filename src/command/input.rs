//! What the command is given: files and variables.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use analysis::input::{self, Input};
use clap::Args;

/// The variables that `django_env` reads, each with its value.
type Environment = Vec<(String, String)>;

#[derive(Args)]
pub(crate) struct EnvironmentArgs {
    /// The variables that `django_env` reads, as a .env file; without it, those of this process. A manifest says which of them
    /// the plugin gets
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
}

/// The policies of files, in their order; at least one of each.
pub(crate) fn policies<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
    args: &EnvironmentArgs,
) -> Result<Vec<Input>, String> {
    let outer = args.read()?;
    let mut inputs = Vec::new();
    for file in files {
        inputs.extend(input::policies(&file.display().to_string(), read(file)?, &outer)?);
    }
    Ok(inputs)
}

/// The one policy of a file, for a verb that takes no more.
pub(crate) fn policy_of(file: &PathBuf, args: &EnvironmentArgs, verb: &str) -> Result<Input, String> {
    let mut inputs = policies([file], args)?;
    match (inputs.pop(), inputs.is_empty()) {
        (Some(input), true) => Ok(input),
        _ => Err(format!(
            "{}: there are several policies in it; {verb} takes one",
            file.display()
        )),
    }
}

impl EnvironmentArgs {
    /// The variables of a file.
    pub(crate) fn of(file: PathBuf) -> Self {
        Self { env: Some(file) }
    }

    fn read(&self) -> Result<Environment, String> {
        let Some(file) = &self.env else {
            let lossy = |it: std::ffi::OsString| it.to_string_lossy().into_owned();
            return Ok(std::env::vars_os()
                .map(|(name, value)| (lossy(name), lossy(value)))
                .collect());
        };
        let variables = import::environment(&text(file)?).map_err(|problems| {
            let problems = problems.iter().map(|it| format!("{}: {it}", file.display()));
            problems.collect::<Vec<_>>().join("\n")
        })?;
        Ok(variables.into_iter().collect())
    }
}

/// The texts of files, each with its name.
pub(crate) fn texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, String> {
    let files = files.iter();
    files
        .map(|file| Ok((file.to_string_lossy().into_owned(), text(file)?)))
        .collect()
}

pub(crate) fn text(file: &Path) -> Result<String, String> {
    String::from_utf8(read(file)?).map_err(|_| format!("{}: this is not UTF-8", file.display()))
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let done = if file.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    done.map(|()| bytes)
        .map_err(|error| format!("{}: {error}", file.display()))
}
