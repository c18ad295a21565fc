//! `allowed_origins` and `allowed_origin_regexes`, and what it may not be combined with.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::object_reader::{Item, ObjectReader, parse_each};
use super::value::Value;
use policy::origin::Origin;
use policy::pattern::{MAX_EXPRESSIONS, OriginHosts, OriginPattern, OriginRegex, probes};
use policy::rules::{self, DangerousOptions};
use policy::set::OriginSet;

/// Reads the keys by which an operator takes a risk on purpose; each that is set warns.
pub(crate) fn read_dangerous(root: &mut ObjectReader<'_>, diagnostics: &mut Diagnostics) -> DangerousOptions {
    let mut read = |key, risk| {
        let is_set = root.bool(key, false, diagnostics);
        if is_set {
            diagnostics.warn(Diagnostic::at(key, risk));
        }
        is_set
    };
    DangerousOptions {
        null_origin: read("dangerously_allow_null_origin", DiagnosticCode::DangerousNull),
        any_origin_with_credentials: read(
            "dangerously_allow_any_origin_with_credentials",
            DiagnosticCode::DangerousCredentials,
        ),
        insecure_origins: read("dangerously_allow_insecure_origins", DiagnosticCode::DangerousInsecure),
    }
}

/// The origins as they were written.
pub(crate) struct WrittenOrigins<'n> {
    entries: Vec<Entry<'n>>,
    regexes: Vec<(Item<'n>, OriginRegex)>,
    /// The same, compiled once for all rules that share them.
    set: Rc<OriginSet>,
}

struct Entry<'n> {
    item: Item<'n>,
    pattern: OriginPattern,
}

impl<'n> WrittenOrigins<'n> {
    /// No origins.
    pub(crate) fn none() -> Self {
        Self {
            entries: Vec::new(),
            regexes: Vec::new(),
            set: Rc::default(),
        }
    }

    /// Reads both lists.
    pub(crate) fn read(section: &mut ObjectReader<'n>, diagnostics: &mut Diagnostics) -> Self {
        let items = section.list("allowed_origins", diagnostics);
        if section.has_empty_list("allowed_origins") {
            diagnostics.error(Diagnostic::at(
                &section.path_of("allowed_origins"),
                DiagnosticCode::EmptyOrigins,
            ));
        }
        let items = items.unwrap_or_default();
        let errors = diagnostics.errors.len();
        let entries: Vec<_> = parse_each(&items, OriginPattern::parse, diagnostics)
            .map(|(item, pattern)| Entry {
                item: item.clone(),
                pattern,
            })
            .collect();
        let items = section.list("allowed_origin_regexes", diagnostics).unwrap_or_default();
        let regexes = read_regexes(&items, diagnostics);
        let set: OriginSet = entries.iter().map(|entry| entry.pattern.clone()).collect();
        let set = set.with_regexes(regexes.iter().map(|(_, regex)| regex.clone()).collect());
        let origins = Self {
            entries,
            regexes,
            set: set.into(),
        };
        if diagnostics.errors.len() == errors {
            origins.warn_of_redundant(diagnostics);
        }
        origins
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() + self.regexes.len()
    }

    /// Whether `*` is listed.
    pub(crate) fn is_any(&self) -> bool {
        self.set.is_any()
    }

    /// Holds the entries against each other and against what else is configured; `section` is the one whose rules they
    /// become, which need not be the one that lists them.
    pub(crate) fn check(
        &self,
        dangerous: DangerousOptions,
        credentials: bool,
        section: &ObjectReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        for entry in &self.entries {
            self.check_entry(entry, dangerous, credentials, section, diagnostics);
        }
        if self.is_any() && !self.regexes.is_empty() {
            let path = section.path_of("allowed_origin_regexes");
            diagnostics.error(Diagnostic::at(&path, DiagnosticCode::AnyBesideRegexes));
        }
        for (item, regex) in self.regexes.iter().filter(|_| credentials) {
            let path = section.place_of(&item.path());
            let matches = |is_it: fn(&str) -> bool| probes().filter(|it| is_it(it)).any(|it| regex.matches_text(&it));
            if matches(|it| !it.starts_with("http://")) && !dangerous.any_origin_with_credentials {
                diagnostics.error(Diagnostic::on(
                    &path,
                    Value::from(item.text),
                    DiagnosticCode::AnyWithCredentials,
                ));
            } else if matches(|it| it.ends_with(".invalid")) && !dangerous.insecure_origins {
                diagnostics.error(Diagnostic::on(
                    &path,
                    Value::from(item.text),
                    DiagnosticCode::InsecureWithCredentials,
                ));
            }
        }
    }

