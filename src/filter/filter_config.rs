//! What all streams of a VM share.

use super::cookies::{self, Cookies};
use super::decision_log::DecisionLog;
use super::proxy::Proxy;
use super::removed::{self, Removed};
use config::Provenance;
use policy::Policy;
use policy::request::Request;
use policy::verdict::{Allow, Check, Deny, Finding, Outcome, Verdict};

/// What all streams of a VM share: the policy, its counters and its decision log.
#[derive(Debug)]
pub struct FilterConfig {
    pub(super) policy: Policy,
    provenance: Provenance,
    /// By [`index`]: one for each check, outcome and reason; `None` for a finding that cannot occur.
    records: Vec<Option<Record>>,
    decision_log: DecisionLog,
    pub(super) cookies: Cookies,
    pub(super) dropped_cookies: Option<u32>,
    pub(super) removed: Removed,
    pub(super) removed_grants: Option<u32>,
}

// The native twin builds one on the main thread, and every worker uses it.
const _: () = {
    const fn is_shared_by_threads<T: Send + Sync>() {}
    is_shared_by_threads::<FilterConfig>();
};

/// The name under which the access log finds the decision.
pub const FINDING: &str = "origin_gate";

const OUTCOMES: usize = Allow::ALL.len() + 2 * Deny::ALL.len();

const FINDINGS: usize = Check::ALL.len() * OUTCOMES;

fn index(finding: Finding) -> usize {
    let outcome = match finding.outcome {
        Outcome::Allowed(allow) => allow as usize,
        Outcome::Rejected(deny) => Allow::ALL.len() + deny as usize,
        Outcome::WouldReject(deny) => Allow::ALL.len() + Deny::ALL.len() + deny as usize,
    };
    finding.check as usize * OUTCOMES + outcome
}

/// A finding as the outside sees it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) details: String,
    pub(super) counter: Option<u32>,
}

impl FilterConfig {
    /// Sets up a policy, of which the log says where to change it; `define` makes a counter of a name, if the proxy can.
    pub fn new(policy: Policy, provenance: Provenance, mut define: impl FnMut(&str) -> Option<u32>) -> Self {
        let mut records: Vec<_> = std::iter::repeat_with(|| None).take(FINDINGS).collect();
        for finding in Finding::all() {
            let (check, outcome, reason) = (finding.check.code(), finding.outcome.code(), finding.outcome.reason());
            let counter = format!("origin_gate_decisions.check.{check}.outcome.{outcome}.reason.{reason}");
            if let Some(record) = records.get_mut(index(finding)) {
                *record = Some(Record {
                    name: finding.to_string(),
                    details: ["origin_gate{", check, "_", reason, "}"].concat(),
                    counter: define(&counter),
                });
            }
        }
        Self {
            policy,
            provenance,
            records,
            decision_log: DecisionLog::default(),
            cookies: Cookies::default(),
            dropped_cookies: define(cookies::COUNTER),
            removed: Removed::default(),
            removed_grants: define(removed::COUNTER),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Where the policy's keys were written.
    #[must_use]
    pub const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    pub(super) fn record_decision(&self, proxy: &impl Proxy, verdict: &Verdict<'_>, head: &Request<'_>) {
        let (now, debug) = (|| proxy.now(), |line: &[&[u8]]| proxy.debug(line));
        self.decision_log
            .record(&self.policy, &self.provenance, verdict, head, now, debug);
    }

    pub(super) fn record_of(&self, finding: Finding) -> Option<&Record> {
        self.records.get(index(finding))?.as_ref()
    }
}
