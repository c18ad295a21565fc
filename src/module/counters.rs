//! What the filter counts.
//!
//! Counting crosses into the proxy. So it is added up here, and written at the next tick: the proxy's counters are behind by
//! one tick at most, and right once requests stop.

use std::cell::RefCell;

use super::abi;
use super::ticks;

struct Counter {
    name: Box<str>,
    metric: u32,
    unwritten: i64,
}

thread_local! {
    // Envoy gives another number at each call, for a name that it knows too, and keeps them all as long as the VM, which
    // outlives every policy that comes to it.
    static COUNTERS: RefCell<Vec<Counter>> = const { RefCell::new(Vec::new()) };
}

/// Makes a counter, if the proxy can.
pub(crate) fn define(name: &str) -> Option<u32> {
    let at = with(|counters| {
        let known = counters.iter().position(|it| *it.name == *name);
        known.or_else(|| {
            counters.push(Counter {
                name: name.into(),
                metric: abi::define_counter(name)?,
                unwritten: 0,
            });
            Some(counters.len() - 1)
        })
    });
    u32::try_from(at??).ok()
}

/// Counts one.
pub(crate) fn count(counter: u32) {
    with(|counters| {
        if let Some(counter) = counters.get_mut(counter as usize) {
            counter.unwritten += 1;
        }
    });
    if !ticks::is_ticking() {
        write();
    }
}

/// Writes what was counted.
pub(crate) fn write() {
    with(|counters| {
        for counter in counters.iter_mut().filter(|it| it.unwritten != 0) {
            abi::add(counter.metric, std::mem::take(&mut counter.unwritten));
        }
    });
}

fn with<R>(call: impl FnOnce(&mut Vec<Counter>) -> R) -> Option<R> {
    COUNTERS.with(|it| it.try_borrow_mut().ok().map(|mut counters| call(&mut counters)))
}