    fn check_entry(
        &self,
        entry: &Entry<'_>,
        dangerous: DangerousOptions,
        credentials: bool,
        section: &ObjectReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let pattern = &entry.pattern;
        // Lists are long, and nearly all of their entries are good.
        let found = |code| Diagnostic::on(&section.place_of(&entry.item.path()), entry.item.text, code);
        let mut error = |code: DiagnosticCode| diagnostics.error(found(code));
        if *pattern == OriginPattern::Any && self.entries.len() > 1 {
            error(DiagnosticCode::AnyAmongOrigins);
        }
        if *pattern == OriginPattern::Any && credentials && !dangerous.any_origin_with_credentials {
            error(DiagnosticCode::AnyWithCredentials);
        }
        if pattern.is_insecure() && credentials && !dangerous.insecure_origins {
            error(DiagnosticCode::InsecureWithCredentials);
        }
        if pattern.covers_single_label() {
            if credentials {
                error(DiagnosticCode::OriginSingleLabel);
            } else {
                diagnostics.warn(found(DiagnosticCode::OriginSingleLabel));
            }
        }
        if pattern.is_socket() {
            diagnostics.warn(found(DiagnosticCode::OriginSocket));
        }
    }

    /// Entries that change nothing: those given twice, and those that a wildcard covers which grants as much.
    fn warn_of_redundant(&self, diagnostics: &mut Diagnostics) {
        let mut wildcards = self.entries.iter().filter(|it| it.has_wildcard()).peekable();
        let is_any = wildcards.peek().is_some();
        let wildcards: OriginSet = wildcards.map(|it| it.pattern.clone()).collect();
        let mut seen = BTreeSet::new();
        for entry in &self.entries {
            let is_covered = !entry.has_wildcard()
                && is_any
                && Origin::parse(entry.item.text.as_bytes()).is_ok_and(|it| wildcards.find_credentialed(&it).is_some());
            if is_covered {
                diagnostics.warn(Diagnostic::on(
                    &entry.item.path(),
                    entry.item.text,
                    DiagnosticCode::OriginCovered,
                ));
            } else if !seen.insert(&entry.pattern) {
                diagnostics.warn(Diagnostic::on(
                    &entry.item.path(),
                    entry.item.text,
                    DiagnosticCode::Repeated,
                ));
            }
        }
    }
}

/// The expressions up to the one with which those of the policy add up to too much. None after it is even compiled.
fn read_regexes<'n>(items: &[Item<'n>], diagnostics: &mut Diagnostics) -> Vec<(Item<'n>, OriginRegex)> {
    let mut regexes = Vec::new();
    for item in items {
        if diagnostics.expressions <= MAX_EXPRESSIONS {
            match OriginRegex::parse(item.text) {
                Ok(regex) => {
                    diagnostics.expressions += regex.size();
                    regexes.push((item.clone(), regex));
                }
                Err(error) => diagnostics.error(Diagnostic::on(&item.path(), Value::from(item.text), error)),
            }
        }
        if diagnostics.expressions > MAX_EXPRESSIONS {
            diagnostics.error(Diagnostic::at(&item.path(), DiagnosticCode::RegexTotal));
            break;
        }
    }
    regexes
}

impl Entry<'_> {
    fn has_wildcard(&self) -> bool {
        matches!(
            self.pattern,
            OriginPattern::Of {
                hosts: OriginHosts::Subdomains(_) | OriginHosts::Labels { .. },
                ..
            }
        )
    }
}

/// The origins for rules with or without credentials.
pub(crate) fn compile(
    origins: &WrittenOrigins<'_>,
    dangerous: DangerousOptions,
    credentials: bool,
) -> Rc<rules::Origins> {
    Rc::new(rules::Origins {
        set: Rc::clone(&origins.set),
        credentials,
        dangerous,
    })
}
