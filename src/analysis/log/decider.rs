//! What a policy makes of a line of a log, or which field it would have to have for that.

use super::line::{LogLine, Logged, Name};
use crate::explain::{Exchange, Explainer, Explanation};
use config::Entry;
use policy::check::ForwardedHost;
use policy::reply::Reply;
use policy::request::Source;
use policy::verdict::{Action, AllowOrigin, Check, CorsGrant, Finding, Outcome, ResponseCors, Verdict};

/// A policy, ready to be asked about one line after another.
pub struct Decider {
    explainer: Explainer,
    /// Hosts that the policy names, for lines that have none.
    hosts: Vec<String>,
    /// Paths that it names, for lines that have none.
    paths: Vec<String>,
}

/// What is decided on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) finding: Finding,
    /// The entry of `policies` that decided.
    pub(super) by: Option<usize>,
    /// Whether the page gets cookies with what it reads, if it reads anything by the policy.
    cookies: Option<bool>,
}

/// How many hosts or paths of the policy are tried.
const TRIED: usize = 64;

/// A name that belongs to nobody (RFC 6761 §6.4).
const NOBODYS: &str = "origin-gate-probe.invalid";

impl Decider {
    /// Takes a policy, and what stands in its lists.
    #[must_use]
    pub fn new(explainer: Explainer, entries: &[Entry]) -> Self {
        let of = |keys: &[&str]| {
            let is_of = |list: &str| keys.iter().any(|key| list.ends_with(key));
            let texts = entries.iter().filter(|it| is_of(&it.list)).map(|it| &it.text);
            texts.take(TRIED).cloned().collect::<Vec<_>>()
        };
        let hosts = of(&["allowed_hosts", "match.hosts"]);
        let hosts = hosts.iter().map(|it| it.trim_start_matches('.').to_owned()).collect();
        let paths = of(&["path_prefixes", "exempt_paths"]);
        Self {
            explainer,
            hosts,
            paths,
        }
    }

    /// Decides on the request of a line. What the log does not have is taken as most requests have it, if no other value would
    /// change what is decided.
    ///
    /// # Errors
    ///
    /// The field that would decide.
    pub(super) fn decide(&self, line: &LogLine<'_>) -> Result<Decision, Name> {
        let unlogged = unlogged(line);
        if unlogged.is_empty() {
            return Ok(self.ask(line));
        }
        let mut line = line.clone();
        self.assume(&mut line, &unlogged);
        let decision = self.ask(&line);
        for name in unlogged {
            let would_differ = |value: &str| {
                let mut other = line.clone();
                other.set(name, Logged::Value(value.as_bytes().into()));
                if name == Name::RequestHeaders && other.value(Name::RequestMethod).is_none() {
                    other.set(Name::RequestMethod, Logged::Value(b"GET".as_slice().into()));
                }
                self.ask(&other).finding.outcome.code() != decision.finding.outcome.code()
            };
            if self.others(name, &line).iter().any(|it| would_differ(it)) {
                return Err(name);
            }
        }
        Ok(decision)
    }

    /// Whether some rules hold forwarded hosts to the list.
    pub(super) fn checks_forwarded_hosts(&self) -> bool {
        let policy = self.explainer.policy();
        let scoped = policy.scoped.iter().map(|it| &it.rules);
        let mut hosts = scoped.chain([&policy.rules]).filter_map(|it| it.hosts.as_ref());
        hosts.any(|it| it.forwarded_host == ForwardedHost::Check)
    }

