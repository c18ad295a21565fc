//! A plugin configuration.

use std::sync::Arc;
use std::time::Duration;

use super::abi;
use super::counters;
use super::keeping::{self, Keeping};
use super::stream::Stream;
use super::ticks;
use config::{ConfigErrors, Loaded, OnRefusedUpdate};
use filter::{Filter, FilterConfig, Unavailable};

/// One plugin configuration in one VM.
#[derive(Default)]
pub(super) struct Root {
    config: Option<Arc<FilterConfig>>,
    gauges: Option<PolicyGauges>,
    is_ticking: bool,
    keeping: Option<Keeping>,
    /// The policy that is to be kept, or to be kept no more, once it has served.
    unserved: Option<(String, OnRefusedUpdate)>,
    /// The policy that was kept, and the first error of the one that came.
    kept: Option<(String, String)>,
}

/// So long all VMs take to load the same policy.
const AT_ONCE: Duration = Duration::from_secs(10);

/// How often it is said that a policy is kept.
const REPEAT: Duration = Duration::from_secs(60);

impl Root {
    /// Whether the policy was taken, or the one in force is kept.
    pub(super) fn on_configure(&mut self, size: usize) -> bool {
        let started = abi::now();
        // There from the first VM on, so that it is seen to rise.
        let refused = counters::define("origin_gate_policies_refused");
        let keeping = self.keeping.take().unwrap_or_else(Keeping::new);
        let environment = abi::environment();
        let loaded = match abi::configuration(size) {
            Ok(configuration) => load(configuration, &environment),
            Err(Unavailable) => Err(vec!["the proxy did not hand the configuration over".to_owned()]),
        };
        self.kept = None;
        let loaded = match loaded {
            Ok(loaded) => {
                announce(&loaded, started);
                // The text is asked for again by the few that need it: most have no use for memory of its size.
                let text = || abi::configuration(size).unwrap_or_default();
                if keeping.loaded(&loaded, &environment, text) {
                    self.unserved = Some((loaded.digest.clone(), loaded.on_refused_update));
                }
                loaded
            }
            Err(errors) => {
                filter::log_refused(&errors);
                if let Some(counter) = refused {
                    counters::count(counter);
                }
                let Some(loaded) = self.keep(&keeping, errors) else {
                    return false;
                };
                loaded
            }
        };
        if !std::mem::replace(&mut self.is_ticking, true) {
            ticks::start();
        }
        self.keeping = Some(keeping);
        self.gauges = PolicyGauges::new(&loaded);
        self.config = Some(Arc::new(FilterConfig::new(
            loaded.policy,
            loaded.provenance,
            counters::define,
        )));
        true
    }

    /// The policy that is kept, if there is one.
    fn keep(&mut self, keeping: &Keeping, errors: Vec<String>) -> Option<Box<Loaded>> {
        let kept = keeping.kept()?;
        match load(kept.configuration, &kept.environment) {
            Ok(loaded) => {
                keeping.begin();
                let error = errors.into_iter().next().unwrap_or_default();
                if keeping.is_due(AT_ONCE) {
                    filter::log_kept(&loaded.digest, &error);
                }
                self.kept = Some((loaded.digest.clone(), error));
                Some(loaded)
            }
            // Another version of the module put it aside.
            Err(errors) => {
                filter::log_refused(&errors);
                None
            }
        }
    }

    pub(super) fn on_tick(&mut self) {
        ticks::on_tick();
        if let Some(gauges) = self.gauges.as_mut() {
            gauges.show();
        }
        if let Some((digest, error)) = &self.kept
            && let Some(keeping) = &self.keeping
            && keeping.is_due(REPEAT)
        {
            filter::log_kept(digest, error);
        }
    }

    pub(super) fn stream(&mut self, number: u32) -> Stream {
        Stream {
            filter: self.config.clone().map(Filter::new),
            first_of: self.unserved.is_some().then_some(number),
        }
    }

    /// A stream went.
    pub(super) fn served(&mut self) {
        if let (Some(keeping), Some((digest, on_refused_update))) = (&self.keeping, self.unserved.take()) {
            keeping.served(&digest, on_refused_update);
        }
    }
}

/// Counts this VM among those that hold a policy, for as long as it does, and says by which. A gauge is one number for the whole
/// proxy, so each VM adds its share and takes it away again. A metric cannot be deleted, so that no name has a digest in it.
struct PolicyGauges {
    vms: u32,
    digests: u32,
    digest: i64,
    is_shown: bool,
}

impl PolicyGauges {
    /// Envoy first tries a configuration on a VM that it then drops. That VM is dropped before its first tick, so a VM
    /// counts itself on its first tick.
    fn new(loaded: &Loaded) -> Option<Self> {
        Some(Self {
            vms: abi::define_gauge("origin_gate_policy_vms")?,
            digests: abi::define_gauge("origin_gate_policy_digests")?,
            digest: loaded.digest_number.into(),
            is_shown: false,
        })
    }

    fn show(&mut self) {
        if !std::mem::replace(&mut self.is_shown, true) {
            self.add(1);
        }
    }

    fn add(&self, vms: i64) {
        abi::add(self.vms, vms);
        abi::add(self.digests, vms * self.digest);
    }
}

impl Drop for PolicyGauges {
    fn drop(&mut self) {
        if self.is_shown {
            self.add(-1);
        }
    }
}

/// Every worker's VM loads the policy, the main thread's first; one line is enough for all. A policy that comes back
/// later is logged again.
fn announce(loaded: &Loaded, started: Duration) {
    if !keeping::is_due(&[b"origin_gate.announced.", loaded.digest.as_bytes()].concat(), AT_ONCE) {
        return;
    }
    let now = abi::now();
    let memory = core::arch::wasm32::memory_size(0) * 64;
    filter::log_loaded(
        loaded,
        now.saturating_sub(started),
        format_args!(" memory_kib={memory}"),
    );
}

#[inline(never)]
fn load(configuration: Vec<u8>, environment: &[u8]) -> Result<Box<Loaded>, Vec<String>> {
    config::load_bytes(configuration, &variables(environment))
        .map(Box::new)
        .map_err(|ConfigErrors { errors, .. }| errors.iter().map(ToString::to_string).collect())
}

/// Variables, each with `=` and its value after it, and a NUL after that. A value that is not UTF-8 fits no setting, and is shown
/// with replacement characters.
fn variables(environment: &[u8]) -> Vec<(String, String)> {
    let variables = environment.split(|&byte| byte == 0).filter_map(|variable| {
        let (name, value) = variable.split_at_checked(variable.iter().position(|&byte| byte == b'=')?)?;
        let name = str::from_utf8(name).ok()?.to_owned();
        Some((name, String::from_utf8_lossy(value.get(1..)?).into_owned()))
    });
    variables.collect()
}
