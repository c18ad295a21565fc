//! A plugin configuration.

use std::sync::Arc;
use std::time::Duration;

use super::abi;
use super::counters;
use super::stream::Stream;
use super::ticks;
use config::{ConfigErrors, Loaded};
use filter::{Filter, FilterConfig, Unavailable};

/// One plugin configuration in one VM.
#[derive(Default)]
pub(super) struct Root {
    config: Option<Arc<FilterConfig>>,
    gauge: Option<PolicyGauge>,
    is_ticking: bool,
}

impl Root {
    /// Whether the policy was taken.
    pub(super) fn on_configure(&mut self, size: usize) -> bool {
        let started = abi::now();
        // There from the first VM on, so that it is seen to rise.
        let refused = counters::define("origin_gate_policies_refused");
        let errors: Vec<String> = match abi::configuration(size).map(|it| config::load_bytes(it, &variables())) {
            Ok(Ok(loaded)) => {
                announce(&loaded, started);
                if !std::mem::replace(&mut self.is_ticking, true) {
                    ticks::start();
                }
                self.gauge = PolicyGauge::new(&loaded.digest);
                self.config = Some(Arc::new(FilterConfig::new(
                    loaded.policy,
                    loaded.provenance,
                    counters::define,
                )));
                return true;
            }
            Ok(Err(ConfigErrors { errors, .. })) => errors.iter().map(ToString::to_string).collect(),
            Err(Unavailable) => vec!["the proxy did not hand the configuration over".to_owned()],
        };
        filter::log_refused(&errors);
        if let Some(counter) = refused {
            counters::count(counter);
        }
        false
    }

    pub(super) fn on_tick(&mut self) {
        ticks::on_tick();
        if let Some(gauge) = self.gauge.as_mut() {
            gauge.show();
        }
    }

    pub(super) fn stream(&self) -> Stream {
        Stream {
            filter: self.config.clone().map(Filter::new),
        }
    }
}

/// Counts this VM among those that hold a policy, for as long as it does. The gauge is one number for the whole proxy, so
/// each VM adds one and takes it away again; the digest in the gauge's name tells policies apart.
struct PolicyGauge {
    gauge: u32,
    is_shown: bool,
}

impl PolicyGauge {
    /// Envoy first tries a configuration on a VM that it then drops. That VM is dropped before its first tick, so a VM
    /// counts itself on its first tick.
    fn new(digest: &str) -> Option<Self> {
        let gauge = abi::define_gauge(&format!("origin_gate_policy_vms.digest.{digest}"))?;
        Some(Self { gauge, is_shown: false })
    }

    fn show(&mut self) {
        if !self.is_shown {
            abi::add(self.gauge, 1);
            self.is_shown = true;
        }
    }
}

impl Drop for PolicyGauge {
    fn drop(&mut self) {
        if self.is_shown {
            abi::add(self.gauge, -1);
        }
    }
}

/// Every worker's VM loads the policy, the main thread's first; one line is enough for all. A policy that comes back
/// later is told again.
fn announce(loaded: &Loaded, started: Duration) {
    const AT_ONCE: Duration = Duration::from_secs(10);
    let key = format!("origin_gate.announced.{}", loaded.digest);
    let now = abi::now();
    let last = abi::shared(&key).and_then(|it| Some(Duration::from_nanos(u64::from_le_bytes(it.try_into().ok()?))));
    if last.is_some_and(|last| (last..last + AT_ONCE).contains(&now)) {
        return;
    }
    abi::share(&key, &u64::try_from(now.as_nanos()).unwrap_or_default().to_le_bytes());
    let memory = core::arch::wasm32::memory_size(0) * 64;
    filter::log_loaded(
        loaded,
        now.saturating_sub(started),
        format_args!(" memory_kib={memory}"),
    );
}

/// The environment of the VM. A value that is not UTF-8 fits no setting, and is shown with replacement characters.
fn variables() -> Vec<(String, String)> {
    let environment = abi::environment();
    let variables = environment.split(|&byte| byte == 0).filter_map(|variable| {
        let (name, value) = variable.split_at_checked(variable.iter().position(|&byte| byte == b'=')?)?;
        let name = str::from_utf8(name).ok()?.to_owned();
        Some((name, String::from_utf8_lossy(value.get(1..)?).into_owned()))
    });
    variables.collect()
}
