//! `django_env`: the settings that Django, django-cors-headers and Channels already read, from the environment.
//!
//! Each setting becomes the key that says the same, unless the configuration gives that key itself. What is wrong with
//! a setting is then found like anything else, and told under the setting's own name.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::value::Value;
use policy::text::split_once;

/// A variable of the environment. Asked for the empty name, which no variable has, it may answer with the names that there
/// are, one a line.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The name of every Django setting that says something here.
pub const SETTING_NAMES: [&str; 16] = [
    "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "CORS_ALLOW_PRIVATE_NETWORK",
    "CORS_EXPOSE_HEADERS",
    "CORS_ORIGIN_ALLOW_ALL",
    "CORS_ORIGIN_REGEX_WHITELIST",
    "CORS_ORIGIN_WHITELIST",
    "CORS_PREFLIGHT_MAX_AGE",
    "CORS_URLS_REGEX",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
];

/// Settings of django-cors-headers beside the names that they had before its version 3.5. It reads those where the new
/// ones are not set.
const OLD_NAMES: [(&str, &str); 3] = [
    ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"),
    ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST"),
    ("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"),
];

/// A setting's text, under the name that it is given by.
fn given(name: &'static str, environment: &Environment<'_>) -> Option<(&'static str, String)> {
    if let Some(text) = environment(name) {
        return Some((name, text));
    }
    let (_, old) = OLD_NAMES.iter().find(|(new, _)| *new == name)?;
    environment(old).map(|text| (*old, text))
}

