//! What the configuration's own errors and warnings leave out: what needs the public-suffix list, which is too large
//! for the module, and what is only likely to be wrong.

mod codes;
mod expressions;
mod updates;

use std::cell::RefCell;
use std::ops::Range;

use serde_json::{Value, json};

use crate::finding::{Finding, Severity, explain_values};
pub use crate::is_public_suffix;
use crate::places::{Place, Places};
use crate::{HttpSearch, Standing, standing};
pub use codes::CODES;
use codes::{PATH_OTHER_LETTERS, PUBLIC_SUFFIX};
use config::{self, ConfigErrors, Diagnostic, Entry, Environment, Loaded};
use expressions::{Expressions, lint_length};
use policy::path::{PathPrefix, escape, fold};
use policy::pattern::{HostPattern, OriginHosts, OriginPattern};
use policy::text::printable;
pub use updates::{Deployment, check_updates};

/// Everything that there is to say about a configuration.
#[derive(Debug)]
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
    /// The errors and warnings as data, in this order.
    pub findings: Vec<Finding>,
    /// The policy, if nothing refuses it.
    loaded: Option<Loaded>,
}

/// Checks a configuration under an environment.
#[must_use]
pub fn check(configuration: &[u8], environment: &Environment) -> Checked {
    let loaded = config::load_with(configuration, environment);
    let (errors, loading) = match &loaded {
        Ok(loaded) => (&[][..], &loaded.warnings),
        Err(ConfigErrors { errors, warnings }) => (errors.as_slice(), warnings),
    };
    let errors = errors.iter().map(|it| Finding::of(Severity::Error, it));
    let mut findings: Vec<_> = errors.collect();
    let many = findings.len();
    findings.extend(loading.iter().map(|it| Finding::of(Severity::Warning, it)));
    findings.extend(lints(configuration, environment, loading));
    explain_values(&mut findings, configuration);
    let (errors, warnings) = findings.split_at(many);
    let loads = loaded.is_ok();
    let http = RefCell::new(HttpSearch::default());
    let http = |text: &str| {
        // Nothing is claimed of what could not be decided.
        let found = http.borrow_mut().of(text).unwrap_or_default();
        (found.any, found.loopback)
    };
    Checked {
        errors: errors.iter().map(Finding::line).collect(),
        warnings: warnings.iter().map(Finding::line).collect(),
        warning_codes: warnings.iter().map(|it| it.code).collect(),
        grants: if loads {
            config::grants(configuration, environment, &http)
        } else {
            Vec::new()
        },
        changes: if loads {
            config::changes(configuration, environment, &http)
        } else {
            Vec::new()
        },
        findings,
        loaded: loaded.ok(),
    }
}

/// What only the command warns of, beside the `warnings` of the configuration itself.
#[must_use]
pub fn lints(configuration: &[u8], environment: &Environment, warnings: &[Diagnostic]) -> Vec<Finding> {
    let mut expressions = Expressions::default();
    let mut lints = Vec::new();
    for Entry { path, text, .. } in config::entries(configuration, environment) {
        for Lint { code, message } in lints_of(&path, &text, &mut expressions) {
            // The start of the module finds some of them by samples.
            if !warnings.iter().any(|it| it.code() == code && it.path() == path) {
                lints.push(Finding::lint(code, &path, printable(&text), message));
            }
        }
    }
    lints
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
    /// How much there is and where it came from, if it loads.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        let loaded = self.loaded.as_ref()?;
        Some(loaded.summary(self.warnings.len()).to_string())
    }

    /// Says where in a text each finding stands.
    pub fn locate(&mut self, text: &str, places: &Places) {
        self.findings.iter_mut().for_each(|it| it.locate(text, places));
    }

    /// Adds an error.
    fn refuse(&mut self, error: Finding) {
        self.errors.push(error.line());
        self.findings.insert(0, error);
        self.loaded = None;
    }

    /// Adds a warning.
    fn warn(&mut self, warning: Finding) {
        self.warnings.push(warning.line());
        self.warning_codes.push(warning.code);
        self.findings.push(warning);
    }

    /// Moves the places to those of a text that holds the other; what is not in one line of both has none.
    pub fn move_places(&mut self, to: impl Fn(Range<usize>) -> Option<Place>) {
        for finding in &mut self.findings {
            finding.place = finding.place.take().and_then(|it| to(it.bytes));
        }
    }

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
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "summary": self.summary(),
        })
    }
}

