//! A draft of a policy: its entries, each with what the log shows for it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::line::Name;
use super::super::path_group::{count, shown};
use super::super::reading::Reading;
use super::proposals::{Proposal, proposals};
use super::rules::Rules;
use super::{AskedHost, Learner, Page, Seen};
use policy::pattern::HostPattern;

/// So many origins that a host only refuses are somebody's attempts.
const ATTEMPTS: usize = 10;

/// So many hosts of which each has next to no requests are somebody's attempts.
const RARE_HOSTS: usize = 10;

/// How many of those that are left out are named.
const NAMED: usize = 10;

/// A draft of a policy.
pub struct Draft {
    pub(super) requests: Seen,
    pub(super) hosts: Vec<Item>,
    /// The rules of hosts that show the same; of one kind, or the first holds for no host of the others.
    pub(super) rules: Vec<Rules>,
    /// What is left out, or has to be known to read it.
    pub(super) notes: Vec<String>,
}

/// An entry of a list, or what may be one.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) value: String,
    pub(super) seen: Seen,
    /// What was seen, in words.
    pub(super) what: String,
}

impl Draft {
    pub(super) fn of(learner: Learner, reading: &Reading) -> Result<Self, String> {
        let (hosts, rare_hosts) = learner.hosts.finish();
        let (pages, rare_pages) = learner.pages.finish();
        let mut draft = Self {
            requests: learner.requests,
            hosts: Vec::new(),
            rules: Vec::new(),
            notes: reading.notes(),
        };
        draft.note_fields(learner.logged, learner.requests.count)?;
        let hosts = draft.known_hosts(hosts.into_iter().map(|(_, it)| it).collect());
        let pages: Vec<_> = pages.into_iter().map(|(_, it)| it).collect();
        draft.note_refused(&pages);
        if learner.opaque > 0 {
            let opaque = count(learner.opaque, "answered request");
            draft.notes.push(format!(
                "left out: {opaque} of `null` or of malformed origins: no entry has them"
            ));
        }
        let rare = rare_hosts + rare_pages;
        if rare > 0 {
            draft.notes.push(format!(
                "left out: {rare} requests of origins and hosts too rare to be kept"
            ));
        }
        draft.add_rules(&hosts, &pages);
        if draft.hosts.is_empty() {
            return Err("no request of these logs was answered well: there is nothing to learn".to_owned());
        }
        Ok(draft)
    }

