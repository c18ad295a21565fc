//! What the host's numbers stand for: plugin configurations, and streams.

use std::cell::RefCell;

use super::root::Root;
use super::stream::Stream;
use super::ticks;

/// In the order of their numbers. Hosts count up, so that a new one comes last, and those that go are mostly young.
type Numbered<T> = RefCell<Vec<(u32, T)>>;

thread_local! {
    static ROOTS: Numbered<Root> = const { RefCell::new(Vec::new()) };
    static STREAMS: Numbered<Stream> = const { RefCell::new(Vec::new()) };
}

/// A stream of a plugin configuration or, where `of` is zero, a plugin configuration. A stream of one that is not there
/// is not made, so that its request does not go on.
pub(crate) fn create(number: u32, of: u32) {
    if of == 0 {
        ROOTS.with(|roots| insert(roots, number, Root::default()));
    } else if let Some(stream) = with_root(of, |root| root.stream(of)) {
        STREAMS.with(|streams| insert(streams, number, stream));
    }
}

/// Lets go of a stream or a plugin configuration.
pub(crate) fn delete(number: u32) {
    // What goes is dropped after the borrow ends.
    match STREAMS.with(|streams| remove(streams, number)) {
        Some(Stream { first_of: Some(of), .. }) => drop(with_root(of, Root::served)),
        Some(_) => {}
        None if ROOTS.with(|roots| remove(roots, number)).is_some() => ticks::stop(),
        None => {}
    }
}

/// Calls a plugin configuration, if it is there.
pub(crate) fn with_root<R>(number: u32, call: impl FnOnce(&mut Root) -> R) -> Option<R> {
    ROOTS.with(|roots| find(roots, number, call))
}

/// Calls a stream, if it is there.
pub(crate) fn with_stream<R>(number: u32, call: impl FnOnce(&mut Stream) -> R) -> Option<R> {
    STREAMS.with(|streams| find(streams, number, call))
}

fn find<T, R>(all: &Numbered<T>, number: u32, call: impl FnOnce(&mut T) -> R) -> Option<R> {
    let mut all = all.try_borrow_mut().ok()?;
    let at = all.binary_search_by_key(&number, |(it, _)| *it).ok()?;
    all.get_mut(at).map(|(_, it)| call(it))
}

fn insert<T>(all: &Numbered<T>, number: u32, new: T) {
    let Ok(mut all) = all.try_borrow_mut() else { return };
    if let Err(at) = all.binary_search_by_key(&number, |(it, _)| *it) {
        all.insert(at, (number, new));
    }
}

fn remove<T>(all: &Numbered<T>, number: u32) -> Option<T> {
    let mut all = all.try_borrow_mut().ok()?;
    let at = all.binary_search_by_key(&number, |(it, _)| *it).ok()?;
    Some(all.remove(at).1)
}