fn lints_of(path: &str, text: &str, expressions: &mut Expressions) -> Vec<Lint> {
    let lint = match list_of(path) {
        Some(List::Origins) => OriginPattern::parse(text).ok().and_then(|it| origin_lint(&it)),
        Some(List::Hosts) => host_lint(text),
        Some(List::Regexes) => return expressions.lints(text),
        Some(List::Prefixes) => prefix_lint(text),
        None => None,
    };
    lint.into_iter().collect()
}

fn origin_lint(pattern: &OriginPattern) -> Option<Lint> {
    let OriginPattern::Of { hosts, .. } = pattern else {
        return None;
    };
    lint_length(hosts).or_else(|| match hosts {
        OriginHosts::Subdomains(domain) => suffix_lint(domain, ALL_NAMES),
        OriginHosts::Labels { domain, .. } => suffix_lint(domain, SOME_NAMES),
        OriginHosts::One(_) => None,
    })
}

fn host_lint(text: &str) -> Option<Lint> {
    match HostPattern::parse(text).ok()? {
        HostPattern::Domain(domain) => suffix_lint(&domain, ALL_NAMES),
        _ => None,
    }
}

enum List {
    Origins,
    Hosts,
    Regexes,
    Prefixes,
}

/// What a list holds, by the key or the setting that it stands under.
fn list_of(path: &str) -> Option<List> {
    let (list, _) = path.rsplit_once('[')?;
    let key = list.rsplit('.').next()?;
    match key {
        "allowed_origins" | "trusted_origins" | "CORS_ALLOWED_ORIGINS" | "CSRF_TRUSTED_ORIGINS" => Some(List::Origins),
        "allowed_hosts" | "hosts" | "ALLOWED_HOSTS" => Some(List::Hosts),
        "allowed_origin_regexes" | "CORS_ALLOWED_ORIGIN_REGEXES" => Some(List::Regexes),
        "path_prefixes" => Some(List::Prefixes),
        _ => None,
    }
}

/// What is wrong with every name below a domain.
const ALL_NAMES: &str = "is a public suffix, under which anybody registers names: this lets strangers' sites in; put your own \
                         domain there";
/// What is wrong with the names below a domain that fit a wildcard.
const SOME_NAMES: &str = "is a public suffix: whoever registers a name there that fits this wildcard is let in; choose parts \
                          around the `*` that nobody else can take, or list the names";

fn suffix_lint(domain: &[u8], problem: &str) -> Option<Lint> {
    match public_suffix(domain) {
        Some(shown) => Some(Lint::new(PUBLIC_SUFFIX, format!("`{shown}` {problem}"))),
        None => lending_lint(domain),
    }
}

/// A domain that has an owner, who lends names below it to others.
fn lending_lint(domain: &[u8]) -> Option<Lint> {
    let domain = std::str::from_utf8(domain).ok()?;
    let shown = domain.strip_suffix('.').unwrap_or(domain);
    let lends = shown.contains('.') && matches!(standing(shown), Standing::Lends | Standing::LendsAll);
    lends.then(|| {
        let message = format!(
            "below `{shown}` there are public suffixes, under which anybody registers names: this lets strangers' sites \
             in; write more labels out, or list the names"
        );
        Lint::new(PUBLIC_SUFFIX, message)
    })
}

/// A prefix with letters of which the filter knows no other spelling: its readings fold what gives ASCII, and no more.
fn prefix_lint(prefix: &str) -> Option<Lint> {
    PathPrefix::parse(prefix).ok()?;
    let once = percent_decoded(prefix.as_bytes());
    let is_foreign = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().any(|it| fold(it).is_none());
    (is_foreign(&once) || is_foreign(&percent_decoded(&once))).then(|| {
        let message = "letters that are no ASCII are compared as they are: a backend that takes another spelling for this (the \
                       other case, accents that are composed or not) serves it past this entry; list each spelling that it \
                       takes, or choose a prefix in ASCII";
        Lint::new(PATH_OTHER_LETTERS, message)
    })
}

fn percent_decoded(mut text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    while let Some((&first, after)) = text.split_first() {
        let (byte, rest) = escape(text).unwrap_or((first, after));
        decoded.push(byte);
        text = rest;
    }
    decoded
}

/// The domain, if the public-suffix list has it. One label is warned of without that list, which takes every unknown one
/// for a suffix.
fn public_suffix(domain: &[u8]) -> Option<String> {
    let is_listed = is_public_suffix(domain) && domain.contains(&b'.');
    is_listed.then(|| String::from_utf8_lossy(domain).into_owned())
}