    /// Fills in what most requests have.
    fn assume<'a>(&'a self, line: &mut LogLine<'a>, unlogged: &[Name]) {
        let host = self
            .hosts
            .iter()
            .find(|it| *it != "*")
            .map_or(NOBODYS, |it| it.as_str());
        let is_socket = line.status() == Some(101);
        for name in unlogged {
            let usual = match name {
                Name::Method => "GET",
                Name::Path => "/",
                Name::Scheme => "https",
                Name::Authority => host,
                Name::Upgrade if is_socket => "websocket",
                _ => continue,
            };
            line.set(*name, Logged::Value(usual.as_bytes().into()));
        }
    }

    /// Other values that a field of a line may have had, one for each way that the policy may look at it. Browsers send
    /// `Sec-Fetch-*` with an `Origin` that says enough; forwarding headers and upgrades that the log does not have are taken
    /// for absent.
    fn others(&self, name: Name, line: &LogLine<'_>) -> Vec<String> {
        let is_options = line.value(Name::Method) == Some(b"OPTIONS") && line.value(Name::Origin).is_some();
        let is_http = || line.value(Name::Origin).is_some_and(|it| it.starts_with(b"http:"));
        match name {
            Name::Method => vec!["POST".to_owned()],
            Name::Origin => vec![format!("https://{NOBODYS}")],
            Name::Path => self.paths.clone(),
            Name::Authority => {
                let own = match line.request().source {
                    Source::Origin(origin) => String::from_utf8(origin.host.text().to_vec()).ok(),
                    _ => None,
                };
                let named = self.hosts.iter().filter(|it| *it != "*").cloned();
                own.into_iter().chain(named).chain([NOBODYS.to_owned()]).collect()
            }
            Name::RequestMethod if is_options => vec!["ORIGIN-GATE-PROBE".to_owned()],
            Name::RequestHeaders if is_options => vec!["x-origin-gate-probe".to_owned()],
            Name::Scheme if is_http() && line.value(Name::ForwardedProto).is_none() => vec!["http".to_owned()],
            _ => Vec::new(),
        }
    }

    fn ask(&self, line: &LogLine<'_>) -> Decision {
        let request = line.request();
        let is_of_page = !matches!(request.source, Source::Missing);
        let verdict = self.explainer.policy().decide(&request);
        Decision {
            finding: verdict.finding,
            by: verdict.by,
            cookies: grant(&verdict)
                .filter(|it| is_of_page && it.origin != AllowOrigin::Withheld)
                .map(|it| it.credentials),
        }
    }

    /// All that there is to say of a line's request.
    pub(super) fn explain(&self, line: &LogLine<'_>) -> Option<Explanation> {
        let mut line = line.clone();
        let unlogged = unlogged(&line);
        self.assume(&mut line, &unlogged);
        let request = line
            .fields()
            .map(|(name, value)| (name.to_owned(), value.to_vec()))
            .collect();
        let response = vec![(":status".to_owned(), b"200".to_vec())];
        self.explainer.explain(&Exchange { request, response }).ok()
    }
}

/// What the log does not have of a request.
fn unlogged(line: &LogLine<'_>) -> Vec<Name> {
    let is_unlogged = |name: &Name| name.field().is_some() && *line.get(*name) == Logged::Unlogged;
    Name::ALL.into_iter().filter(is_unlogged).collect()
}

/// What the policy lets a page read.
fn grant<'v>(verdict: &'v Verdict<'_>) -> Option<&'v CorsGrant<'v>> {
    match &verdict.action {
        Action::Forward(forward) if forward.is_upgrade => None,
        Action::Forward(forward) => match &forward.response {
            ResponseCors::Replace(grant) | ResponseCors::Keep(grant) => Some(grant),
            ResponseCors::Untouched => None,
        },
        Action::Reply(Reply::Preflight(preflight)) => Some(&preflight.grant),
        Action::Reply(Reply::Refusal(_)) => None,
    }
}

impl Decision {
    /// What becomes of the request, whatever the reason.
    fn outcome(&self) -> (&'static str, Option<Check>) {
        let check = match self.finding.outcome {
            Outcome::Allowed(_) => None,
            Outcome::Rejected(_) | Outcome::WouldReject(_) => Some(self.finding.check),
        };
        (self.finding.outcome.code(), check)
    }

    /// In what the page fares otherwise than under another policy.
    pub(super) fn change_from(&self, old: &Self) -> Option<super::Change> {
        if self.outcome() != old.outcome() {
            return Some(super::Change::Outcome(old.finding));
        }
        match (old.cookies, self.cookies) {
            (Some(false), Some(true)) => Some(super::Change::WithCookies(old.finding)),
            (Some(true), Some(false)) => Some(super::Change::WithoutCookies(old.finding)),
            _ => None,
        }
    }
}
