//! The policies of a file, each with the variables that it reads, ready for whatever is asked of it.

use std::collections::BTreeMap;

use manifests::{Loader, Mark, Written};
use serde_json::{Value, json};

use crate::check::{Checked, Deployment, check, check_updates, lints};
use crate::diff::Diff;
use crate::explain::Explainer;
use crate::finding::Finding;
use crate::places::{Places, place};
use crate::reach::Subject;
use crate::who::Who;
use config::ConfigErrors;

/// A policy of a file, and the environment in which it is read.
#[derive(Clone, Debug)]
pub struct Input {
    /// The file's name.
    pub file: String,
    /// Where in the file it stands; `None` if the file is the policy.
    pub place: Option<String>,
    resource: usize,
    /// The text of the file, if places in it can be named.
    pub source: Option<String>,
    /// How the policy is written in it.
    written: Option<Written>,
    /// The policy, as the filter gets it.
    pub configuration: Vec<u8>,
    /// The variables that `django_env` reads, each with its value.
    pub environment: Vec<(String, String)>,
    /// Who has it loaded, and in which document of the file that is said.
    loader: Loader,
    document: usize,
}

/// The policies of a file, in their order; at least one.
///
/// # Errors
///
/// Why the file cannot be read.
pub fn policies(file: &str, bytes: Vec<u8>, outer: &[(String, String)]) -> Result<Vec<Input>, String> {
    let problem = |problem| format!("{file}: {problem}");
    // A compiled policy is shown as the text that says the same.
    let text = config::decompile(bytes.clone()).map_err(problem)?;
    // Places are those of the file as it is.
    let source = (text == bytes).then(|| String::from_utf8(bytes).ok()).flatten();
    let mut inputs = Vec::new();
    for it in manifests::policies(&text).map_err(problem)? {
        let outermost = it.within.first().map(|(spot, _)| spot).or(it.spot.as_ref());
        let document = outermost.map_or(0, |spot| spot.document);
        let written = source.as_ref().and_then(|file| manifests::written(file, &it));
        inputs.push(Input {
            file: file.to_owned(),
            source: source.clone().filter(|_| written.is_some()),
            written,
            place: it.place,
            resource: it.resource,
            configuration: config::decompile(it.configuration).map_err(problem)?,
            environment: match it.environment {
                None => outer.to_vec(),
                Some(variables) => variables.of(outer),
            },
            loader: it.loader,
            document,
        });
    }
    Ok(inputs)
}

impl Input {
    /// Which policy this is, where that is not plain.
    #[must_use]
    pub fn heading(&self, is_one_of_several: bool) -> Option<String> {
        match &self.place {
            Some(place) => Some(format!("{}: {place}", self.file)),
            None => is_one_of_several.then(|| self.file.clone()),
        }
    }

    /// Of which resource it is, or else where in the file it stands; empty for the whole.
    #[must_use]
    pub fn name(&self) -> &str {
        let place = self.place.as_deref().unwrap_or_default();
        place.get(self.resource..).unwrap_or(place)
    }

