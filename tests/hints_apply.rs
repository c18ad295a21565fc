//! What a hint offers can be done, and helps, and does no more than it says: each entry is added where the hint says, and
//! the same request asked again, and others that it does not name.

mod offers;
mod requests;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use advice::Domains;
use analysis::explain::{Exchange, explain};
use analysis::is_public_suffix;
use config::Loaded;
use offers::{done, offers, parts, with};
use policy::host::{Authority, Host};
use policy::origin::Origin;
use policy::pattern::{HostPattern, OriginHosts, OriginPattern};
use policy::request::Field;
use policy::verdict::{Check, Deny, Finding, Outcome};
use requests::{Lines, STRANGERS, bystanders, each_request, head};

thread_local! {
    /// Most offers are made to many requests.
    static LOADED: RefCell<HashMap<String, Rc<Result<Loaded, String>>>> = RefCell::default();
}

fn load_anew(policy: &str) -> Result<Loaded, String> {
    let (settings, json) = parts(policy);
    let settings: Vec<_> = settings.lines().filter_map(|it| it.split_once('=')).collect();
    config::load_with(json.as_bytes(), &crate::variables(&settings)).map_err(|it| it.to_string())
}

fn load(policy: &str) -> Rc<Result<Loaded, String>> {
    let loads = || load_anew(policy);
    let mut known = LOADED.with_borrow_mut(std::mem::take);
    let loaded = Rc::clone(known.entry(policy.to_owned()).or_insert_with(|| Rc::new(loads())));
    LOADED.set(known);
    loaded
}

/// Why an offer is a bad one, if it is.
fn problem(policy: &str, lines: &Lines, before: Finding, list: &str, entries: &[String]) -> Option<String> {
    let changed = match list {
        "" => policy.to_owned(),
        list => with(policy, list, entries),
    };
    let loaded = load(&changed);
    let policy = match &*loaded {
        Ok(loaded) => &loaded.policy,
        Err(errors) => return Some(format!("does not load: {errors}")),
    };
    let mut head = head(lines);
    // What the page is to do, it does.
    if head.received.request_method.one() == Some(b"patch") {
        head.received.request_method = Field::One(b"PATCH");
    }
    let verdict = policy.decide(&head);
    let after = verdict.finding;
    // A preflight may go on to miss a method or a header; else what is offered is all that the check asks for.
    let (was, is) = (before.outcome.deny(), after.outcome.deny());
    let is_next = was != is
        && matches!(is, Some(Deny::MethodNotAllowed | Deny::HeaderNotAllowed))
        && was != Some(Deny::HeaderNotAllowed);
    let is_next = is_next || verdict.forwarded.is_some();
    let is_solved = after.outcome.is_allowed() || after.check != before.check || is_next;
    (!is_solved).then(|| format!("still {after}"))
}

/// Why what a fix says besides its lists is wrong, if it is.
fn wrong(policy: &str, lines: &Lines, before: Finding, fix: &str) -> Option<String> {
    let (changed, lines) = done(policy, lines, fix)?;
    if fix.contains("over https and add") {
        // Any of the lists will do.
        let mut problems = offers(fix)
            .into_iter()
            .map(|(list, entries)| problem(&changed, &lines, before, &list, &entries));
        return problems.find_map(|it| it);
    }
    problem(&changed, &lines, before, "", &[])
}

/// What stays as it is, of a finding: the reason for a refusal may come to be another.
type Answer = (Check, bool, bool);

fn answer(policy: &str, lines: &Lines) -> Answer {
    let loaded = load(policy);
    let finding = loaded.as_ref().as_ref().unwrap().policy.decide(&head(lines)).finding;
    let outcome = finding.outcome;
    (
        finding.check,
        outcome.is_allowed(),
        matches!(outcome, Outcome::WouldReject(_)),
    )
}

/// Whether what is added to a list is about a request.
fn names(list: &str, entries: &[String], lines: &Lines) -> bool {
    let head = head(lines);
    let origin = head.received.origin.one().and_then(|it| Origin::parse(it).ok());
    let is_asked = |field: Field<'_>, entry: &str| field.one() == Some(entry.as_bytes());
    let named = |entry: &String| match list.rsplit('.').next().unwrap() {
        "missing_origin" => origin.is_none(),
        // The sentence says that all below it is exempt.
        "exempt_paths" if entry.ends_with('/') => head.received.path.starts_with(entry.as_bytes()),
        "exempt_paths" => head.received.path == entry.as_bytes(),
        "allow_methods" | "CORS_ALLOW_METHODS" => is_asked(head.received.request_method, entry),
        "allow_headers" | "CORS_ALLOW_HEADERS" => !head.received.request_headers.is_empty(),
        "allowed_hosts" | "ALLOWED_HOSTS" => {
            let pattern = HostPattern::parse(entry).unwrap();
            let of = |host: &Host<'_>| pattern.matches(host);
            let is_text = |(name, value): &(String, Vec<u8>)| {
                name == "x-forwarded-host" && String::from_utf8_lossy(value).contains(entry.as_str())
            };
            let authority = head.received.authority.one().and_then(|it| Authority::parse(it).ok());
            authority.is_some_and(|it| of(&it.host))
                || origin.is_some_and(|it| of(&it.host))
                || lines.iter().any(is_text)
        }
        _ => origin.is_some_and(|it| OriginPattern::parse(entry).unwrap().matches(&it)),
    };
    entries.iter().any(named)
}

thread_local! {
    static BYSTANDERS: Vec<Lines> = bystanders();
    /// What they are answered.
    static ANSWERS: RefCell<HashMap<String, Rc<Vec<Answer>>>> = RefCell::default();
    /// What is known of an offer: many requests have the same.
    static MORE: RefCell<HashMap<String, Option<String>>> = RefCell::default();
}

