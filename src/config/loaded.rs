//! What comes of a configuration.

use std::fmt;

use super::diagnostic::Diagnostic;
use super::django::Settings;
use super::provenance::Provenance;
use policy::Policy;

/// A policy ready for use.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Where its keys were written.
    pub provenance: Provenance,
    /// `on_refused_update`.
    pub on_refused_update: OnRefusedUpdate,
    /// What tells it from other policies: a hash of the configuration's bytes and of the settings that it uses.
    pub digest: String,
    /// The first eight digits of it as a number: what gauges show.
    pub digest_number: u32,
    /// The digest of the policy that this one says that it was compiled from.
    pub compiled_from: Option<String>,
    /// What the operator should know about it.
    pub warnings: Vec<Diagnostic>,
    /// The keys that the configuration itself gives.
    pub keys: Vec<String>,
    /// How many entries `allowed_origins` has.
    pub origins: usize,
    /// How many entries `allowed_hosts` has.
    pub hosts: usize,
}

impl Loaded {
    /// How much there is, and where each setting came from; with as many warnings as are logged.
    #[must_use]
    pub fn summary(&self, warnings: usize) -> impl fmt::Display {
        let (origins, hosts) = (self.origins, self.hosts);
        let policies = self.policy.scoped.len();
        let Settings { used, overridden, .. } = &self.provenance.settings;
        let (keys, used, overridden) = (self.keys.join(","), used.join(","), overridden.join(","));
        fmt::from_fn(move |f| {
            write!(f, "digest={} ", self.digest)?;
            if let Some(digest) = &self.compiled_from {
                write!(f, "compiled_from={digest} ")?;
            }
            write!(
                f,
                "origins={origins} hosts={hosts} policies={policies} warnings={warnings} from_policy={keys} \
                 from_environment={used} overridden={overridden}"
            )
        })
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary(self.warnings.len()).fmt(f)
    }
}

/// What becomes of a later policy with an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRefusedUpdate {
    /// The proxy learns of it, and handles it as its own failure policy says.
    #[default]
    Reject,
    /// This policy stays in force, whatever the proxy would do.
    Keep,
}

/// Every error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Each of these refuses it.
    pub errors: Vec<Diagnostic>,
    /// What would have been warned of besides.
    pub warnings: Vec<Diagnostic>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
