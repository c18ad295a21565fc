//! `django_env`: the settings that Django, django-cors-headers and Channels already read, from the environment.
//!
//! Each setting becomes the key that says the same, unless the configuration gives that key itself. What is wrong with
//! a setting is then found like anything else, and told under the setting's own name.

use super::node::Node;
use super::note::{Note, Report};
use super::problem::Problem;

/// A variable of the environment.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

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
    read: fn(&str) -> Result<Node, String>,
    /// Whether an empty list says something.
    takes_none: bool,
}

impl Setting {
    const fn new(
        name: &'static str,
        section: Option<&'static str>,
        key: &'static str,
        read: fn(&str) -> Result<Node, String>,
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
pub fn add(root: &mut Vec<(String, Node)>, environment: &Environment<'_>, report: &mut Report) -> Settings {
    let mut settings = Settings::default();
    let debug = settings.flag("DEBUG", environment, report);
    let allows_all = settings.flag("CORS_ALLOW_ALL_ORIGINS", environment, report);
    if allows_all {
        settings.add(
            root,
            "CORS_ALLOW_ALL_ORIGINS",
            None,
            "allowed_origins",
            Node::List(vec!["*".into()]),
        );
    }
    for setting in SETTINGS {
        let Some(text) = environment(setting.name) else {
            continue;
        };
        if allows_all && setting.key == "allowed_origin_regexes" {
            settings.overridden.push(setting.name);
            continue;
        }
        match (setting.read)(&text) {
            Ok(Node::List(items)) if items.is_empty() && !setting.takes_none => {}
            Ok(value) => settings.add(root, setting.name, setting.section, setting.key, value),
            Err(problem) => report.error(wrong_value(setting.name, &text, problem)),
        }
    }
    settings.add_hosts(root, environment, debug, report);
    if environment("CORS_URLS_REGEX").is_some() {
        report.warn(Note::at("CORS_URLS_REGEX", Problem::DjangoUrls));
    }
    settings.warn(root, debug, report);
    settings
}

impl Settings {
    /// Tells a note of what came from a setting under that setting's name.
    pub fn rename(&self, note: Note) -> Note {
        match self.keys.iter().find(|(_, path)| note.is_under(path)) {
            Some((name, path)) => note.moved(path, name),
            None => note,
        }
    }

    /// The setting that the value at a path came from.
    pub fn of(&self, path: &str) -> Option<&'static str> {
        self.keys.iter().find(|(_, it)| it == path).map(|(name, _)| *name)
    }

    /// Whether there was any setting.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty() && self.overridden.is_empty()
    }

    fn flag(&mut self, name: &'static str, environment: &Environment<'_>, report: &mut Report) -> bool {
        match environment(name).map(|text| (boolean(&text), text)) {
            None => false,
            Some((Ok(value), _)) => value == Node::Bool(true),
            Some((Err(problem), text)) => {
                report.error(wrong_value(name, &text, problem));
                false
            }
        }
    }

    fn add(
        &mut self,
        root: &mut Vec<(String, Node)>,
        name: &'static str,
        section: Option<&'static str>,
        key: &'static str,
        value: Node,
    ) {
        let path = section.map_or(key.to_owned(), |section| format!("{section}.{key}"));
        let entries = match section {
            None => &mut *root,
            Some(section) => match section_of(root, section) {
                Some(entries) => entries,
                // Something else stands there, which will be an error.
                None => return,
            },
        };
        if entries.iter().any(|(it, _)| it == key) {
            self.overridden.push(name);
        } else {
            entries.push((key.to_owned(), value));
            self.used.push(name);
            self.keys.push((name, path));
        }
    }

    /// `ALLOWED_HOSTS`; where it is empty, `DEBUG` stands for the names of the machine itself.
    fn add_hosts(
        &mut self,
        root: &mut Vec<(String, Node)>,
        environment: &Environment<'_>,
        debug: bool,
        report: &mut Report,
    ) {
        let hosts = match environment("ALLOWED_HOSTS").map(|text| (list(&text), text)) {
            None => None,
            Some((Ok(hosts), _)) => Some(hosts),
            Some((Err(problem), text)) => {
                return report.error(wrong_value("ALLOWED_HOSTS", &text, problem));
            }
        };
        let is_empty = hosts.as_ref().is_none_or(|it| *it == Node::List(Vec::new()));
        let (name, hosts) = match hosts {
            _ if debug && is_empty => (
                "DEBUG",
                Node::List([".localhost", "127.0.0.1", "[::1]"].map(Node::from).into()),
            ),
            Some(hosts) => ("ALLOWED_HOSTS", hosts),
            None => return,
        };
        self.add(root, name, None, "allowed_hosts", hosts);
    }