    /// How Envoy is given it. A document of a file is taken for one Envoy's.
    fn deployment(&self) -> Deployment {
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

    /// Says where in the file each finding stands.
    fn locate(&self, checked: &mut Checked) {
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

    /// All that there is to say of it alone, with where in the file each finding stands.
    #[must_use]
    pub fn check(&self) -> Checked {
        let mut checked = check(&self.configuration, &self.environment);
        self.locate(&mut checked);
        checked
    }

    /// The policy, to be compared over all requests.
    ///
    /// # Errors
    ///
    /// If it does not load.
    pub fn subject(&self) -> Result<Subject, String> {
        let problem = |errors| format!("{}: the policy does not load:\n{errors}", self.file);
        Subject::read(&self.configuration, &self.environment).map_err(problem)
    }

    /// Who may do what by it, on a host and a path if they are given.
    ///
    /// # Errors
    ///
    /// If it does not load, or if its expressions have too many states together.
    pub fn who(&self, host: Option<&str>, path: Option<&str>) -> Result<Who, String> {
        if let Some(path) = path.filter(|it| !it.starts_with('/')) {
            return Err(format!("--path: `{path}`: a path begins with `/`"));
        }
        if let Some(host) = host.filter(|it| policy::host::Authority::parse(it.as_bytes()).is_err()) {
            return Err(format!("--host: `{host}`: this is no host"));
        }
        let who = Who::of(&self.subject()?, host, path);
        who.map_err(|error| format!("{}: the expressions cannot be put together: {error}", self.file))
    }

    /// The policy, ready to be asked about requests.
    ///
    /// # Errors
    ///
    /// If it does not load.
    pub fn explainer(&self) -> Result<Explainer, ConfigErrors> {
        let loaded = config::load_with(&self.configuration, &self.environment)?;
        let lints = lints(&self.configuration, &self.environment, &loaded.warnings);
        let mut explainer = Explainer::new(loaded);
        explainer.warn(lints.iter().map(Finding::line));
        Ok(explainer)
    }

    /// The same for programs, beside what they are given of the policy.
    #[must_use]
    pub fn place_in(&self, mut value: Value) -> Value {
        if let Some(object) = value.as_object_mut() {
            object.insert("file".to_owned(), json!(self.file));
            object.insert("place".to_owned(), json!(self.place));
        }
        value
    }
}

/// All that there is to say of policies that are deployed beside each other, with where in its file each finding stands.
#[must_use]
pub fn check_all(inputs: &[Input]) -> Vec<Checked> {
    let checked = inputs.iter().map(|it| check(&it.configuration, &it.environment));
    let mut checked: Vec<_> = checked.collect();
    let deployed: Vec<_> = inputs.iter().map(Input::deployment).collect();
    check_updates(&deployed, &mut checked);
    inputs.iter().zip(&mut checked).for_each(|(input, it)| input.locate(it));
    checked
}

/// Where in JSON or YAML each value stands.
#[must_use]
pub fn places_in(text: &str) -> Places {
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

/// What the policies of two files do not have in common, by their names; the name is empty if each file has one policy. An
/// empty file is no filter at all.
///
/// # Errors
///
/// If one does not load, if there are two of a name, or if the expressions cannot be compared.
pub fn compare(old: &[Input], new: &[Input]) -> Result<Vec<(String, Diff)>, String> {
    let compare = |(name, [old, new]): (&str, [Option<&Input>; 2])| {
        let diff = Diff::between(&subject(old)?, &subject(new)?);
        let diff = diff.map_err(|error| format!("the expressions of both policies cannot be compared: {error}"))?;
        Ok((name.to_owned(), diff))
    };
    pairs(old, new)?.into_iter().map(compare).collect()
}

type Pairs<'a> = BTreeMap<&'a str, [Option<&'a Input>; 2]>;

/// The policies of two files: each file's only policy, wherever it stands, or those of one name.
fn pairs<'a>(old: &'a [Input], new: &'a [Input]) -> Result<Pairs<'a>, String> {
    if let ([one], [two]) = (old, new) {
        return Ok([("", [Some(one), Some(two)])].into());
    }
    let mut pairs = Pairs::new();
    for (side, inputs) in [old, new].into_iter().enumerate() {
        for input in inputs {
            let pair = pairs.entry(input.name()).or_default();
            let known = pair.get_mut(side).and_then(|it| it.replace(input));
            if known.is_some() {
                let (file, name) = (&input.file, input.name());
                return Err(format!(
                    "{file}: there are two policies `{name}`; compare them one by one"
                ));
            }
        }
    }
    Ok(pairs)
}

fn subject(input: Option<&Input>) -> Result<Subject, String> {
    match input.filter(|it| !it.configuration.trim_ascii().is_empty()) {
        Some(input) => input.subject(),
        None => Ok(Subject::none()),
    }
}
