//! What the command is given: files, the policies in them, and variables.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use analysis::check::{Checked, Deployment};
use analysis::places::{Places, place};
use analysis::reach::Subject;
use clap::Args;
use manifests::{Loader, Mark, Written};
use serde_json::{Value, json};

/// The variables that `django_env` reads, each with its value.
type Environment = Vec<(String, String)>;

#[derive(Args)]
pub(crate) struct EnvironmentArgs {
    /// The variables that `django_env` reads, as a .env file; without it, those of this process. A manifest says which of them
    /// the plugin gets
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
}

/// A policy of a file, and the environment in which it is read.
pub(crate) struct Input {
    pub(crate) file: String,
    place: Option<String>,
    resource: usize,
    /// The text of the file, if places in it can be told.
    pub(crate) source: Option<String>,
    /// How the policy is written in it.
    written: Option<Written>,
    pub(crate) configuration: Vec<u8>,
    pub(crate) environment: Environment,
    /// Who has it loaded, and in which document of the file that is said.
    loader: Loader,
    document: usize,
}

impl Input {
    /// Which policy this is, where that is not plain.
    pub(crate) fn heading(&self, is_one_of_several: bool) -> Option<String> {
        match &self.place {
            Some(place) => Some(format!("{}: {place}", self.file)),
            None => is_one_of_several.then(|| self.file.clone()),
        }
    }

    /// Of which resource it is, or else where in the file it stands; empty for the whole.
    pub(crate) fn name(&self) -> &str {
        let place = self.place.as_deref().unwrap_or_default();
        place.get(self.resource..).unwrap_or(place)
    }

    /// How Envoy is given it. A document of a file is taken for one Envoy's.
    pub(crate) fn deployment(&self) -> Deployment {
        match &self.loader {
            Loader::Envoy { name } => Deployment::Named {
                envoy: (self.file.clone(), self.document),
                name: name.clone(),
                place: self.place.clone().unwrap_or_default(),
            },
            Loader::EnvoyGateway => Deployment::Fetched,
            Loader::Other => Deployment::Other,
        }
    }

    /// The policy, to be compared over all requests.
    pub(crate) fn subject(&self) -> Result<Subject, String> {
        let problem = |errors| format!("{}: the policy does not load:\n{errors}", self.file);
        Subject::read(&self.configuration, &self.environment).map_err(problem)
    }

    /// Says where in the file each finding stands.
    pub(crate) fn locate(&self, checked: &mut Checked) {
        let Some((file, written)) = self.source.as_ref().zip(self.written.as_ref()) else {
            return;
        };
        let places = match &written.values {
            Some(values) => places_of(values.clone()),
            None if self.configuration == written.text.as_bytes() => Places::of_json(&written.text),
            None => places_of(manifests::marks(&written.text)),
        };
        checked.locate(&written.text, &places);
        checked.move_places(|bytes| place(file, written.in_file(file, bytes)?));
    }

    /// The same for programs, beside what they are given of the policy.
    pub(crate) fn place_in(&self, mut value: Value) -> Value {
        if let Some(object) = value.as_object_mut() {
            object.insert("file".to_owned(), json!(self.file));
            object.insert("place".to_owned(), json!(self.place));
        }
        value
    }
}

/// Where in JSON or YAML each value stands.
pub(crate) fn places_in(text: &str) -> Places {
    let places = Places::of_json(text);
    if places == Places::default() {
        places_of(manifests::marks(text))
    } else {
        places
    }
}

fn places_of(marks: Vec<Mark>) -> Places {
    let mut places = Places::default();
    for (path, key, value) in marks {
        places.insert(path, key, value);
    }
    places
}

/// The policies of files, in their order; at least one of each.
pub(crate) fn policies<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
    args: &EnvironmentArgs,
) -> Result<Vec<Input>, String> {
    let outer = args.read()?;
    let mut inputs = Vec::new();
    for file in files {
        let bytes = read(file)?;
        let problem = |problem| format!("{}: {problem}", file.display());
        // A compiled policy is shown as the text that says the same.
        let text = config::decompile(bytes.clone()).map_err(problem)?;
        // Places are those of the file as it is.
        let source = (text == bytes).then(|| String::from_utf8(bytes).ok()).flatten();
        for it in manifests::policies(&text).map_err(problem)? {
            let outermost = it.within.first().map(|(spot, _)| spot).or(it.spot.as_ref());
            let document = outermost.map_or(0, |spot| spot.document);
            let written = source.as_ref().and_then(|file| manifests::written(file, &it));
            let configuration = config::decompile(it.configuration).map_err(problem)?;
            inputs.push(Input {
                file: file.display().to_string(),
                source: source.clone().filter(|_| written.is_some()),
                written,
                place: it.place,
                resource: it.resource,
                configuration,
                loader: it.loader,
                document,
                environment: match it.environment {
                    None => outer.clone(),
                    Some(variables) => variables.of(&outer),
                },
            });
        }
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