/// Whether this is the name of a variable that is not read here, though people may take it for one of the settings:
/// `DJANGO_ALLOWED_HOSTS`.
#[must_use]
pub fn resembles_setting(name: &str) -> bool {
    let marks = ["ALLOWED_HOST", "ALLOWED_ORIGIN", "CORS_", "TRUSTED_ORIGIN"];
    marks.iter().any(|it| split_once(name, it).is_some()) && !SETTING_NAMES.contains(&name)
}

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
    environment: &Environment<'_>,
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
        match (setting.read)(&text) {
            Ok(Value::List(items)) if items.is_empty() && !setting.takes_none => {}
            Ok(value) => {
                let errors = diagnostics.errors.len();
                find_literals(name, setting.key, &value, diagnostics);
                if !settings.add(root, name, setting.section, setting.key, value) {
                    diagnostics.errors.truncate(errors);
                }
            }
            Err(problem) => diagnostics.error(wrong_value(name, &text, problem)),
        }
    }
    settings.add_hosts(root, environment, debug, diagnostics);
    if environment("CORS_URLS_REGEX").is_some() {
        diagnostics.warn(Diagnostic::at("CORS_URLS_REGEX", DiagnosticCode::DjangoUrls));
    }
    settings.warn(root, debug, diagnostics);
    let names = environment("").unwrap_or_default();
    for name in names.split('\n').filter(|it| resembles_setting(it)) {
        let diagnostic = Diagnostic::at(name, DiagnosticCode::DjangoName);
        // Where nothing is set under its own name, this is what is wrong.
        if settings.is_empty() {
            diagnostics.error(diagnostic);
        } else {
            diagnostics.warn(diagnostic);
        }
    }
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
    #[cfg(not(target_arch = "wasm32"))]
    pub fn place_of(&self, entry: &str) -> Option<String> {
        let (name, index) = entry.split_at_checked(entry.find('[')?)?;
        let (_, path) = self.keys.iter().find(|(it, _)| *it == name)?;
        Some(format!("{path}{index}"))
    }

    /// Whether there was any setting.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty() && self.overridden.is_empty()
    }

    fn flag(&mut self, name: &'static str, environment: &Environment<'_>, diagnostics: &mut Diagnostics) -> bool {
        let Some((name, text)) = given(name, environment) else {
            return false;
        };
        match boolean(&text) {
            Ok(value) => value == Value::Bool(true),
            Err(problem) => {
                diagnostics.error(wrong_value(name, &text, problem));
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
        environment: &Environment<'_>,
        debug: bool,
        diagnostics: &mut Diagnostics,
    ) {
        let hosts = match environment("ALLOWED_HOSTS").map(|text| (list(&text), text)) {
            None => None,
            Some((Ok(hosts), _)) => Some(hosts),
            Some((Err(message), text)) => {
                return diagnostics.error(wrong_value("ALLOWED_HOSTS", &text, message));
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

/// Reports the entries that Django and django-cors-headers compare as text, so that no browser's origin is one of them: what
/// stands for something here, and a default port, which browsers leave out.
fn find_literals(name: &str, key: &str, value: &Value, diagnostics: &mut Diagnostics) {
    let (is_cors, is_csrf) = (key == "allowed_origins", key == "trusted_origins");
    for (index, item) in value.as_list().iter().enumerate() {
        let text = item.as_text().filter(|_| is_cors || is_csrf).unwrap_or_default();
        let (scheme, rest) = split_once(text, "://").unwrap_or(("", text));
        let rest = rest.strip_prefix("*.").filter(|_| is_csrf).unwrap_or(rest);
        let port = if scheme == "https" { ":443" } else { ":80" };
        if rest.as_bytes().contains(&b'*') || rest.ends_with(port) {
            let path = format!("{name}[{index}]");
            diagnostics.error(Diagnostic::on(&path, item, DiagnosticCode::DjangoLiteral));
        }
    }
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

/// `a,b`, `a b` or `["a", "b"]`.
fn list(text: &str) -> Result<Value, String> {
    items(text).map(Value::List)
}

fn items(text: &str) -> Result<Vec<Value>, String> {
    let text = text.trim();
    if is_json_list(text) {
        return match serde_json::from_slice(text.as_bytes()) {
            Ok(Value::List(items)) => Ok(items),
            _ => Err("this begins like a JSON list and is none; write `a,b` or `[\"a\", \"b\"]`".to_owned()),
        };
    }
    let items = text
        .split(|char: char| char == ',' || char.is_whitespace())
        .filter(|item| !item.is_empty());
    Ok(items.map(Value::from).collect())
}

/// Like [`list`], but a comma separates only where another expression begins after it. Python's strict end, `\Z`, is
/// `$` here.
fn regexes(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let strict_end = |text: &str| {
        text.strip_suffix("\\Z")
            .map_or(text.to_owned(), |text| format!("{text}$"))
    };
    if is_json_list(text) {
        let items = items(text)?.into_iter().map(|item| match item {
            Value::String(text) => Value::String(strict_end(&text)),
            other => other,
        });
        return Ok(Value::List(items.collect()));
    }
    let mut expressions = Vec::new();
    for word in text.split_whitespace() {
        let begins = |rest: &str| rest.starts_with('^') || rest.starts_with("http") || rest.is_empty();
        let mut rest = word;
        while let Some(comma) = rest
            .match_indices(',')
            .map(|(at, _)| at)
            .find(|at| rest.get(at + 1..).is_some_and(begins))
        {
            expressions.extend(
                rest.get(..comma)
                    .filter(|it| !it.is_empty())
                    .map(|it| Value::String(strict_end(it))),
            );
            rest = rest.get(comma + 1..).unwrap_or_default();
        }
        expressions.extend(
            Some(rest)
                .filter(|it| !it.is_empty())
                .map(|it| Value::String(strict_end(it))),
        );
    }
    Ok(Value::List(expressions))
}

/// Whether this is meant for JSON: `[a]` may be an expression, and `[::1]` an address.
fn is_json_list(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']') && (text.contains('"') || text == "[]")
}

/// Django's `https://*.domain` covers the domain too.
fn trusted_origins(text: &str) -> Result<Value, String> {
    let mut items = items(text)?;
    let apexes = items.iter().filter_map(|item| match item {
        Value::String(text) => split_once(text, "://*.")
            .filter(|(_, domain)| !domain.contains('*'))
            .map(|(scheme, domain)| format!("{scheme}://{domain}")),
        _ => None,
    });
    let apexes: Vec<_> = apexes.map(Value::String).filter(|apex| !items.contains(apex)).collect();
    items.extend(apexes);
    Ok(Value::List(items))
}

fn boolean(text: &str) -> Result<Value, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Value::Bool(true)),
        "0" | "false" | "no" | "off" | "" => Ok(Value::Bool(false)),
        _ => Err("one of `1`, `true`, `yes`, `on`, `0`, `false`, `no`, `off` is expected here".to_owned()),
    }
}

fn number(text: &str) -> Result<Value, String> {
    match text.trim().parse::<u32>() {
        Ok(number) => Ok(Value::Number(number.into())),
        Err(_) => Err("a whole number of seconds is expected here".to_owned()),
    }
}
