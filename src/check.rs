//! What the configuration's own errors and warnings leave out: what needs the public-suffix list, which is too large
//! for the module, and what is only likely to be wrong.

use serde_json::{Value, json};

use crate::config::{self, ConfigErrors, Environment, Note};
use crate::policy::pattern::{HostPattern, OriginHosts, OriginPattern};

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
    /// How much there is and where it came from, if it loads.
    pub summary: Option<String>,
}

/// Checks a configuration under an environment.
#[must_use]
pub fn check(configuration: &[u8], environment: &Environment<'_>) -> Checked {
    let entries = config::entries(configuration, environment);
    let lints = || entries.iter().filter_map(|(path, text)| lint(path, text));
    let warnings = |notes: &[Note]| notes.iter().map(ToString::to_string).chain(lints()).collect::<Vec<_>>();
    let (errors, warnings, summary) = match config::load_with(configuration, environment) {
        Ok(loaded) => {
            let warnings = warnings(&loaded.warnings);
            let summary = loaded.summary(warnings.len()).to_string();
            (Vec::new(), warnings, Some(summary))
        }
        Err(ConfigErrors {
            errors,
            warnings: notes,
        }) => (errors, warnings(&notes), None),
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
        summary,
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
            "summary": self.summary,
        })
    }
}

fn lint(path: &str, text: &str) -> Option<String> {
    let what = match list_of(path)? {
        List::Origins => match OriginPattern::parse(text).ok()? {
            OriginPattern::Of {
                hosts: OriginHosts::Subdomains(domain),
                ..
            } => suffix_lint(&domain),
            OriginPattern::Of {
                hosts: OriginHosts::Labels { domain, .. },
                ..
            } => label_lint(&domain),
            _ => None,
        },
        List::Hosts => match HostPattern::parse(text).ok()? {
            HostPattern::Domain(domain) => suffix_lint(&domain),
            _ => None,
        },
        List::Regexes => regex_lint(text).or_else(|| regex_suffix_lint(text)),
    };
    Some(format!("{path}: `{}`: {}", printable(text), what?))
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

fn suffix_lint(domain: &[u8]) -> Option<String> {
    let shown = public_suffix(domain)?;
    Some(format!(
        "`{shown}` is a public suffix, under which anybody registers names: this lets strangers' sites in; put your own \
         domain there"
    ))
}

fn label_lint(domain: &[u8]) -> Option<String> {
    let shown = public_suffix(domain)?;
    Some(format!(
        "`{shown}` is a public suffix: whoever registers a name there that fits this wildcard is let in; choose parts \
         around the `*` that nobody else can take, or list the names"
    ))
}

/// The domain, if the public-suffix list has it. One label is warned of without that list, which takes every unknown one
/// for a suffix.
fn public_suffix(domain: &[u8]) -> Option<String> {
    let is_listed = is_public_suffix(domain) && domain.contains(&b'.');
    is_listed.then(|| String::from_utf8_lossy(domain).into_owned())
}

/// Whether anybody registers names under a domain, by the public-suffix list, with or without a root dot.
#[must_use]
pub fn is_public_suffix(domain: &[u8]) -> bool {
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    psl::suffix(domain).is_some_and(|suffix| suffix.as_bytes() == domain)
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

/// A dot that was meant to be one.
fn regex_lint(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_bare = |window: &&[u8]| {
        matches!(window, [before, b'.', after]
            if (before.is_ascii_alphanumeric() || *before == b')') && after.is_ascii_alphanumeric())
    };
    bytes.windows(3).find(is_bare)?;
    Some("`.` stands for any character, so that other names match too; write `\\.` for a dot".to_owned())
}

/// A public suffix at the end, after something that stands for many names.
fn regex_suffix_lint(text: &str) -> Option<String> {
    let text = text.strip_suffix('$').unwrap_or(text);
    let domain = text.replace("\\.", ".");
    let begins = |it: char| !(it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == '.');
    let (before, domain) = domain.split_at_checked(domain.rfind(begins)? + 1)?;
    let is_many = before.ends_with(['*', '+', '}', ')', ']', '?']);
    label_lint(domain.strip_prefix('.').filter(|_| is_many)?.as_bytes())
}