/// The first request that an offer does not name and that it changes the answer to, if there is one.
fn more(policy: &str, list: &str, entries: &[String]) -> Option<String> {
    let changed = with(policy, list, entries);
    if let Some(known) = MORE.with_borrow(|it| it.get(&changed).cloned()) {
        return known;
    }
    let found = BYSTANDERS.with(|bystanders| {
        let known = ANSWERS.with_borrow(|it| it.get(policy).cloned());
        let before = known.unwrap_or_else(|| Rc::new(bystanders.iter().map(|it| answer(policy, it)).collect()));
        ANSWERS.with_borrow_mut(|it| it.insert(policy.to_owned(), Rc::clone(&before)));
        let mut others = bystanders
            .iter()
            .zip(&*before)
            .filter(|(it, _)| !names(list, entries, it));
        others.find_map(|(lines, before)| {
            let after = answer(&changed, lines);
            (after != *before).then(|| format!("changes {before:?} to {after:?} for {:?}", shown(lines)))
        })
    });
    MORE.with_borrow_mut(|it| it.insert(changed, found.clone()));
    found
}

fn shown(lines: &Lines) -> Vec<String> {
    let line = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", value.escape_ascii());
    lines.iter().map(line).collect()
}

/// Whether an entry lets everybody in who has a name under a public suffix.
fn is_for_strangers(entry: &str) -> bool {
    let domain = match OriginPattern::parse(entry) {
        Ok(OriginPattern::Of {
            hosts: OriginHosts::Subdomains(domain),
            ..
        }) => domain,
        // The machine's own.
        _ if entry == ".localhost" => return false,
        _ => match HostPattern::parse(entry) {
            Ok(HostPattern::Domain(domain)) => domain,
            _ => return false,
        },
    };
    is_public_suffix(&domain)
}

/// Whether a fix takes the origin of a stranger for the operator's.
fn hands_out(policy: &str, origin: &str, finding: Finding, fix: &str) -> bool {
    let host = origin
        .split_once("://")
        .map_or(origin, |(_, rest)| rest)
        .split(':')
        .next()
        .unwrap();
    let is_about_origin = !matches!(
        finding.outcome.deny(),
        Some(Deny::HostNotAllowed | Deny::HostMalformed | Deny::MethodNotAllowed | Deny::HeaderNotAllowed)
    );
    is_about_origin
        && STRANGERS.contains(&origin)
        && !policy.contains(host)
        && !fix.contains("yours")
        && (fix.contains("add ") || fix.contains("list "))
}

/// What is wrong with a fix, each under the words that tell it from others.
fn faults(policy: &str, lines: &Lines, finding: Finding, fix: &str, is_log: bool) -> Vec<(String, String)> {
    let origin = head(lines)
        .received
        .origin
        .one()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let mut faults = Vec::new();
    if hands_out(policy, &origin, finding, fix) {
        faults.push((
            fix.to_owned(),
            "a stranger's origin is taken for the operator's".to_owned(),
        ));
    }
    faults.extend(wrong(policy, lines, finding, fix).map(|it| (fix.to_owned(), it)));
    if fix.contains("over https and add") {
        return faults;
    }
    for (list, entries) in offers(fix) {
        let entries = match entries.join(" ").as_str() {
            "its path" | "the path" => vec![String::from_utf8_lossy(head(lines).received.path).into_owned()],
            _ => entries,
        };
        let strangers = entries.iter().any(|it| !is_log && is_for_strangers(it));
        let strangers = strangers.then(|| "lets strangers in".to_owned());
        let problem = problem(policy, lines, finding, &list, &entries).or(strangers);
        let problem = problem.or_else(|| more(policy, &list, &entries));
        faults.extend(problem.map(|it| (format!("{list} {entries:?}"), it)));
    }
    faults
}

#[test]
fn what_is_offered_loads_and_helps_and_does_no_more() {
    let mut problems = BTreeMap::new();
    let (mut told, mut offered) = (0, 0);
    each_request(|text, lines| {
        let loaded = load(text);
        let Loaded { policy, provenance, .. } = loaded.as_ref().as_ref().unwrap();
        let head = head(lines);
        let verdict = policy.decide(&head);
        let finding = verdict.finding;
        if finding.outcome.is_allowed() {
            return;
        }
        told += 1;
        let exchange = Exchange {
            request: lines.clone(),
            response: vec![(":status".to_owned(), b"200".to_vec())],
        };
        let in_log = advice::hint(policy, provenance, &verdict, &head, Domains::LITTLE);
        let in_log = in_log.fix.into_owned();
        let explained = explain(load_anew(text).unwrap(), &exchange).unwrap();
        let explained = explained.hint.unwrap().fix.into_owned();
        let in_log = Some(in_log).filter(|it| *it != explained);
        for (is_log, fix) in in_log.map(|it| (true, it)).into_iter().chain([(false, explained)]) {
            offered += offers(&fix).len();
            for (what, fault) in faults(text, lines, finding, &fix, is_log) {
                let first = format!("{text}\n  {lines:?}\n  {finding}: {fix}\n  {fault}");
                problems.entry(what).or_insert(first);
            }
        }
    });
    let shown: Vec<_> = problems.values().take(12).map(String::as_str).collect();
    assert!(
        problems.is_empty(),
        "{} of {offered} offers\n{}",
        problems.len(),
        shown.join("\n")
    );
    assert!(
        told > 10_000 && offered > 10_000,
        "only {offered} offers on {told} refusals"
    );
}