    fn warn(&self, root: &[(String, Node)], debug: bool, report: &mut Report) {
        let cors = root.iter().find(|(key, _)| key == "cors").map(|(_, node)| node);
        if let Some(Node::Object(cors)) = cors
            && cors
                .iter()
                .any(|(key, node)| key == "allow_credentials" && *node == Node::Bool(true))
        {
            for (name, key) in [
                ("CORS_ALLOW_METHODS", "allow_methods"),
                ("CORS_ALLOW_HEADERS", "allow_headers"),
            ] {
                let is_any = |(it, node): &(String, Node)| it == key && *node == Node::List(vec!["*".into()]);
                if self.used.contains(&name) && cors.iter().any(is_any) {
                    report.warn(Note::at(name, Problem::DjangoAnyList));
                }
            }
        }
        if debug {
            report.warn(Note::at("DEBUG", Problem::DjangoDebug));
        }
        let regexes = root.iter().find(|(key, _)| key == "allowed_origin_regexes");
        if let Some((_, Node::List(regexes))) = regexes
            && self.used.contains(&"CORS_ALLOWED_ORIGIN_REGEXES")
        {
            for (index, regex) in regexes.iter().enumerate() {
                if matches!(regex, Node::String(text) if !text.ends_with('$')) {
                    report.warn(Note::on(
                        &format!("CORS_ALLOWED_ORIGIN_REGEXES[{index}]"),
                        regex,
                        Problem::DjangoRegexEnd,
                    ));
                }
            }
        }
    }
}

fn wrong_value(name: &str, text: &str, problem: String) -> Note {
    Note::on(name, Node::from(text), (Problem::DjangoValue, problem))
}

/// The entries of a section, which is made if need be. A `csrf` that only lists is off: Django's own check stands behind.
fn section_of<'r>(root: &'r mut Vec<(String, Node)>, section: &'static str) -> Option<&'r mut Vec<(String, Node)>> {
    if !root.iter().any(|(key, _)| key == section) {
        let entries = if section == "csrf" {
            vec![("mode".to_owned(), "off".into())]
        } else {
            Vec::new()
        };
        root.push((section.to_owned(), Node::Object(entries)));
    }
    root.iter_mut()
        .find(|(key, _)| key == section)
        .and_then(|(_, node)| match node {
            Node::Object(entries) => Some(entries),
            _ => None,
        })
}

/// `a,b`, `a b` or `["a", "b"]`.
fn list(text: &str) -> Result<Node, String> {
    items(text).map(Node::List)
}

fn items(text: &str) -> Result<Vec<Node>, String> {
    let text = text.trim();
    if is_json_list(text) {
        return match serde_json::from_slice(text.as_bytes()) {
            Ok(Node::List(items)) => Ok(items),
            _ => Err("this begins like a JSON list and is none; write `a,b` or `[\"a\", \"b\"]`".to_owned()),
        };
    }
    let items = text
        .split(|char: char| char == ',' || char.is_whitespace())
        .filter(|item| !item.is_empty());
    Ok(items.map(Node::from).collect())
}

/// Like [`list`], but a comma separates only where another expression begins after it. Python's strict end, `\Z`, is
/// `$` here.
fn regexes(text: &str) -> Result<Node, String> {
    let text = text.trim();
    let strict_end = |text: &str| {
        text.strip_suffix("\\Z")
            .map_or(text.to_owned(), |text| format!("{text}$"))
    };
    if is_json_list(text) {
        let items = items(text)?.into_iter().map(|item| match item {
            Node::String(text) => Node::String(strict_end(&text)),
            other => other,
        });
        return Ok(Node::List(items.collect()));
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
                    .map(|it| Node::String(strict_end(it))),
            );
            rest = rest.get(comma + 1..).unwrap_or_default();
        }
        expressions.extend(
            Some(rest)
                .filter(|it| !it.is_empty())
                .map(|it| Node::String(strict_end(it))),
        );
    }
    Ok(Node::List(expressions))
}

/// Whether this is meant for JSON: `[a]` may be an expression, and `[::1]` an address.
fn is_json_list(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']') && (text.contains('"') || text == "[]")
}

/// Django's `https://*.domain` covers the domain too.
fn trusted_origins(text: &str) -> Result<Node, String> {
    let mut items = items(text)?;
    let apexes = items.iter().filter_map(|item| match item {
        Node::String(text) => text
            .split_once("://*.")
            .map(|(scheme, domain)| format!("{scheme}://{domain}")),
        _ => None,
    });
    let apexes: Vec<_> = apexes.map(Node::String).filter(|apex| !items.contains(apex)).collect();
    items.extend(apexes);
    Ok(Node::List(items))
}

fn boolean(text: &str) -> Result<Node, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Node::Bool(true)),
        "0" | "false" | "no" | "off" | "" => Ok(Node::Bool(false)),
        _ => Err("one of `1`, `true`, `yes`, `on`, `0`, `false`, `no`, `off` is expected here".to_owned()),
    }
}

fn number(text: &str) -> Result<Node, String> {
    match text.trim().parse::<u32>() {
        Ok(number) => Ok(Node::Number(number.into())),
        Err(_) => Err("a whole number of seconds is expected here".to_owned()),
    }
}
