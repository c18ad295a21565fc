//! What the configuration's own errors and warnings leave out: what needs the public-suffix list, which is too large
//! for the module, and what is only likely to be wrong.

mod expressions;

use serde_json::{Value, json};

pub use crate::analysis::is_public_suffix;
use crate::config::{self, ConfigErrors, Environment, Note};
use crate::policy::pattern::{HostPattern, OriginHosts, OriginPattern};
use expressions::{Expressions, lint_length};

/// Everything that there is to say about a configuration.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Each of these refuses the configuration.
    pub errors: Vec<String>,
    /// These do not.
    pub warnings: Vec<String>,
    /// What holds for entries that grant less than another would.
    pub grants: Vec<String>,
    /// The entries whose meaning changed with this version.
    pub changes: Vec<String>,
    /// The stable code of each warning.
    pub warning_codes: Vec<&'static str>,
    /// How much there is and where it came from, if it loads.
    pub summary: Option<String>,
}

/// Checks a configuration under an environment.
#[must_use]
pub fn check(configuration: &[u8], environment: &Environment<'_>) -> Checked {
    let lints = lints(configuration, environment);
    let warnings = |notes: &[Note]| {
        let lints = lints.iter().map(|(_, text)| text.clone());
        notes.iter().map(ToString::to_string).chain(lints).collect::<Vec<_>>()
    };
    let codes = |notes: &[Note]| {
        let lints = lints.iter().map(|(code, _)| *code);
        notes.iter().map(Note::code).chain(lints).collect::<Vec<_>>()
    };
    let (errors, warnings, warning_codes, summary) = match config::load_with(configuration, environment) {
        Ok(loaded) => {
            let warnings = warnings(&loaded.warnings);
            let summary = loaded.summary(warnings.len()).to_string();
            (Vec::new(), warnings, codes(&loaded.warnings), Some(summary))
        }
        Err(ConfigErrors {
            errors,
            warnings: notes,
        }) => (errors, warnings(&notes), codes(&notes), None),
    };
    let loads = summary.is_some();
    Checked {
        errors: errors.iter().map(ToString::to_string).collect(),
        warnings,
        grants: if loads {
            config::grants(configuration, environment)
        } else {
            Vec::new()
        },
        changes: if loads {
            config::changes(configuration, environment)
        } else {
            Vec::new()
        },
        warning_codes,
        summary,
    }
}

/// What only the command warns of: the code of each warning, and the warning with its place and value.
#[must_use]
pub fn lints(configuration: &[u8], environment: &Environment<'_>) -> Vec<(&'static str, String)> {
    let mut expressions = Expressions::default();
    let entries = config::entries(configuration, environment);
    let lints = entries.iter().flat_map(|(path, text)| {
        let lints = lints_of(path, text, &mut expressions).into_iter();
        lints.map(move |Lint { code, message }| (code, format!("{path}: `{}`: {message}", printable(text))))
    });
    lints.collect()
}

/// A warning that the module does not have.
#[derive(Clone, Debug)]
struct Lint {
    code: &'static str,
    message: String,
}

impl Lint {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl Checked {
    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "loads": self.errors.is_empty(),
            "errors": self.errors,
            "warnings": self.warnings,
            "grants": self.grants,
            "changes": self.changes,
            "warning_codes": self.warning_codes,
            "summary": self.summary,
        })
    }
}

fn lints_of(path: &str, text: &str, expressions: &mut Expressions) -> Vec<Lint> {
    match list_of(path) {
        Some(List::Origins) => origin_lint(text).into_iter().collect(),
        Some(List::Hosts) => host_lint(text).into_iter().collect(),
        Some(List::Regexes) => expressions.lints(text),
        None => Vec::new(),
    }
}

fn origin_lint(text: &str) -> Option<Lint> {
    let OriginPattern::Of { hosts, .. } = OriginPattern::parse(text).ok()? else {
        return None;
    };
    lint_length(&hosts).or_else(|| match &hosts {
        OriginHosts::Subdomains(domain) => suffix_lint(domain),
        OriginHosts::Labels { domain, .. } => label_lint(domain),
        OriginHosts::One(_) => None,
    })
}

fn host_lint(text: &str) -> Option<Lint> {
    match HostPattern::parse(text).ok()? {
        HostPattern::Domain(domain) => suffix_lint(&domain),
        _ => None,
    }
}

enum List {
    Origins,
    Hosts,
    Regexes,
}

/// What a list holds, by the key or the setting that it stands under.
fn list_of(path: &str) -> Option<List> {
    let (list, _) = path.rsplit_once('[')?;
    let key = list.rsplit('.').next()?;
    match key {
        "allowed_origins" | "trusted_origins" | "CORS_ALLOWED_ORIGINS" | "CSRF_TRUSTED_ORIGINS" => Some(List::Origins),
        "allowed_hosts" | "hosts" | "ALLOWED_HOSTS" => Some(List::Hosts),
        "allowed_origin_regexes" | "CORS_ALLOWED_ORIGIN_REGEXES" => Some(List::Regexes),
        _ => None,
    }
}

fn suffix_lint(domain: &[u8]) -> Option<Lint> {
    let shown = public_suffix(domain)?;
    Some(Lint::new(
        "public_suffix",
        format!(
            "`{shown}` is a public suffix, under which anybody registers names: this lets strangers' sites in; put your own \
         domain there"
        ),
    ))
}

fn label_lint(domain: &[u8]) -> Option<Lint> {
    let shown = public_suffix(domain)?;
    Some(Lint::new(
        "public_suffix",
        format!(
            "`{shown}` is a public suffix: whoever registers a name there that fits this wildcard is let in; choose parts \
         around the `*` that nobody else can take, or list the names"
        ),
    ))
}

/// The domain, if the public-suffix list has it. One label is warned of without that list, which takes every unknown one
/// for a suffix.
fn public_suffix(domain: &[u8]) -> Option<String> {
    let is_listed = is_public_suffix(domain) && domain.contains(&b'.');
    is_listed.then(|| String::from_utf8_lossy(domain).into_owned())
}

/// A text as it is, control characters aside: those would speak to the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    let escaped = text.chars().map(|it| match it.is_control() {
        true => it.escape_debug().to_string(),
        false => it.to_string(),
    });
    escaped.collect()
}
