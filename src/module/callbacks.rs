//! The callbacks of proxy-wasm ABI 0.2.1 that the filter takes. A host enters the module for each one that is exported, so
//! that there are no others.

#![expect(unsafe_code, reason = "a host finds callbacks by their names")]

use super::contexts;
use super::proxy_log;
use super::root::Root;
use super::stream::Stream;

const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

unsafe extern "C" {
    fn __wasm_call_ctors();
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the linker makes it, to be called once before all else. It sets up the C library.
    unsafe { __wasm_call_ctors() };
    proxy_log::start();
}

/// Tells the host which version of the ABI this is.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory for what a host call returns.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    contexts::create(context, root);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_context: u32, _size: usize) -> bool {
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, size: usize) -> bool {
    contexts::with_root(context, |root| root.on_configure(size)).unwrap_or(false)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(context: u32) {
    contexts::with_root(context, Root::on_tick);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _count: usize, _ends: bool) -> u32 {
    match contexts::with_stream(context, Stream::on_request) {
        Some(true) => CONTINUE,
        _ => PAUSE,
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _count: usize, _ends: bool) -> u32 {
    contexts::with_stream(context, Stream::on_response);
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    contexts::delete(context);
}
