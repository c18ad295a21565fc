//! `allowed_origins`, and what it may not be combined with.

use std::collections::BTreeSet;

use super::node::Node;
use super::section::{Item, Note, Report, Section};
use crate::policy::Origins;
use crate::policy::origin::Origin;
use crate::policy::pattern::{OriginHosts, OriginPattern};
use crate::policy::set::OriginSet;

/// The keys by which an operator takes a risk on purpose.
pub struct Danger {
    null_origin: bool,
    any_origin_with_credentials: bool,
    insecure_origins: bool,
}

impl Danger {
    /// Reads the keys; each that is set warns.
    pub fn read(root: &mut Section<'_>, report: &mut Report) -> Self {
        let mut read = |key, risk| {
            let is_set = root.bool(key, false, report);
            if is_set {
                report.warn(Note::at(key, risk));
            }
            is_set
        };
        Self {
            null_origin: read(
                "dangerously_allow_null_origin",
                "any site can send `Origin: null`, from a sandboxed frame",
            ),
            any_origin_with_credentials: read(
                "dangerously_allow_any_origin_with_credentials",
                "every site can act and read as its visitors",
            ),
            insecure_origins: read(
                "dangerously_allow_insecure_origins",
                "who sits on the network path of a visitor can act and read as them",
            ),
        }
    }
}

/// Reads `allowed_origins`.
pub fn read(items: Option<Vec<Item<'_>>>, danger: &Danger, credentials: bool, report: &mut Report) -> Origins {
    let items = match items {
        None => Vec::new(),
        Some(items) => {
            if items.is_empty() {
                report.error(Note::at(
                    "allowed_origins",
                    "an empty list allows no origin; leave the key out if that is meant",
                ));
            }
            items
        }
    };
    let mut patterns = Vec::with_capacity(items.len());
    for item in &items {
        match OriginPattern::parse(item.text) {
            Ok(pattern) => {
                check(&pattern, item, items.len(), danger, credentials, report);
                patterns.push(pattern);
            }
            Err(error) => report.error(Note::on(&item.path, Node::from(item.text), error)),
        }
    }
    if report.errors.is_empty() {
        warn_of_redundant(&items, &patterns, report);
    }
    let set: OriginSet = patterns.into_iter().collect();
    let null = danger.null_origin || (set.is_any() && !credentials);
    Origins { set, null }
}

fn check(
    pattern: &OriginPattern,
    item: &Item<'_>,
    entries: usize,
    danger: &Danger,
    credentials: bool,
    report: &mut Report,
) {
    let mut error = |problem: &str| report.error(Note::on(&item.path, item.text, problem));
    if *pattern == OriginPattern::Any && entries > 1 {
        error("`*` covers every origin; remove it, or the other entries");
    }
    if *pattern == OriginPattern::Any && credentials && !danger.any_origin_with_credentials {
        error(
            "with `cors.allow_credentials` every site could act and read as its visitors; list the origins, \
             or set `dangerously_allow_any_origin_with_credentials`",
        );
    }
    if pattern.is_insecure() && credentials && !danger.insecure_origins {
        error(
            "with `cors.allow_credentials` who sits on a visitor's network path could act and read as them; \
             write `https`, or set `dangerously_allow_insecure_origins`",
        );
    }
    if pattern.covers_single_label() {
        const PROBLEM: &str = "this covers every site under one top-level name; put your own domain after the wildcard";
        if credentials {
            error(PROBLEM);
        } else {
            report.warn(Note::on(&item.path, item.text, PROBLEM));
        }
    }
    if let OriginPattern::Of { scheme, .. } = pattern
        && matches!(&**scheme, b"ws" | b"wss")
    {
        report.warn(Note::on(
            &item.path,
            item.text,
            "browsers never send this: the origin of a WebSocket is its page's, `http` or `https`",
        ));
    }
}

/// Entries that change nothing: those given twice, and those that a wildcard covers.
fn warn_of_redundant(items: &[Item<'_>], patterns: &[OriginPattern], report: &mut Report) {
    let has_wildcard = |it: &&OriginPattern| {
        matches!(
            it,
            OriginPattern::Of {
                hosts: OriginHosts::Subdomains(_) | OriginHosts::Labels { .. },
                ..
            }
        )
    };
    let wildcards: OriginSet = patterns.iter().filter(has_wildcard).cloned().collect();
    let mut seen = BTreeSet::new();
    for (item, pattern) in items.iter().zip(patterns) {
        let is_covered = !has_wildcard(&pattern)
            && Origin::parse(item.text.as_bytes()).is_ok_and(|it| wildcards.find(&it).is_some());
        if is_covered {
            report.warn(Note::on(
                &item.path,
                item.text,
                "a wildcard covers this already; remove one",
            ));
        } else if !seen.insert(pattern) {
            report.warn(Note::on(&item.path, item.text, "this is given twice; remove one"));
        }
    }
}
