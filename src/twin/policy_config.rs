//! A policy in force: what Envoy calls a filter's configuration.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::abi::{self, Configuration, Proxy};
use config::{ConfigErrors, Loaded};
use filter::FilterConfig;

/// The counter of requests that were refused because a hook panicked. It stands among those of decisions.
const PANICKED: &str = "origin_gate_decisions.check.hosts.outcome.rejected.reason.panicked";

/// How many policies were refused that no metric shows yet.
static REFUSED: AtomicU32 = AtomicU32::new(0);

/// A policy, and its metrics.
pub(crate) struct PolicyConfig {
    pub filter: Arc<FilterConfig>,
    /// Counts the requests that were refused because a hook panicked.
    pub panicked: Option<u32>,
    /// Counts the policies that were refused.
    refused: Option<u32>,
    /// What gauges show of it, each with its share: all threads that decide by it, as many as a module would have VMs, and its
    /// digest once for each.
    gauges: Vec<(u32, u64)>,
    /// Whether they show it. Envoy 1.38 changes metrics for a stream only: it is the first that does so.
    is_shown: AtomicBool,
}

impl PolicyConfig {
    /// Takes a policy, or logs all that is wrong with it.
    pub(crate) fn load(envoy: Configuration<'_>, text: &[u8]) -> Option<Self> {
        let started = Instant::now();
        // There from the first policy on, so that it is seen to rise.
        let refused = envoy.define_counter("origin_gate_policies_refused");
        let loaded = match config::load_with(text, &variables()) {
            Ok(loaded) => loaded,
            Err(ConfigErrors { errors, .. }) => {
                filter::log_refused(&errors);
                if !refused.is_some_and(|counter| envoy.increment(counter)) {
                    REFUSED.fetch_add(1, Ordering::Relaxed);
                }
                return None;
            }
        };
        announce(&loaded, started);
        let threads = u64::from(abi::workers() + 1);
        let digests = threads * u64::from(loaded.digest_number);
        let gauges: Vec<_> = [
            ("origin_gate_policy_vms", threads),
            ("origin_gate_policy_digests", digests),
        ]
        .into_iter()
        .filter_map(|(name, share)| Some((envoy.define_gauge(name)?, share)))
        .collect();
        let filter = FilterConfig::new(loaded.policy, loaded.provenance, |name| envoy.define_counter(name));
        Some(Self {
            filter: Arc::new(filter),
            panicked: envoy.define_counter(PANICKED),
            refused,
            is_shown: AtomicBool::new(gauges.iter().all(|&(gauge, share)| envoy.raise(gauge, share))),
            gauges,
        })
    }

    /// Shows in the metrics what could not be shown before there was a stream.
    pub(crate) fn show(&self, proxy: &Proxy<'_>) {
        if REFUSED.load(Ordering::Relaxed) > 0
            && let Some(counter) = self.refused
        {
            (0..REFUSED.swap(0, Ordering::Relaxed)).for_each(|_| proxy.increment(counter));
        }
        if !self.is_shown.load(Ordering::Relaxed) {
            self.is_shown.store(true, Ordering::Relaxed);
            self.gauges
                .iter()
                .for_each(|&(gauge, share)| proxy.set_gauge(gauge, share));
        }
    }

    /// Takes it out of the gauges. In Envoy 1.38 they go with the policy.
    pub(crate) fn hide(&self, envoy: Configuration<'_>) {
        for &(gauge, share) in &self.gauges {
            envoy.lower(gauge, share);
        }
    }
}

/// Each listener loads the policy that it names; one line is enough for all that name the same at once. A policy that
/// comes back later is logged again.
fn announce(loaded: &Loaded, started: Instant) {
    const AT_ONCE: Duration = Duration::from_secs(10);
    static LATEST: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());
    let now = Instant::now();
    let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    latest.retain(|(_, logged)| now.duration_since(*logged) < AT_ONCE);
    if !latest.iter().any(|(digest, _)| *digest == loaded.digest) {
        latest.push((loaded.digest.clone(), now));
        filter::log_loaded(loaded, now.duration_since(started), "");
    }
}

/// The environment of the process. A value that is not UTF-8 fits no setting, and is shown with replacement characters.
fn variables() -> Vec<(String, String)> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    variables.collect()
}
