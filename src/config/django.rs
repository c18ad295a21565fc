//! `django_env`: the settings that Django, django-cors-headers and Channels already read, from the environment.
//!
//! Each setting becomes the key that says the same, unless the configuration gives that key itself. What is wrong with
//! a setting is then found like anything else, and reported under the setting's own name.

mod meanings;
mod names;
mod read;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::value::Value;
use names::given;
pub(crate) use names::variable;
use read::{boolean, list, number, regexes, trusted_origins};

pub use names::{SETTING_NAMES, resembles_setting};

/// The variables that there are, each with its value.
pub type Environment = [(String, String)];

/// Which settings were used, and which were there but stood back for the configuration's own keys.
#[derive(Debug, Default)]
pub struct Settings {
    /// The settings in force.
    pub used: Vec<&'static str>,
    /// The settings that the configuration overrides.
    pub overridden: Vec<&'static str>,
    keys: Vec<(&'static str, String)>,
}

/// A setting that says what one key says.
struct Setting {
    name: &'static str,
    section: Option<&'static str>,
    key: &'static str,
    read: fn(&str) -> Result<Value, String>,
    /// Whether an empty list says something.
    takes_none: bool,
}

impl Setting {
    const fn new(
        name: &'static str,
        section: Option<&'static str>,
        key: &'static str,
        read: fn(&str) -> Result<Value, String>,
    ) -> Self {
        Self {
            name,
            section,
            key,
            read,
            takes_none: false,
        }
    }

    /// `CORS_ALLOWED_ORIGINS=` in a file of settings is how people write that they have none; an empty list of methods
    /// takes away the default one.
    const fn or_none(self) -> Self {
        Self {
            takes_none: true,
            ..self
        }
    }
}

const SETTINGS: [Setting; 9] = [
    Setting::new("CORS_ALLOWED_ORIGINS", None, "allowed_origins", list),
    Setting::new("CORS_ALLOWED_ORIGIN_REGEXES", None, "allowed_origin_regexes", regexes),
    Setting::new("CORS_ALLOW_CREDENTIALS", Some("cors"), "allow_credentials", boolean),
    Setting::new("CORS_ALLOW_METHODS", Some("cors"), "allow_methods", list).or_none(),
    Setting::new("CORS_ALLOW_HEADERS", Some("cors"), "allow_headers", list).or_none(),
    Setting::new("CORS_EXPOSE_HEADERS", Some("cors"), "expose_headers", list),
    Setting::new("CORS_PREFLIGHT_MAX_AGE", Some("cors"), "max_age", number),
    Setting::new(
        "CORS_ALLOW_PRIVATE_NETWORK",
        Some("cors"),
        "allow_private_network",
        boolean,
    ),
    Setting::new("CSRF_TRUSTED_ORIGINS", Some("csrf"), "trusted_origins", trusted_origins),
];

/// Adds the settings of the environment to a configuration.
pub(crate) fn add(
    root: &mut Vec<(String, Value)>,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) -> Settings {
    let mut settings = Settings::default();
    let debug = settings.flag("DEBUG", environment, diagnostics);
    let allows_all = settings.flag("CORS_ALLOW_ALL_ORIGINS", environment, diagnostics);
    if allows_all {
        settings.add(
            root,
            "CORS_ALLOW_ALL_ORIGINS",
            None,
            "allowed_origins",
            Value::List(vec!["*".into()]),
        );
    }
    for setting in SETTINGS {
        let Some((name, text)) = given(setting.name, environment) else {
            continue;
        };
        if allows_all && setting.key == "allowed_origin_regexes" {
            settings.overridden.push(name);
            continue;
        }
        match (setting.read)(text) {
            Ok(Value::List(items)) if items.is_empty() && !setting.takes_none => {}
            Ok(value) => {
                let errors = diagnostics.errors.len();
                meanings::find_other_meanings(name, setting.key, &value, diagnostics);
                if !settings.add(root, name, setting.section, setting.key, value) {
                    diagnostics.errors.truncate(errors);
                }
            }
            Err(problem) => diagnostics.error(wrong_value(name, text, problem)),
        }
    }
    settings.add_hosts(root, environment, debug, diagnostics);
    settings.look_at_urls(environment, diagnostics);
    settings.warn(root, debug, diagnostics);
    settings.name_others(environment, diagnostics);
    settings
}

impl Settings {
    /// Puts a diagnostic about a value that came from a setting under the name of that setting.
    pub fn rename(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self.keys.iter().find(|(_, path)| diagnostic.is_under(path)) {
            Some((name, path)) => diagnostic.moved(path, name),
            None => diagnostic,
        }
    }

    /// The setting that the value at a path came from.
    pub fn of(&self, path: &str) -> Option<&'static str> {
        self.keys.iter().find(|(_, it)| it == path).map(|(name, _)| *name)
    }

    /// Where the value went that an entry of a setting, `NAME[0]`, has.
    #[cfg(not(target_os = "wasi"))]
    pub fn place_of(&self, entry: &str) -> Option<String> {
        let (name, index) = entry.split_at_checked(entry.find('[')?)?;
        let (_, path) = self.keys.iter().find(|(it, _)| *it == name)?;
        Some(format!("{path}{index}"))
    }

