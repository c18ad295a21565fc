//! Envoy's half of the ABI, on vectors. Each function is declared as `src/twin/abi.rs` declares it, and as Envoy's `abi.h`
//! does.
//! Long: it is one half of one interface.

#![expect(unsafe_code, reason = "the twin finds these functions by their names")]

use std::cell::RefCell;
use std::ffi::c_void;

use crate::allocations::uncounted;
use crate::support::stream::{self, Fields, Host, LocalReply, Stream};
use origin_gate_twin::Buffer;

fn buffer(bytes: &[u8]) -> Buffer {
    Buffer {
        data: bytes.as_ptr(),
        length: bytes.len(),
    }
}

trait Bytes {
    fn bytes(&self) -> Option<&[u8]>;

    fn owned(&self) -> Vec<u8> {
        self.bytes().unwrap().to_vec()
    }
}

impl Bytes for Buffer {
    fn bytes(&self) -> Option<&[u8]> {
        // SAFETY: the twin passes slices, or null for none.
        (!self.data.is_null()).then(|| unsafe { std::slice::from_raw_parts(self.data, self.length) })
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Field {
    name: Buffer,
    value: Buffer,
}

unsafe extern "C" {
    fn envoy_dynamic_module_on_http_filter_config_new(config: *mut c_void, name: Buffer, text: Buffer)
    -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_config_destroy(configured: *const c_void);
    fn envoy_dynamic_module_on_http_filter_new(configured: *const c_void, proxy: *mut c_void) -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_destroy(filter: *const c_void);
    fn envoy_dynamic_module_on_http_filter_request_headers(
        proxy: *mut c_void,
        filter: *const c_void,
        ends: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_headers(
        proxy: *mut c_void,
        filter: *const c_void,
        ends: bool,
    ) -> u32;
}

/// What Envoy keeps of a configuration and of a stream; here they are one.
#[derive(Default)]
struct Proxy {
    counters: RefCell<Vec<String>>,
    gauges: RefCell<Vec<(String, u64)>>,
    stream: RefCell<Stream>,
}

/// A policy in the twin, and the stream that runs under it.
pub(super) struct Dynamic {
    proxy: Box<Proxy>,
    configured: *const c_void,
    filter: *const c_void,
}

impl Dynamic {
    /// `None` if the policy is refused.
    pub(super) fn new(policy: &[u8]) -> Option<Self> {
        let proxy = Box::<Proxy>::default();
        let name = buffer(b"origin_gate");
        // SAFETY: these are what Envoy passes.
        let configured =
            unsafe { envoy_dynamic_module_on_http_filter_config_new(pointer(&proxy), name, buffer(policy)) };
        (!configured.is_null()).then_some(Self {
            proxy,
            configured,
            filter: std::ptr::null(),
        })
    }

    /// What was counted outside of a hook.
    pub(super) fn counted(&self) -> Vec<String> {
        std::mem::take(&mut self.proxy.stream.borrow_mut().counted)
    }

    pub(super) fn gauges(&self) -> Vec<(String, u64)> {
        self.proxy.gauges.borrow().clone()
    }

    fn call(
        &mut self,
        stream: &mut Stream,
        hook: unsafe extern "C" fn(*mut c_void, *const c_void, bool) -> u32,
    ) -> u32 {
        self.proxy.stream.replace(std::mem::take(stream));
        // SAFETY: both are alive.
        let status = unsafe { hook(pointer(&self.proxy), self.filter, true) };
        *stream = self.proxy.stream.take();
        status
    }
}

impl Drop for Dynamic {
    fn drop(&mut self) {
        self.end();
        // SAFETY: it is given back once.
        unsafe { envoy_dynamic_module_on_http_filter_config_destroy(self.configured) };
    }
}

impl Host for Dynamic {
    fn begin(&mut self) {
        self.end();
        // SAFETY: both are alive.
        self.filter = unsafe { envoy_dynamic_module_on_http_filter_new(self.configured, pointer(&self.proxy)) };
        assert!(!self.filter.is_null());
    }

    fn on_request(&mut self, stream: &mut Stream) -> bool {
        self.call(stream, envoy_dynamic_module_on_http_filter_request_headers) == 0
    }

    /// Envoy does not show an answer of the filter's own to it.
    fn on_response(&mut self, stream: &mut Stream) {
        match stream.reply.clone() {
            Some(reply) => {
                let status = (b":status".to_vec(), reply.status.to_string().into_bytes());
                stream.response = reply.headers.into_iter().chain([status]).collect();
            }
            None => {
                self.call(stream, envoy_dynamic_module_on_http_filter_response_headers);
            }
        }
    }

    fn end(&mut self) {
        let filter = std::mem::replace(&mut self.filter, std::ptr::null());
        if !filter.is_null() {
            // SAFETY: it is given back once.
            unsafe { envoy_dynamic_module_on_http_filter_destroy(filter) };
        }
    }
}

fn pointer(proxy: &Proxy) -> *mut c_void {
    std::ptr::from_ref(proxy).cast_mut().cast()
}

fn proxy<'a>(pointer: *mut c_void) -> &'a Proxy {
    // SAFETY: it is `pointer`'s, and outlives the call.
    unsafe { &*pointer.cast::<Proxy>() }
}

fn with_map<R>(pointer: *mut c_void, map: u32, call: impl FnOnce(&mut Fields) -> R) -> R {
    let mut stream = proxy(pointer).stream.borrow_mut();
    match map {
        0 => call(&mut stream.request),
        2 => call(&mut stream.response),
        _ => panic!("no map {map}"),
    }
}

fn reply(pointer: *mut c_void, status: u16, fields: &[Field], body: &[u8], details: &[u8]) {
    proxy(pointer).stream.borrow_mut().reply = Some(LocalReply {
        status,
        headers: fields.iter().map(|it| (it.name.owned(), it.value.owned())).collect(),
        body: body.to_vec(),
        details: String::from_utf8(details.to_vec()).unwrap(),
    });
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_log(level: u32, text: Buffer) {
    println!("{level} {}", String::from_utf8_lossy(&text.owned()));
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_log_enabled(level: u32) -> bool {
    level >= 2
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_get_concurrency() -> u32 {
    2
}

/// # Safety
///
/// `id` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_define_counter(
    config: *mut c_void,
    name: Buffer,
    _labels: *const Buffer,
    _count: usize,
    id: *mut usize,
) -> u32 {
    let mut counters = proxy(config).counters.borrow_mut();
    counters.push(String::from_utf8(name.owned()).unwrap());
    // SAFETY: the caller says so. Envoy counts from one.
    unsafe { *id = counters.len() };
    0
}

/// # Safety
///
/// `id` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_callback_http_filter_config_define_gauge(
    config: *mut c_void,
    name: Buffer,
    _labels: *const Buffer,
    _count: usize,
    id: *mut usize,
) -> u32 {
    let mut gauges = proxy(config).gauges.borrow_mut();
    gauges.push((String::from_utf8(name.owned()).unwrap(), 0));
    // SAFETY: the caller says so.
    unsafe { *id = gauges.len() };
    0
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_filter_increment_counter(
    filter: *mut c_void,
    id: usize,
    _labels: *const Buffer,
    _count: usize,
    by: u64,
) -> u32 {
    assert_eq!(by, 1);
    uncounted(|| {
        let name = proxy(filter).counters.borrow()[id - 1].clone();
        proxy(filter).stream.borrow_mut().count(&name);
    });
    0
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_filter_set_gauge(
    filter: *mut c_void,
    id: usize,
    _labels: *const Buffer,
    _count: usize,
    value: u64,
) -> u32 {
    proxy(filter).gauges.borrow_mut()[id - 1].1 = value;
    0
}

/// # Safety
///
/// `value` and `count` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_callback_http_get_header(
    filter: *mut c_void,
    map: u32,
    name: Buffer,
    value: *mut Buffer,
    index: usize,
    count: *mut usize,
) -> bool {
    with_map(filter, map, |fields| {
        let values = || fields.iter().filter(|(it, _)| Some(&it[..]) == name.bytes());
        // SAFETY: the caller says so.
        unsafe { *count = values().count() };
        let found = values().nth(index).map(|(_, it)| buffer(it));
        if let Some(found) = found {
            // SAFETY: the caller says so.
            unsafe { *value = found };
        }
        found.is_some()
    })
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_get_headers_size(filter: *mut c_void, map: u32) -> usize {
    with_map(filter, map, |fields| fields.len())
}

/// # Safety
///
/// `found` has room for all.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_callback_http_get_headers(
    filter: *mut c_void,
    map: u32,
    found: *mut Field,
) -> bool {
    with_map(filter, map, |fields| {
        for (at, (name, value)) in fields.iter().enumerate() {
            let field = Field {
                name: buffer(name),
                value: buffer(value),
            };
            // SAFETY: the caller says so.
            unsafe { found.add(at).write(field) };
        }
    });
    true
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_add_header(
    filter: *mut c_void,
    map: u32,
    name: Buffer,
    value: Buffer,
) -> bool {
    uncounted(|| with_map(filter, map, |fields| fields.push((name.owned(), value.owned()))));
    true
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_set_header(
    filter: *mut c_void,
    map: u32,
    name: Buffer,
    value: Buffer,
) -> bool {
    with_map(filter, map, |fields| match value.bytes() {
        Some(value) => stream::set(fields, &name.owned(), value),
        None => stream::remove(fields, &name.owned()),
    });
    true
}

/// # Safety
///
/// There are `count` fields.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_callback_http_send_response(
    filter: *mut c_void,
    status: u32,
    fields: *const Field,
    count: usize,
    body: Buffer,
    details: Buffer,
) {
    // SAFETY: the caller says so.
    let fields = unsafe { std::slice::from_raw_parts(fields, count) };
    reply(
        filter,
        status.try_into().unwrap(),
        fields,
        &body.owned(),
        &details.owned(),
    );
}

/// # Safety
///
/// There are `count` fields.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_callback_http_send_response_headers(
    filter: *mut c_void,
    fields: *const Field,
    count: usize,
    _ends: bool,
) {
    // SAFETY: the caller says so.
    let (status, fields) = unsafe { std::slice::from_raw_parts(fields, count) }
        .split_first()
        .unwrap();
    assert_eq!(status.name.owned(), b":status");
    let status = String::from_utf8(status.value.owned()).unwrap().parse().unwrap();
    reply(filter, status, fields, b"", b"");
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_send_response_data(filter: *mut c_void, data: Buffer, ends: bool) {
    assert!(ends);
    proxy(filter).stream.borrow_mut().reply.as_mut().unwrap().body = data.owned();
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_filter_reset_stream(
    filter: *mut c_void,
    _reason: u32,
    details: Buffer,
) {
    reply(filter, 0, &[], b"", &details.owned());
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_set_filter_state_bytes(
    filter: *mut c_void,
    name: Buffer,
    value: Buffer,
) -> bool {
    uncounted(|| {
        let mut stream = proxy(filter).stream.borrow_mut();
        stream.publish(&name.owned(), &value.owned());
    });
    true
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_callback_http_get_filter_state_bytes(
    filter: *mut c_void,
    name: Buffer,
    _value: *mut Buffer,
) -> bool {
    let stream = proxy(filter).stream.borrow();
    match name.bytes().unwrap() {
        b"origin_gate" => stream.finding.is_some(),
        name => stream::first(&stream.received, name).is_some(),
    }
}
