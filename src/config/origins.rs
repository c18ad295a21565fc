//! `allowed_origins` and `allowed_origin_regexes`, and what it may not be combined with.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::node::Node;
use super::note::{Note, Report};
use super::problem::Problem;
use super::section::{Item, Section, parse_each};
use policy::origin::Origin;
use policy::pattern::{MAX_EXPRESSIONS, OriginHosts, OriginPattern, OriginRegex, expression_size, probes};
use policy::rules::{self, Dangers};
use policy::set::OriginSet;

/// Reads the keys by which an operator takes a risk on purpose; each that is set warns.
pub fn read_dangers(root: &mut Section<'_>, report: &mut Report) -> Dangers {
    let mut read = |key, risk| {
        let is_set = root.bool(key, false, report);
        if is_set {
            report.warn(Note::at(key, risk));
        }
        is_set
    };
    Dangers {
        null_origin: read("dangerously_allow_null_origin", Problem::DangerousNull),
        any_origin_with_credentials: read(
            "dangerously_allow_any_origin_with_credentials",
            Problem::DangerousCredentials,
        ),
        insecure_origins: read("dangerously_allow_insecure_origins", Problem::DangerousInsecure),
    }
}

/// The origins as they were written.
pub struct Origins<'n> {
    entries: Vec<Entry<'n>>,
    regexes: Vec<(Item<'n>, OriginRegex)>,
    /// The same, compiled once for all rules that share them.
    set: Rc<OriginSet>,
}

struct Entry<'n> {
    item: Item<'n>,
    pattern: OriginPattern,
}

impl<'n> Origins<'n> {
    /// No origins.
    pub fn none() -> Self {
        Self {
            entries: Vec::new(),
            regexes: Vec::new(),
            set: Rc::default(),
        }
    }

    /// Reads both lists.
    pub fn read(section: &mut Section<'n>, report: &mut Report) -> Self {
        let items = section.list("allowed_origins", report);
        if section.has_empty_list("allowed_origins") {
            report.error(Note::at(&section.path_of("allowed_origins"), Problem::EmptyOrigins));
        }
        let items = items.unwrap_or_default();
        let errors = report.errors.len();
        let entries: Vec<_> = parse_each(&items, OriginPattern::parse, report)
            .map(|(item, pattern)| Entry {
                item: item.clone(),
                pattern,
            })
            .collect();
        let items = section.list("allowed_origin_regexes", report).unwrap_or_default();
        let regexes: Vec<_> = parse_each(within_bound(&items, report), OriginRegex::parse, report)
            .map(|(item, regex)| (item.clone(), regex))
            .collect();
        let set: OriginSet = entries.iter().map(|entry| entry.pattern.clone()).collect();
        let set = set.with_regexes(regexes.iter().map(|(_, regex)| regex.clone()).collect());
        let origins = Self {
            entries,
            regexes,
            set: set.into(),
        };
        if report.errors.len() == errors {
            origins.warn_of_redundant(report);
        }
        origins
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len() + self.regexes.len()
    }

    /// Whether `*` is listed.
    pub fn is_any(&self) -> bool {
        self.set.is_any()
    }

    /// Holds the entries against each other and against what else is configured; `section` is the one whose rules they
    /// become, which need not be the one that lists them.
    pub fn check(&self, dangers: Dangers, credentials: bool, section: &Section<'_>, report: &mut Report) {
        for entry in &self.entries {
            self.check_entry(
                entry,
                dangers,
                credentials,
                &section.place_of(&entry.item.path()),
                report,
            );
        }
        if self.is_any() && !self.regexes.is_empty() {
            let path = section.path_of("allowed_origin_regexes");
            report.error(Note::at(&path, Problem::AnyBesideRegexes));
        }
        for (item, regex) in self.regexes.iter().filter(|_| credentials) {
            let path = section.place_of(&item.path());
            let matches = |is_it: fn(&str) -> bool| probes().filter(|it| is_it(it)).any(|it| regex.matches_text(&it));
            if matches(|it| !it.starts_with("http://")) && !dangers.any_origin_with_credentials {
                report.error(Note::on(&path, Node::from(item.text), Problem::AnyWithCredentials));
            } else if matches(|it| it.ends_with(".invalid")) && !dangers.insecure_origins {
                report.error(Note::on(&path, Node::from(item.text), Problem::InsecureWithCredentials));
            }
        }
    }

    fn check_entry(&self, entry: &Entry<'_>, dangers: Dangers, credentials: bool, path: &str, report: &mut Report) {
        let pattern = &entry.pattern;
        let mut error = |problem: Problem| report.error(Note::on(path, entry.item.text, problem));
        if *pattern == OriginPattern::Any && self.entries.len() > 1 {
            error(Problem::AnyAmongOrigins);
        }
        if *pattern == OriginPattern::Any && credentials && !dangers.any_origin_with_credentials {
            error(Problem::AnyWithCredentials);
        }
        if pattern.is_insecure() && credentials && !dangers.insecure_origins {
            error(Problem::InsecureWithCredentials);
        }
        if pattern.covers_single_label() {
            if credentials {
                error(Problem::OriginSingleLabel);
            } else {
                report.warn(Note::on(path, entry.item.text, Problem::OriginSingleLabel));
            }
        }
        if pattern.is_socket() {
            report.warn(Note::on(path, entry.item.text, Problem::OriginSocket));
        }
    }

    /// Entries that change nothing: those given twice, and those that a wildcard covers which grants as much.
    fn warn_of_redundant(&self, report: &mut Report) {
        let wildcards = self
            .entries
            .iter()
            .filter(|it| it.has_wildcard())
            .map(|it| it.pattern.clone());
        let wildcards: OriginSet = wildcards.collect();
        let mut seen = BTreeSet::new();
        for entry in &self.entries {
            let is_covered = !entry.has_wildcard()
                && Origin::parse(entry.item.text.as_bytes()).is_ok_and(|it| wildcards.find_credentialed(&it).is_some());
            if is_covered {
                report.warn(Note::on(&entry.item.path(), entry.item.text, Problem::OriginCovered));
            } else if !seen.insert(&entry.pattern) {
                report.warn(Note::on(&entry.item.path(), entry.item.text, Problem::Repeated));
            }
        }
    }
}

/// The expressions up to the one with which those of the policy add up to too much. None after it is even compiled.
fn within_bound<'i, 'n>(items: &'i [Item<'n>], report: &mut Report) -> &'i [Item<'n>] {
    for (at, item) in items.iter().enumerate() {
        // One that is too large by itself does not compile, which says more.
        let size = Some(expression_size(item.text)).filter(|&size| size <= MAX_EXPRESSIONS);
        report.expressions = report.expressions.saturating_add(size.unwrap_or_default());
        if report.expressions > MAX_EXPRESSIONS {
            report.error(Note::at(&item.path(), Problem::RegexTotal));
            return items.get(..at).unwrap_or_default();
        }
    }
    items
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
pub fn compile(origins: &Origins<'_>, dangers: Dangers, credentials: bool) -> Rc<rules::Origins> {
    Rc::new(rules::Origins {
        set: Rc::clone(&origins.set),
        credentials,
        dangers,
    })
}
