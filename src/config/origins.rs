//! `allowed_origins` and `allowed_origin_regexes`, and what it may not be combined with.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::object_reader::{Item, ObjectReader};
use super::value::Value;
use policy::origin::Origin;
use policy::pattern::{MAX_EXPRESSIONS, OriginParts, OriginRegex, probes};
use policy::rules::{self, DangerousOptions};
use policy::set::{ExactOrigins, OriginSet, OriginSetBuilder};

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

/// A list of origins as it was written, and what it comes to.
#[derive(Default)]
pub(crate) struct OriginList<'n> {
    /// The entries, but for those that are one origin of `https`, of which nothing can be said. They are many.
    entries: Vec<Entry<'n>>,
    /// How many origins there are.
    count: usize,
    /// All entries, unless one is wrong.
    items: Vec<Item<'n>>,
    /// Whether one without a wildcard in its host is there twice.
    is_repeated: bool,
    /// The same, compiled once for all rules that share them.
    pub set: OriginSet,
}

struct Entry<'n> {
    item: Item<'n>,
    /// `None` is `*`.
    parts: Option<OriginParts<'n>>,
    is_new: bool,
}

impl<'n> OriginList<'n> {
    /// Reads a list.
    pub(crate) fn read(section: &mut ObjectReader<'n>, key: &'static str, diagnostics: &mut Diagnostics) -> Self {
        let items = section.list(key, diagnostics).unwrap_or_default();
        let errors = diagnostics.errors.len();
        let mut list = Self::default();
        let mut builder = OriginSetBuilder::default();
        let mut compiled = None;
        for item in &items {
            match OriginParts::parse(item.text) {
                Ok(parts) => list.add(item, parts, builder.add(parts.as_ref())),
                Err(error) => match section.compiled(item.text).filter(|_| compiled.is_none()) {
                    Some(origins) => {
                        compiled = Some((item, origins));
                        list.add_compiled(item, origins);
                    }
                    None => diagnostics.error(Diagnostic::on(&item.path(), Value::from(item.text), error)),
                },
            }
        }
        list.set = builder.finish(&mut list.is_repeated);
        if let Some((item, origins)) = compiled {
            if !list.set.exact().is_empty() {
                diagnostics.error(Diagnostic::on(&item.path(), item.text, DiagnosticCode::CompiledBroken));
            }
            list.set = list.set.with_exact(Arc::clone(origins));
        }
        if diagnostics.errors.len() == errors {
            list.items = items;
        }
        list
    }

    fn add(&mut self, item: &Item<'n>, parts: Option<OriginParts<'n>>, is_new: bool) {
        self.count += 1;
        if !parts.is_some_and(|it| it.is_plain()) {
            self.entries.push(Entry {
                item: item.clone(),
                parts,
                is_new,
            });
        }
    }

    /// Adds a list, of which one origin stands for those of which something can be said.
    fn add_compiled(&mut self, item: &Item<'n>, origins: &'n ExactOrigins) {
        self.count += origins.len();
        if let Some((line, parts)) = origins.insecure() {
            self.entries.push(Entry {
                item: Item {
                    text: std::str::from_utf8(line).unwrap_or(item.text),
                    ..item.clone()
                },
                parts: Some(parts),
                is_new: true,
            });
        }
    }

