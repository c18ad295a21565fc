//! What a hint is made of.

use super::nearest::Nearest;
use config::Provenance;
use policy::Policy;
use policy::forwarding::Unfit;
use policy::origin::Origin;
use policy::pattern::is_shared_domain;
use policy::request::Request;
use policy::rules::Rules;
use policy::set::OriginSet;
use policy::verdict::{Check, Deny};

/// What is known of domains.
#[derive(Clone, Copy, Debug)]
pub struct Domains {
    /// Whether anybody gets a name under a domain, so that no wildcard over it is offered.
    pub is_shared: fn(&[u8]) -> bool,
    /// The entry of the same owner that comes nearest, by a longer look than [`nearest`](super::nearest::nearest) takes.
    pub sibling: fn(&OriginSet, &Origin<'_>) -> Option<Nearest>,
}

impl Domains {
    /// What is known without the public-suffix list.
    pub const LITTLE: Self = Self {
        is_shared: is_shared_domain,
        sibling: |_, _| None,
    };
}

/// A finding, and all that it came of.
pub(super) struct Case<'a> {
    pub(super) policy: &'a Policy,
    pub(super) provenance: &'a Provenance,
    /// The entry of `policies` whose rules decided.
    pub(super) at: Option<usize>,
    pub(super) rules: &'a Rules,
    pub(super) check: Check,
    /// Why not; `None` where nothing was refused.
    pub(super) deny: Option<Deny>,
    /// The forwarded host that was refused, if it was one.
    pub(super) forwarded: Option<&'a Unfit<'a>>,
    pub(super) head: &'a Request<'a>,
    pub(super) domains: Domains,
}

impl Case<'_> {
    /// A key with its place, or the setting that gives it.
    pub(super) fn key(&self, key: &str) -> String {
        self.provenance.place(self.at, key)
    }
}

/// The longest text from a request that a hint repeats, origins and hosts aside.
pub(super) const LONGEST: usize = 64;

/// For an origin that no browser sends.
pub(super) const NO_BROWSER: &str = "ignore this if the client is not a browser; otherwise find what rewrites Origin";

/// What was parsed is ASCII. Out of line, as it is asked for in many places and the module is to be small.
#[inline(never)]
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