    /// What is left out, and what has to be known to read it.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What the log does not show.
    fn note_fields(&mut self, logged: u32, requests: u64) -> Result<(), String> {
        let has = |name: Name| logged & name.bit() != 0;
        if requests == 0 {
            return Err("there is no request in these logs".to_owned());
        }
        if !has(Name::Authority) {
            return Err(
                "the log does not have `authority`, the host that was asked for (--host gives it to all)".to_owned(),
            );
        }
        if !has(Name::Status) && !has(Name::Finding) {
            return Err("the log does not have `status`: what was answered well cannot be known".to_owned());
        }
        let mut lacks = |name: Name, so: &str| {
            if !has(name) {
                self.notes.push(format!("the log does not have `{}`: {so}", name.key()));
            }
        };
        lacks(Name::Origin, "the draft has no origins");
        lacks(Name::RequestMethod, "the draft has the methods of requests alone");
        lacks(Name::RequestHeaders, "the draft has no `allow_headers`");
        if has(Name::Origin) && !has(Name::Finding) && !has(Name::AllowOrigin) {
            self.notes.push(
                "the log has neither `origin_gate` nor `access_control_allow_origin`: whoever was answered counts as meant, also \
                 where browsers kept the answer from the page"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The hosts that somebody means, and not those that somebody tries.
    fn known_hosts(&mut self, mut hosts: Vec<AskedHost>) -> Vec<AskedHost> {
        let total: u64 = hosts.iter().map(|it| it.seen.count).sum();
        let is_rare = |it: &AskedHost| it.seen.count < 10 && it.seen.count * 1000 < total;
        let rare: Vec<_> = hosts
            .iter()
            .filter(|it| is_rare(it))
            .map(|it| it.name.clone())
            .collect();
        if rare.len() > RARE_HOSTS {
            hosts.retain(|it| !is_rare(it));
            self.notes.push(format!(
                "left out: {} hosts of a few requests each, such as {}: they look like attempts",
                rare.len(),
                some(&rare)
            ));
        }
        let (fit, unfit): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|it| HostPattern::parse(&it.name).is_ok());
        for host in unfit {
            self.notes
                .push(format!("left out: the host {}, which no list can have", host.name));
        }
        fit
    }

    /// Says who was only refused.
    fn note_refused(&mut self, pages: &[Page]) {
        let is_refused =
            |it: &&Page| it.refused.count > 0 && it.granted() == 0 && it.anybody.count + it.forms.count == 0;
        let mut hosts = BTreeMap::<_, (Vec<String>, u64)>::new();
        for page in pages.iter().filter(is_refused) {
            let (origins, sum) = hosts.entry(&page.host).or_default();
            origins.push(shown(page.origin.as_bytes()));
            *sum += page.refused.count;
        }
        for (host, (origins, sum)) in hosts {
            let requests = count(sum, "request");
            let (many, host) = (origins.len(), shown(host.as_bytes()));
            let some = some(&origins);
            self.notes.push(match many {
                0..ATTEMPTS => format!("left out: {host} only refused {some} ({requests})"),
                _ => format!(
                    "left out: {host} only refused {many} origins, such as {some} ({requests}): it looks like an attack"
                ),
            });
        }
    }

    fn add_rules(&mut self, hosts: &[AskedHost], pages: &[Page]) {
        let mut found = BTreeMap::<_, Rules>::new();
        for host in hosts {
            let rules = Rules::of(host, pages.iter().filter(|it| it.host == host.name), &mut self.notes);
            let what = count(host.seen.count, "request");
            self.hosts.push(Item {
                value: host.name.clone(),
                seen: host.seen,
                what,
            });
            match found.get_mut(&rules.signature()) {
                Some(same) => same.join(rules),
                None => drop(found.insert(rules.signature(), rules)),
            }
        }
        self.rules = found.into_values().collect();
        self.rules.sort_by_key(Rules::is_empty);
        self.hosts
            .sort_by_key(|it| (std::cmp::Reverse(it.seen.count), it.value.clone()));
        for rules in &mut self.rules {
            rules.proposals = proposals(rules.origins.iter().map(|it| it.value.as_str()));
        }
        let questions: u64 = self.rules.iter().map(|it| it.questions.len() as u64).sum();
        if questions > 0 {
            self.notes.push(format!(
                "{questions} origins are questions, and no entries: everybody was answered (`*`), so that the log does not show who \
                 is meant"
            ));
        }
    }

    /// Every entry with what the log shows for it, for programs.
    #[must_use]
    pub fn evidence(&self) -> Value {
        let item = |list: &str, hosts: &[String], it: &Item| {
            json!({
                "list": list,
                "hosts": hosts,
                "value": it.value,
                "count": it.seen.count,
                "what": it.what,
                "first": it.seen.span.first(),
                "last": it.seen.span.last(),
            })
        };
        let mut entries: Vec<_> = self.hosts.iter().map(|it| item("allowed_hosts", &[], it)).collect();
        let (mut questions, mut proposals) = (Vec::new(), Vec::new());
        for rules in &self.rules {
            for (list, items) in rules.lists() {
                entries.extend(items.iter().map(|it| item(list, &rules.hosts, it)));
            }
            questions.extend(
                rules
                    .questions
                    .iter()
                    .map(|it| item("allowed_origins", &rules.hosts, it)),
            );
            let of =
                |it: &Proposal| json!({ "pattern": it.pattern, "instead_of": it.instead_of, "hosts": rules.hosts });
            proposals.extend(rules.proposals.iter().map(of));
        }
        json!({
            "requests": self.requests.count,
            "first": self.requests.span.first(),
            "last": self.requests.span.last(),
            "entries": entries,
            "questions": questions,
            "proposals": proposals,
            "notes": self.notes,
        })
    }
}

/// The first of many.
fn some(names: &[String]) -> String {
    let first: Vec<_> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = if names.len() > NAMED { ", …" } else { "" };
    first.join(", ") + more
}
