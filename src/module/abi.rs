//! The host calls of proxy-wasm ABI 0.2.1 that the filter makes.
//!
//! There is an SDK. Its wrappers panic on a status that they do not expect, which would hand the VM to whoever can bring
//! one about; here every status but `OK` is an error value. It also sends local replies without their details, exports
//! callbacks that nothing here uses (a host enters the module for each), and is larger.

#![expect(
    unsafe_code,
    reason = "host calls are foreign functions that take and return raw buffers"
)]

use std::time::Duration;

use filter::{Pairs, Unavailable};

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;

/// A header map.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Map {
    /// The request's headers.
    Request = 0,
    /// The response's headers.
    Response = 2,
}

const PLUGIN_CONFIGURATION: u32 = 7;
const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const NO_GRPC_STATUS: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, text_len: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, max: usize, data: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_len: usize,
        value: *const u8,
        value_len: usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_len: usize,
        value: *const u8,
        value_len: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_len: usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_get_property(path: *const u8, path_len: usize, data: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_len: usize, value: *const u8, value_len: usize) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_len: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_shared_data(key: *const u8, key_len: usize, data: *mut *mut u8, len: *mut usize, cas: *mut u32)
    -> u32;
    fn proxy_set_shared_data(key: *const u8, key_len: usize, value: *const u8, value_len: usize, cas: u32) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u32;
    fn environ_get(starts: *mut *const u8, text: *mut u8) -> u32;
}

/// Writes a line to the proxy's log. Nothing can be done where it has none.
pub(crate) fn log(level: u32, line: &[u8]) {
    // SAFETY: the host reads the slice during the call.
    unsafe { proxy_log(level, line.as_ptr(), line.len()) };
}

/// The proxy's clock; zero where it has none.
pub(crate) fn now() -> Duration {
    let mut nanoseconds = 0;
    // SAFETY: the host writes the number during the call, or leaves it.
    unsafe { proxy_get_current_time_nanoseconds(&raw mut nanoseconds) };
    Duration::from_nanos(nanoseconds)
}

/// The plugin's configuration.
pub(crate) fn configuration(size: usize) -> Result<Vec<u8>, Unavailable> {
    // SAFETY: see `returned`.
    returned(|data, len| unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, data, len) })
        .map(Option::unwrap_or_default)
}

/// The VM's environment: variables, each with `=` and its value after it, and a NUL after that. Nothing where the proxy has
/// none to give.
pub(crate) fn environment() -> Vec<u8> {
    let (mut count, mut size) = (0, 0);
    // SAFETY: the host writes the numbers during the call.
    let status = unsafe { environ_sizes_get(&raw mut count, &raw mut size) };
    let (mut starts, mut text) = (vec![std::ptr::null(); count], vec![0; size]);
    // SAFETY: the host writes as much as it said during the call. Nobody follows the pointers.
    if status != OK || unsafe { environ_get(starts.as_mut_ptr(), text.as_mut_ptr()) } != OK {
        return Vec::new();
    }
    text
}

/// All headers of a map.
pub(crate) fn headers(map: Map) -> Result<Pairs, Unavailable> {
    // SAFETY: see `returned`.
    match returned(|data, len| unsafe { proxy_get_header_map_pairs(map as u32, data, len) })? {
        Some(bytes) => Ok(Pairs::new(bytes)),
        None => Err(Unavailable),
    }
}

/// Replaces all values of a header.
pub(crate) fn set_header(map: Map, name: &str, value: &[u8]) -> Result<(), Unavailable> {
    // SAFETY: the host reads the slices during the call.
    done(unsafe { proxy_replace_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Adds a value to a header.
pub(crate) fn add_header(map: Map, name: &str, value: &[u8]) -> Result<(), Unavailable> {
    // SAFETY: the host reads the slices during the call.
    done(unsafe { proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Removes all values of a header, if there are any.
pub(crate) fn remove_header(map: Map, name: &str) -> Result<(), Unavailable> {
    // SAFETY: the host reads the slice during the call.
    match unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) } {
        NOT_FOUND => Ok(()),
        status => done(status),
    }
}

/// Answers the stream's request.
pub(crate) fn send_local_response(status: u16, details: &str, headers: &[u8], body: &str) -> Result<(), Unavailable> {
    // SAFETY: the host reads the slices during the call.
    done(unsafe {
        proxy_send_local_response(
            status.into(),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// A property, if the proxy has it.
pub(crate) fn property(name: &str) -> Option<Vec<u8>> {
    // SAFETY: the host reads the name during the call; for the rest see `returned`.
    returned(|data, len| unsafe { proxy_get_property(name.as_ptr(), name.len(), data, len) })
        .ok()
        .flatten()
}

/// Sets a property of the stream, which the access log can show. Nothing can be done where there are none.
pub(crate) fn set_property(name: &str, value: &[u8]) {
    // SAFETY: the host reads the slices during the call.
    unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
}

/// Makes a counter, if the proxy can.
pub(crate) fn define_counter(name: &str) -> Option<u32> {
    define(COUNTER, name)
}

/// Makes a gauge, if the proxy can.
pub(crate) fn define_gauge(name: &str) -> Option<u32> {
    define(GAUGE, name)
}

fn define(kind: u32, name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: the host reads the name and writes the number during the call.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    (status == OK).then_some(id)
}

/// Adds to a counter or a gauge; a gauge may also go down. Nothing can be done where that fails.
pub(crate) fn add(metric: u32, by: i64) {
    // SAFETY: no memory is passed.
    unsafe { proxy_increment_metric(metric, by) };
}

/// Has the proxy call back every so many milliseconds. Nothing can be done where that fails, and Kong ends the VM when it is
/// asked a second time.
pub(crate) fn tick(milliseconds: u32) {
    // SAFETY: no memory is passed.
    unsafe { proxy_set_tick_period_milliseconds(milliseconds) };
}

/// What the VMs of this filter share under a key.
pub(crate) fn shared(key: &[u8]) -> Option<Vec<u8>> {
    let mut cas = 0;
    // SAFETY: the host reads the key and writes the number during the call; for the rest see `returned`.
    returned(|data, len| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, len, &raw mut cas) })
        .ok()
        .flatten()
}

/// Shares a value under a key, if the proxy can.
pub(crate) fn share(key: &[u8], value: &[u8]) {
    // SAFETY: the host reads the slices during the call.
    unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), 0) };
}

/// Takes over what a host call returns in memory; `None` where it says that there is nothing.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Option<Vec<u8>>, Unavailable> {
    let mut data: *mut u8 = std::ptr::null_mut();
    let mut len = 0;
    match call(&raw mut data, &raw mut len) {
        OK if data.is_null() => Ok(Some(Vec::new())),
        // SAFETY: the host had `proxy_on_memory_allocate` make this buffer, a boxed slice of `len` bytes that it gave
        // away, and filled it.
        OK => Ok(Some(unsafe { Vec::from_raw_parts(data, len, len) })),
        NOT_FOUND => Ok(None),
        _ => Err(Unavailable),
    }
}

fn done(status: u32) -> Result<(), Unavailable> {
    if status == OK { Ok(()) } else { Err(Unavailable) }
}