    /// The entry `*`.
    pub(crate) fn any(&self) -> Option<&Item<'n>> {
        self.entries.iter().find(|it| it.parts.is_none()).map(|it| &it.item)
    }

    /// Entries that change nothing: those given twice, and where that `is_covering` those that a wildcard covers which
    /// grants as much.
    pub(crate) fn warn_of_redundant(&mut self, is_covering: bool, diagnostics: &mut Diagnostics) {
        let items = std::mem::take(&mut self.items);
        let has_wildcard = |it: &Entry<'_>| it.parts.is_some_and(|it| it.has_wildcard());
        let is_covering = is_covering && self.entries.iter().any(has_wildcard);
        if !is_covering && !self.is_repeated && self.entries.iter().all(|it| it.is_new) {
            return;
        }
        let exact = self.set.exact();
        let mut seen = vec![false; exact.len()];
        let mut entries = self.entries.iter().peekable();
        for item in &items {
            let entry = entries.next_if(|it| it.item.index == item.index);
            let parts = OriginParts::parse(item.text).ok().flatten();
            let exact = parts.and_then(|it| exact.position(&it));
            let is_first = match exact.and_then(|at| seen.get_mut(at)) {
                Some(seen) => !std::mem::replace(seen, true),
                None => entry.is_none_or(|it| it.is_new),
            };
            let origin = Origin::parse(item.text.as_bytes()).ok().filter(|_| is_covering);
            let is_covered = origin.is_some_and(|it| self.set.covers(&it));
            if is_covered || !is_first {
                let code = match is_covered {
                    true => DiagnosticCode::OriginCovered,
                    false => DiagnosticCode::Repeated,
                };
                diagnostics.warn(Diagnostic::on(&item.path(), item.text, code));
            }
        }
    }

    /// Holds the entries of `allowed_origins` against each other and against what else is configured.
    fn check(
        &self,
        dangerous: DangerousOptions,
        credentials: bool,
        section: &ObjectReader<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        for entry in &self.entries {
            let found = |code| Diagnostic::on(&section.place_of(&entry.item.path()), entry.item.text, code);
            let mut error = |code: DiagnosticCode| diagnostics.error(found(code));
            let Some(parts) = &entry.parts else {
                if self.count > 1 {
                    error(DiagnosticCode::AnyAmongOrigins);
                }
                if credentials && !dangerous.any_origin_with_credentials {
                    error(DiagnosticCode::AnyWithCredentials);
                }
                continue;
            };
            if parts.is_insecure() && credentials && !dangerous.insecure_origins {
                error(DiagnosticCode::InsecureWithCredentials);
            }
            if parts.covers_single_label() {
                if credentials {
                    error(DiagnosticCode::OriginSingleLabel);
                } else {
                    diagnostics.warn(found(DiagnosticCode::OriginSingleLabel));
                }
            }
            if parts.is_socket() {
                diagnostics.warn(found(DiagnosticCode::OriginSocket));
            }
        }
    }

    /// The entries that are more than one origin of `https`.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Item<'n>, &OriginParts<'n>)> {
        self.entries
            .iter()
            .filter_map(|it| Some((&it.item, it.parts.as_ref()?)))
    }
}

/// The origins as they were written.
pub(crate) struct WrittenOrigins<'n> {
    list: OriginList<'n>,
    regexes: Vec<(Item<'n>, OriginRegex)>,
    /// Both, compiled once for all rules that share them.
    set: Arc<OriginSet>,
}

impl<'n> WrittenOrigins<'n> {
    /// No origins.
    pub(crate) fn none() -> Self {
        Self {
            list: OriginList::default(),
            regexes: Vec::new(),
            set: Arc::default(),
        }
    }

    /// Reads both lists.
    pub(crate) fn read(section: &mut ObjectReader<'n>, diagnostics: &mut Diagnostics) -> Self {
        if section.has_empty_list("allowed_origins") {
            diagnostics.error(Diagnostic::at(
                &section.path_of("allowed_origins"),
                DiagnosticCode::EmptyOrigins,
            ));
        }
        let mut list = OriginList::read(section, "allowed_origins", diagnostics);
        list.warn_of_redundant(true, diagnostics);
        let items = section.list("allowed_origin_regexes", diagnostics).unwrap_or_default();
        let regexes = read_regexes(&items, diagnostics);
        let set = std::mem::take(&mut list.set);
        let set = set.with_regexes(regexes.iter().map(|(_, regex)| regex.clone()).collect());
        Self {
            list,
            regexes,
            set: set.into(),
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.list.count + self.regexes.len()
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
        self.list.check(dangerous, credentials, section, diagnostics);
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

/// The origins for rules with or without credentials.
pub(crate) fn compile(
    origins: &WrittenOrigins<'_>,
    dangerous: DangerousOptions,
    credentials: bool,
) -> Arc<rules::Origins> {
    Arc::new(rules::Origins {
        set: Arc::clone(&origins.set),
        credentials,
        dangerous,
    })
}
