//! Policies that are put aside, so that the one in force stays where a later one has an error (`on_refused_update`).
//!
//! An Envoy that fetches the module asks it too late: by then it has accepted the listener, and would answer 503 to everything.
//! So the module itself takes the policy that was in force, which it put aside in the data that the VMs of one `vm_id` share.
//! Those outlive each VM, and not the process.

use std::time::Duration;

use super::abi;
use config::{Loaded, OnRefusedUpdate};
use filter::Kept;

/// The keys of one plugin. Other plugins may have the same `vm_id`: what is under a key is ours only if it says so.
pub(crate) struct Keeping {
    prefix: Vec<u8>,
    /// Counts plugins whose policy is kept.
    gauge: Option<u32>,
}

/// The digest of the policy that was put aside last, and of the one that stays.
const LAST: &[u8] = b"last";
const IN_FORCE: &[u8] = b"in_force";

/// Whether one is kept now, and when that was said.
const IS_KEPT: &[u8] = b"is_kept";
const SAID: &[u8] = b"said";

impl Keeping {
    pub(crate) fn new() -> Self {
        let name = abi::property("plugin_name").unwrap_or_default();
        let keeping = Self {
            prefix: [b"origin_gate.keep.", name.as_slice(), b"."].concat(),
            gauge: abi::define_gauge("origin_gate_policy_kept"),
        };
        // It is to be seen before it rises.
        keeping.add(0);
        keeping
    }

    fn key(&self, what: &[u8]) -> Vec<u8> {
        [&self.prefix, what].concat()
    }

    fn read(&self, what: &[u8]) -> Vec<u8> {
        abi::shared(&self.key(what)).unwrap_or_default()
    }

    fn write(&self, what: &[u8], value: &[u8]) {
        abi::share(&self.key(what), value);
    }

    /// Puts a policy that was loaded aside, to be kept once it has served. Whether [`Self::served`] has something to do then.
    pub(crate) fn loaded(&self, loaded: &Loaded, environment: &[u8], configuration: impl FnOnce() -> Vec<u8>) -> bool {
        if !self.read(IS_KEPT).is_empty() {
            self.write(IS_KEPT, &[]);
            self.add(-1);
        }
        let digest = loaded.digest.as_bytes();
        let in_force = self.read(IN_FORCE);
        if loaded.on_refused_update == OnRefusedUpdate::Reject {
            return !in_force.is_empty();
        }
        let last = self.read(LAST);
        if digest != last && digest != in_force {
            let kept = Kept {
                environment: environment.to_vec(),
                configuration: configuration(),
            };
            self.write(digest, &kept.encode());
            self.write(LAST, digest);
            // What never served is not needed any more.
            if !last.is_empty() && last != in_force {
                self.write(&last, &[]);
            }
        }
        digest != in_force
    }

    /// A request was served under a policy: it is the one that stays from now on, or the one before is not kept any more.
    pub(crate) fn served(&self, digest: &str, on_refused_update: OnRefusedUpdate) {
        let before = self.read(IN_FORCE);
        let now = match on_refused_update {
            OnRefusedUpdate::Keep => digest.as_bytes(),
            OnRefusedUpdate::Reject => &[],
        };
        // Another may have come meanwhile, whose text is there instead.
        if before == now || (!now.is_empty() && self.read(LAST) != now) {
            return;
        }
        self.write(IN_FORCE, now);
        if !before.is_empty() {
            self.write(&before, &[]);
        }
    }

    /// The policy that stays in force, as it was.
    pub(crate) fn kept(&self) -> Option<Kept> {
        let in_force = self.read(IN_FORCE);
        if in_force.is_empty() {
            return None;
        }
        Kept::decode(&self.read(&in_force))
    }

    /// Shows that a policy is kept.
    pub(crate) fn begin(&self) {
        if self.read(IS_KEPT).is_empty() {
            self.write(IS_KEPT, b"1");
            self.add(1);
        }
    }

    fn add(&self, by: i64) {
        if let Some(gauge) = self.gauge {
            abi::add(gauge, by);
        }
    }

    /// Whether it is this VM which says that a policy is kept, as one of all does.
    pub(crate) fn is_due(&self, period: Duration) -> bool {
        is_due(&self.key(SAID), period)
    }
}

/// Whether it is this VM which does something that one of all does every so often.
pub(crate) fn is_due(key: &[u8], period: Duration) -> bool {
    let now = abi::now();
    let last = abi::shared(key).and_then(|it| Some(Duration::from_nanos(u64::from_le_bytes(it.try_into().ok()?))));
    if last.is_some_and(|last| (last..last + period).contains(&now)) {
        return false;
    }
    abi::share(key, &u64::try_from(now.as_nanos()).unwrap_or_default().to_le_bytes());
    true
}