    /// Whether there was any setting.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty() && self.overridden.is_empty()
    }

    fn flag(&mut self, name: &'static str, environment: &Environment, diagnostics: &mut Diagnostics) -> bool {
        let Some((name, text)) = given(name, environment) else {
            return false;
        };
        match boolean(text) {
            Ok(value) => value == Value::Bool(true),
            Err(problem) => {
                diagnostics.error(wrong_value(name, text, problem));
                false
            }
        }
    }

    /// Adds what a setting says, unless the configuration says it itself; whether it did.
    fn add(
        &mut self,
        root: &mut Vec<(String, Value)>,
        name: &'static str,
        section: Option<&'static str>,
        key: &'static str,
        value: Value,
    ) -> bool {
        let path = section.map_or(key.to_owned(), |section| format!("{section}.{key}"));
        let entries = match section {
            None => &mut *root,
            Some(section) => match section_of(root, section) {
                Some(entries) => entries,
                // Something else stands there, which will be an error.
                None => return false,
            },
        };
        if entries.iter().any(|(it, _)| it == key) {
            self.overridden.push(name);
            return false;
        }
        entries.push((key.to_owned(), value));
        self.used.push(name);
        self.keys.push((name, path));
        true
    }

    /// `ALLOWED_HOSTS`; where it is empty, `DEBUG` stands for the names of the machine itself.
    fn add_hosts(
        &mut self,
        root: &mut Vec<(String, Value)>,
        environment: &Environment,
        debug: bool,
        diagnostics: &mut Diagnostics,
    ) {
        let hosts = match variable(environment, "ALLOWED_HOSTS").map(|text| (list(text), text)) {
            None => None,
            Some((Ok(hosts), _)) => Some(hosts),
            Some((Err(message), text)) => {
                return diagnostics.error(wrong_value("ALLOWED_HOSTS", text, message));
            }
        };
        let is_empty = hosts.as_ref().is_none_or(|it| *it == Value::List(Vec::new()));
        let (name, hosts) = match hosts {
            _ if debug && is_empty => (
                "DEBUG",
                Value::List([".localhost", "127.0.0.1", "[::1]"].map(Value::from).into()),
            ),
            Some(hosts) => ("ALLOWED_HOSTS", hosts),
            None => return,
        };
        self.add(root, name, None, "allowed_hosts", hosts);
    }

    /// `CORS_URLS_REGEX` keeps CORS to some paths. Origins of the environment would be let in on all.
    fn look_at_urls(&self, environment: &Environment, diagnostics: &mut Diagnostics) {
        if variable(environment, "CORS_URLS_REGEX").is_none_or(|it| it == "^.*$") {
            return;
        }
        let diagnostic = Diagnostic::at("CORS_URLS_REGEX", DiagnosticCode::DjangoUrls);
        if self.keys.iter().any(|(_, key)| key.starts_with("allowed_origin")) {
            diagnostics.error(diagnostic);
        } else {
            diagnostics.warn(diagnostic);
        }
    }

    /// Names the variables that look like settings. Where nothing is set under its own name, that is what is wrong.
    fn name_others(&self, environment: &Environment, diagnostics: &mut Diagnostics) {
        for (name, _) in environment.iter().filter(|(name, _)| resembles_setting(name)) {
            let diagnostic = Diagnostic::at(name, DiagnosticCode::DjangoName);
            if self.is_empty() {
                diagnostics.error(diagnostic);
            } else {
                diagnostics.warn(diagnostic);
            }
        }
    }

    fn warn(&self, root: &[(String, Value)], debug: bool, diagnostics: &mut Diagnostics) {
        let cors = root.iter().find(|(key, _)| key == "cors").map(|(_, value)| value);
        if let Some(Value::Object(cors)) = cors
            && cors
                .iter()
                .any(|(key, value)| key == "allow_credentials" && *value == Value::Bool(true))
        {
            for (name, key) in [
                ("CORS_ALLOW_METHODS", "allow_methods"),
                ("CORS_ALLOW_HEADERS", "allow_headers"),
            ] {
                let is_any = |(it, value): &(String, Value)| it == key && *value == Value::List(vec!["*".into()]);
                if self.used.contains(&name) && cors.iter().any(is_any) {
                    diagnostics.warn(Diagnostic::at(name, DiagnosticCode::DjangoAnyList));
                }
            }
        }
        if debug {
            diagnostics.warn(Diagnostic::at("DEBUG", DiagnosticCode::DjangoDebug));
        }
        let regexes = root.iter().find(|(key, _)| key == "allowed_origin_regexes");
        if let Some((_, Value::List(regexes))) = regexes
            && self.used.contains(&"CORS_ALLOWED_ORIGIN_REGEXES")
        {
            for (index, regex) in regexes.iter().enumerate() {
                if matches!(regex, Value::String(text) if !text.ends_with('$')) {
                    diagnostics.warn(Diagnostic::on(
                        &format!("CORS_ALLOWED_ORIGIN_REGEXES[{index}]"),
                        regex,
                        DiagnosticCode::DjangoRegexEnd,
                    ));
                }
            }
        }
    }
}

fn wrong_value(name: &str, text: &str, message: String) -> Diagnostic {
    Diagnostic::on(name, Value::from(text), (DiagnosticCode::DjangoValue, message))
}

/// The entries of a section, which is made if need be. A `csrf` that only lists is off: Django's own check stands behind.
fn section_of<'r>(root: &'r mut Vec<(String, Value)>, section: &'static str) -> Option<&'r mut Vec<(String, Value)>> {
    if !root.iter().any(|(key, _)| key == section) {
        let entries = if section == "csrf" {
            vec![("mode".to_owned(), "off".into())]
        } else {
            Vec::new()
        };
        root.push((section.to_owned(), Value::Object(entries)));
    }
    root.iter_mut()
        .find(|(key, _)| key == section)
        .and_then(|(_, value)| match value {
            Value::Object(entries) => Some(entries),
            _ => None,
        })
}
