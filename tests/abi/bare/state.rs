//! What a VM's host keeps for it.

use std::collections::BTreeMap;

use wasmtime::{Memory, StoreLimits, TypedFunc};

use crate::chance::Chance;
use crate::support::stream::Stream;

/// The statuses of the ABI that the host answers with.
pub const OK: u32 = 0;
pub const NOT_FOUND: u32 = 1;
pub const BAD_ARGUMENT: u32 = 2;
pub const INVALID_MEMORY_ACCESS: u32 = 6;
pub const INTERNAL_FAILURE: u32 = 10;
pub const UNIMPLEMENTED: u32 = 12;

/// What a host does not do for the module, and what it says instead.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    pub calls: Vec<&'static str>,
    pub status: u32,
}

impl Refusal {
    pub fn new(calls: &[&'static str], status: u32) -> Self {
        Self {
            calls: calls.to_vec(),
            status,
        }
    }
}

/// A host that fails now and then, whatever it is asked, with any status, or hands out any bytes.
#[derive(Debug)]
pub struct Faults {
    pub chance: Chance,
    /// One call in so many.
    pub one_in: u64,
}

#[derive(Default)]
pub struct State {
    pub stream: Stream,
    pub configuration: Vec<u8>,
    pub environment: Vec<(String, String)>,
    pub refusal: Refusal,
    /// What was asked for, in order, if somebody wants to know.
    pub asked: Option<Vec<String>>,
    pub faults: Option<Faults>,
    /// The names of the metrics, in the order of their numbers.
    pub metrics: Vec<String>,
    pub shared: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What the plugin is called.
    pub plugin: Vec<u8>,
    /// What was added to gauges, by their names.
    pub gauges: BTreeMap<String, i64>,
    /// The last errors and panics.
    pub lines: Vec<String>,
    pub now: u64,
    /// How often the module wants ticks; zero for never.
    pub period: u32,
    pub random: Chance,
    pub limits: StoreLimits,
    pub memory: Option<Memory>,
    pub allocate: Option<TypedFunc<u32, u32>>,
}

impl State {
    /// The status with which a call is refused, if it is.
    pub fn refuses(&mut self, call: &str) -> Option<u32> {
        if let Some(asked) = &mut self.asked {
            asked.push(call.trim_start_matches("proxy_").to_owned());
        }
        if self.refusal.calls.contains(&call) {
            return Some(self.refusal.status);
        }
        let faults = self.faults.as_mut()?;
        let is_due = faults.chance.below(faults.one_in) == 0;
        is_due.then(|| faults.chance.below(20) as u32 + 1)
    }

    pub fn keep(&mut self, line: String) {
        if self.lines.len() == 32 {
            self.lines.remove(0);
        }
        self.lines.push(line);
    }

    /// Bytes that the host hands out, now and then not those that it should.
    pub fn spoil(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(faults) = self.faults.as_mut() else {
            return bytes;
        };
        match faults.chance.below(faults.one_in) {
            0 => faults.chance.mutated(&bytes),
            _ => bytes,
        }
    }
}
