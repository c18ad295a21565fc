//! Envoy's ABI for dynamic modules: what Envoy 1.38 to 1.40 declare alike of it, and the hooks that they call.
//! Long: all code of the twin that is unsafe is here, to be read in one go.
//!
//! Envoy's own kit for Rust comes from Git alone and is generated from all of the ABI, of which this takes a tenth.
//!
//! Pointers are Envoy's word, and nothing can check them: what it passes to a hook lives until that hook returns. So the
//! types that wrap them, [`Proxy`] and [`Configuration`], are made in hooks alone and cannot leave them.

#![expect(
    unsafe_code,
    reason = "hooks are called with raw pointers, and Envoy's functions take and return them"
)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use std::rc::Rc;

use filter::Unavailable;
use log::Level;

use super::policy_config::PolicyConfig;
use super::stream::{Stream, Verb};
use super::{envoy_log, guard};

/// Bytes of either side, for as long as a call lasts.
#[derive(Clone, Copy)]
#[repr(C)]
#[cfg_attr(not(feature = "panics"), expect(unreachable_pub, reason = "only the tests have it"))]
pub struct Buffer {
    /// Where they begin.
    pub data: *const u8,
    /// How many there are.
    pub length: usize,
}

/// A header of either side: four words, of which a null value stands for none.
#[derive(Clone, Copy)]
#[repr(C)]
struct Field {
    name: Buffer,
    value: Buffer,
}

/// A header map.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Map {
    /// The request's headers.
    Request = 0,
    /// The response's headers.
    Response = 2,
}

/// What metrics' functions return when they worked; likewise what hooks return so that all goes on.
const SUCCESS: u32 = 0;
const CONTINUE: u32 = 0;
const STOP_ITERATION: u32 = 1;
/// A stream is reset by this side, which gives the client no reason to try again.
const LOCAL_RESET: u32 = 0;

type DefineMetric = unsafe extern "C" fn(*mut c_void, Buffer, *const Buffer, usize, *mut usize) -> u32;
type ChangeMetric = unsafe extern "C" fn(*mut c_void, usize, *const Buffer, usize, u64) -> u32;

unsafe extern "C" {
    fn envoy_dynamic_module_callback_log(level: u32, text: Buffer);
    fn envoy_dynamic_module_callback_log_enabled(level: u32) -> bool;
    fn envoy_dynamic_module_callback_get_concurrency() -> u32;
    fn envoy_dynamic_module_callback_http_filter_config_define_counter(
        config: *mut c_void,
        name: Buffer,
        labels: *const Buffer,
        label_count: usize,
        id: *mut usize,
    ) -> u32;
    fn envoy_dynamic_module_callback_http_filter_config_define_gauge(
        config: *mut c_void,
        name: Buffer,
        labels: *const Buffer,
        label_count: usize,
        id: *mut usize,
    ) -> u32;
    fn envoy_dynamic_module_callback_http_filter_increment_counter(
        filter: *mut c_void,
        id: usize,
        labels: *const Buffer,
        label_count: usize,
        by: u64,
    ) -> u32;
    fn envoy_dynamic_module_callback_http_filter_set_gauge(
        filter: *mut c_void,
        id: usize,
        labels: *const Buffer,
        label_count: usize,
        value: u64,
    ) -> u32;
    fn envoy_dynamic_module_callback_http_get_header(
        filter: *mut c_void,
        map: u32,
        name: Buffer,
        value: *mut Buffer,
        index: usize,
        count: *mut usize,
    ) -> bool;
    fn envoy_dynamic_module_callback_http_get_headers_size(filter: *mut c_void, map: u32) -> usize;
    fn envoy_dynamic_module_callback_http_get_headers(filter: *mut c_void, map: u32, fields: *mut Field) -> bool;
    fn envoy_dynamic_module_callback_http_add_header(
        filter: *mut c_void,
        map: u32,
        name: Buffer,
        value: Buffer,
    ) -> bool;
    fn envoy_dynamic_module_callback_http_set_header(
        filter: *mut c_void,
        map: u32,
        name: Buffer,
        value: Buffer,
    ) -> bool;
    fn envoy_dynamic_module_callback_http_send_response(
        filter: *mut c_void,
        status: u32,
        fields: *const Field,
        field_count: usize,
        body: Buffer,
        details: Buffer,
    );
    fn envoy_dynamic_module_callback_http_send_response_headers(
        filter: *mut c_void,
        fields: *const Field,
        field_count: usize,
        ends: bool,
    );
    fn envoy_dynamic_module_callback_http_send_response_data(filter: *mut c_void, data: Buffer, ends: bool);
    fn envoy_dynamic_module_callback_http_filter_reset_stream(filter: *mut c_void, reason: u32, details: Buffer);
    fn envoy_dynamic_module_callback_http_set_filter_state_bytes(
        filter: *mut c_void,
        name: Buffer,
        value: Buffer,
    ) -> bool;
    fn envoy_dynamic_module_callback_http_get_filter_state_bytes(
        filter: *mut c_void,
        name: Buffer,
        value: *mut Buffer,
    ) -> bool;
    /// Of the C library. It finds what not every Envoy has.
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

impl Buffer {
    const NONE: Self = Self {
        data: std::ptr::null(),
        length: 0,
    };

    fn new(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr(),
            length: bytes.len(),
        }
    }

    /// # Safety
    ///
    /// It is Envoy's, and `'a` ends before the hook does and before whatever it belongs to is changed.
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        match self.data.is_null() {
            true => &[],
            // SAFETY: the caller says that the bytes are there.
            false => unsafe { std::slice::from_raw_parts(self.data, self.length) },
        }
    }
}

impl Field {
    fn new(name: &str, value: &[u8]) -> Self {
        Self {
            name: Buffer::new(name.as_bytes()),
            value: Buffer::new(value),
        }
    }
}

fn number(level: Level) -> u32 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

/// Writes a line to Envoy's log.
pub(crate) fn log(level: Level, line: &str) {
    // SAFETY: Envoy reads the buffer during the call. It may be called on any thread.
    unsafe { envoy_dynamic_module_callback_log(number(level), Buffer::new(line.as_bytes())) };
}

/// Whether Envoy's log has lines of this level.
pub(crate) fn is_logged(level: Level) -> bool {
    // SAFETY: no memory is passed. It may be called on any thread.
    unsafe { envoy_dynamic_module_callback_log_enabled(number(level)) }
}

/// A function that Envoy has from 1.39 on.
fn later(name: &CStr) -> Option<ChangeMetric> {
    // SAFETY: null stands for the process, and the name is a C string.
    let function = unsafe { dlsym(std::ptr::null_mut(), name.as_ptr()) };
    // SAFETY: Envoy declares a function of this name and type, or has none of the name, and an `Option` of a function
    // is a pointer that may be null.
    unsafe { std::mem::transmute::<*mut c_void, Option<ChangeMetric>>(function) }
}

/// The filter's configuration while Envoy makes or unmakes it.
#[derive(Clone, Copy)]
pub(crate) struct Configuration<'a>(*mut c_void, PhantomData<&'a ()>);

impl Configuration<'_> {
    /// Makes a counter, if Envoy can.
    pub(crate) fn define_counter(self, name: &str) -> Option<u32> {
        self.define(envoy_dynamic_module_callback_http_filter_config_define_counter, name)
    }

    /// Makes a gauge, if Envoy can.
    pub(crate) fn define_gauge(self, name: &str) -> Option<u32> {
        self.define(envoy_dynamic_module_callback_http_filter_config_define_gauge, name)
    }

    fn define(self, define: DefineMetric, name: &str) -> Option<u32> {
        let mut id = 0;
        let name = Buffer::new(name.as_bytes());
        // SAFETY: the pointer is that of this hook. Envoy reads the name, and writes the number, during the call.
        let status = unsafe { define(self.0, name, std::ptr::null(), 0, &raw mut id) };
        (status == SUCCESS).then(|| u32::try_from(id).ok()).flatten()
    }

    /// Adds one to a counter; whether this Envoy can do so without a stream.
    pub(crate) fn increment(self, counter: u32) -> bool {
        let increment = c"envoy_dynamic_module_callback_http_filter_config_increment_counter";
        self.change(increment, counter, 1)
    }

    /// Adds to a gauge; whether this Envoy can do so without a stream.
    pub(crate) fn raise(self, gauge: u32, by: u64) -> bool {
        let increment = c"envoy_dynamic_module_callback_http_filter_config_increment_gauge";
        self.change(increment, gauge, by)
    }

    /// Takes from a gauge what was added; whether this Envoy can do so without a stream.
    pub(crate) fn lower(self, gauge: u32, by: u64) -> bool {
        let decrement = c"envoy_dynamic_module_callback_http_filter_config_decrement_gauge";
        self.change(decrement, gauge, by)
    }

    fn change(self, name: &CStr, metric: u32, by: u64) -> bool {
        let Some(change) = later(name) else { return false };
        // SAFETY: the pointer is that of this hook, and no other memory is passed.
        unsafe { change(self.0, metric as usize, std::ptr::null(), 0, by) == SUCCESS }
    }
}

/// How many workers Envoy has. It is to be asked on the main thread.
pub(crate) fn workers() -> u32 {
    // SAFETY: no memory is passed.
    unsafe { envoy_dynamic_module_callback_get_concurrency() }
}

/// The stream whose hook runs, as Envoy offers it. It is no `Copy`: what edits headers takes it for itself, so that none is
/// read meanwhile.
pub(crate) struct Proxy<'a>(*mut c_void, PhantomData<&'a ()>);

/// A header map, read where Envoy has it.
pub(crate) struct Headers<'a> {
    fields: Vec<Field>,
    proxy: PhantomData<&'a Proxy<'a>>,
}

thread_local! {
    /// Room for the next header map, so that most need no memory of their own.
    static FIELDS: Cell<Vec<Field>> = const { Cell::new(Vec::new()) };
}

/// No more is kept for the next one: a map of many headers is rare.
const KEPT_FIELDS: usize = 128;

impl filter::Headers for Headers<'_> {
    fn visit<'h>(&'h self, mut visit: impl FnMut(&'h [u8], &'h [u8])) -> Result<(), Unavailable> {
        for field in &self.fields {
            // SAFETY: nothing changes the map while this borrows the proxy.
            unsafe { visit(field.name.bytes(), field.value.bytes()) };
        }
        Ok(())
    }
}

impl Drop for Headers<'_> {
    fn drop(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        if fields.capacity() <= KEPT_FIELDS {
            fields.clear();
            // While a worker ends there is no next one.
            let _ = FIELDS.try_with(|it| it.set(fields));
        }
    }
}

impl Proxy<'_> {
    /// All headers of a map.
    pub(crate) fn headers(&self, map: Map) -> Result<Headers<'_>, Unavailable> {
        // SAFETY: the pointer is that of this hook.
        let count = unsafe { envoy_dynamic_module_callback_http_get_headers_size(self.0, map as u32) };
        let mut fields = FIELDS.try_with(Cell::take).unwrap_or_default();
        fields.reserve(count);
        // SAFETY: Envoy writes as many fields as it has just counted, and there is room for them.
        if !unsafe { envoy_dynamic_module_callback_http_get_headers(self.0, map as u32, fields.as_mut_ptr()) } {
            return Err(Unavailable);
        }
        // SAFETY: it has written them.
        unsafe { fields.set_len(count) };
        Ok(Headers {
            fields,
            proxy: PhantomData,
        })
    }

    /// Whether a request header is there whose first value `is_it` says yes to, or that has several.
    pub(crate) fn has_request_header(&self, name: &str, is_it: impl FnOnce(&[u8]) -> bool) -> bool {
        let (mut value, mut count) = (Buffer::NONE, 0);
        let (map, name) = (Map::Request as u32, Buffer::new(name.as_bytes()));
        // SAFETY: the pointer is that of this hook. Envoy reads the name, and writes the rest, during the call.
        let is_there = unsafe {
            envoy_dynamic_module_callback_http_get_header(self.0, map, name, &raw mut value, 0, &raw mut count)
        };
        // SAFETY: nothing is changed while it is looked at.
        is_there && (count > 1 || is_it(unsafe { value.bytes() }))
    }

    /// Replaces all values of a header.
    pub(crate) fn set_header(&mut self, map: Map, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.put_header(map, name, Buffer::new(value))
    }

    /// Removes all values of a header, if there are any.
    pub(crate) fn remove_header(&mut self, map: Map, name: &str) -> Result<(), Unavailable> {
        self.put_header(map, name, Buffer::NONE)
    }

    fn put_header(&mut self, map: Map, name: &str, value: Buffer) -> Result<(), Unavailable> {
        let name = Buffer::new(name.as_bytes());
        // SAFETY: the pointer is that of this hook. Envoy copies the buffers; a null value stands for none.
        done(unsafe { envoy_dynamic_module_callback_http_set_header(self.0, map as u32, name, value) })
    }

    /// Adds a value to a header.
    pub(crate) fn add_header(&mut self, map: Map, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        let (name, value) = (Buffer::new(name.as_bytes()), Buffer::new(value));
        // SAFETY: the pointer is that of this hook. Envoy copies the buffers.
        done(unsafe { envoy_dynamic_module_callback_http_add_header(self.0, map as u32, name, value) })
    }

    /// Answers as Envoy's own filters do. To what claims to be gRPC the answer is a 200 then.
    pub(crate) fn send_local_reply<'h>(
        &self,
        status: u16,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
        body: &str,
        details: &str,
    ) {
        let fields: Vec<_> = headers.map(|(name, value)| Field::new(name, value)).collect();
        let (body, details) = (Buffer::new(body.as_bytes()), Buffer::new(details.as_bytes()));
        let (data, count, status) = (fields.as_ptr(), fields.len(), status.into());
        // SAFETY: the pointer is that of this hook. Envoy copies what it is given.
        unsafe { envoy_dynamic_module_callback_http_send_response(self.0, status, data, count, body, details) };
    }

    /// Answers with exactly these headers and this body. The stream may be over when this returns.
    pub(crate) fn send_answer<'h>(&self, status: u16, headers: impl Iterator<Item = (&'h str, &'h [u8])>, body: &str) {
        let (status, length) = (status.to_string(), body.len().to_string());
        let mut fields = vec![
            Field::new(":status", status.as_bytes()),
            Field::new("content-length", length.as_bytes()),
        ];
        fields.extend(headers.map(|(name, value)| Field::new(name, value)));
        let (data, count, ends) = (fields.as_ptr(), fields.len(), body.is_empty());
        // SAFETY: the pointer is that of this hook, until which ends Envoy keeps what it points to even if the stream is
        // over. Envoy copies what it is given.
        unsafe {
            envoy_dynamic_module_callback_http_send_response_headers(self.0, data, count, ends);
            if !ends {
                envoy_dynamic_module_callback_http_send_response_data(self.0, Buffer::new(body.as_bytes()), true);
            }
        }
    }

    /// Ends the stream without an answer.
    pub(crate) fn reset(&self, details: &str) {
        let details = Buffer::new(details.as_bytes());
        // SAFETY: the pointer is that of this hook. Envoy copies the details.
        unsafe { envoy_dynamic_module_callback_http_filter_reset_stream(self.0, LOCAL_RESET, details) };
    }

    /// Shows a value to the access log, unless it has one of that name, which Envoy does not replace.
    pub(crate) fn publish(&self, name: &str, value: &[u8]) {
        let (name, value, mut known) = (Buffer::new(name.as_bytes()), Buffer::new(value), Buffer::NONE);
        // SAFETY: the pointer is that of this hook. Envoy copies the buffers, and writes the last during the call.
        unsafe {
            if !envoy_dynamic_module_callback_http_get_filter_state_bytes(self.0, name, &raw mut known) {
                envoy_dynamic_module_callback_http_set_filter_state_bytes(self.0, name, value);
            }
        }
    }

    /// Adds one to a counter. Nothing can be done where that fails.
    pub(crate) fn increment(&self, counter: u32) {
        let id = counter as usize;
        // SAFETY: the pointer is that of this hook, and no other memory is passed.
        unsafe { envoy_dynamic_module_callback_http_filter_increment_counter(self.0, id, std::ptr::null(), 0, 1) };
    }

    /// Sets a gauge. Nothing can be done where that fails.
    pub(crate) fn set_gauge(&self, gauge: u32, value: u64) {
        let (id, none) = (gauge as usize, std::ptr::null());
        // SAFETY: the pointer is that of this hook, and no other memory is passed.
        unsafe { envoy_dynamic_module_callback_http_filter_set_gauge(self.0, id, none, 0, value) };
    }
}

fn done(is_done: bool) -> Result<(), Unavailable> {
    if is_done { Ok(()) } else { Err(Unavailable) }
}

/// Called once, when Envoy has loaded the library. Envoy compares what it returns with the version of its own ABI, and
/// warns where the two differ: of these functions both versions have the same.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    envoy_log::start();
    guard::start();
    // Envoy 1.40 was the first to have this function, and calls itself 0.2.0.
    match later(c"envoy_dynamic_module_callback_log_v2") {
        Some(_) => c"v0.2.0".as_ptr(),
        None => c"v0.1.0".as_ptr(),
    }
}

/// A policy, and Envoy's half of its configuration, which lives as long.
struct Configured {
    policy: PolicyConfig,
    envoy: *mut c_void,
}

/// Takes a policy. Null refuses it: Envoy does not start, or keeps the one in force.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    envoy: *mut c_void,
    _name: Buffer,
    text: Buffer,
) -> *const c_void {
    // SAFETY: the text is there until this returns.
    let text = unsafe { text.bytes() };
    let policy = guard::caught(|| PolicyConfig::load(Configuration(envoy, PhantomData), text)).flatten();
    policy.map_or(std::ptr::null(), |policy| {
        Box::into_raw(Box::new(Configured { policy, envoy }))
            .cast_const()
            .cast()
    })
}

/// Envoy does so when the last stream is over that began under the policy.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(configured: *const c_void) {
    if configured.is_null() {
        return;
    }
    guard::caught(|| {
        // SAFETY: it came from `Box::into_raw`, and Envoy gives it back once.
        let configured = unsafe { Box::from_raw(configured.cast_mut().cast::<Configured>()) };
        configured.policy.hide(Configuration(configured.envoy, PhantomData));
    });
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_new(configured: *const c_void, proxy: *mut c_void) -> *const c_void {
    // SAFETY: it came from `Box::into_raw`, and a configuration is given back after its streams.
    let policy = unsafe { &(*configured.cast::<Configured>()).policy };
    let stream = guard::caught(|| {
        policy.show(&Proxy(proxy, PhantomData));
        let stream = STREAMS
            .try_with(|it| it.borrow_mut().pop())
            .ok()
            .flatten()
            .unwrap_or_default();
        stream.begin(policy);
        Rc::into_raw(stream)
    });
    stream.map_or(std::ptr::null(), <*const Stream>::cast)
}

thread_local! {
    /// Streams that are over, for new ones to take their memory: a stream belongs to one worker.
    static STREAMS: RefCell<Vec<Rc<Stream>>> = const { RefCell::new(Vec::new()) };
}

/// No more are kept, however many there were at once.
const KEPT_STREAMS: usize = 256;

/// Envoy may do so while one of the stream's hooks runs, which its own answer can end, so that each hook holds it too.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_destroy(stream: *const c_void) {
    if stream.is_null() {
        return;
    }
    guard::caught(|| {
        // SAFETY: it came from `Rc::into_raw`, and Envoy gives it back once.
        let stream = unsafe { Rc::from_raw(stream.cast::<Stream>()) };
        if Rc::strong_count(&stream) > 1 {
            return;
        }
        stream.end();
        // While a worker ends there is no next one.
        let _ = STREAMS.try_with(|it| {
            let mut streams = it.borrow_mut();
            if streams.len() < KEPT_STREAMS {
                streams.push(stream);
            }
        });
    });
}

/// Calls a stream, and holds it meanwhile.
fn with_stream(proxy: *mut c_void, stream: *const c_void, call: fn(&Stream, Proxy<'_>) -> Verb) -> u32 {
    if stream.is_null() {
        return STOP_ITERATION;
    }
    let stream = stream.cast::<Stream>();
    // SAFETY: it came from `Rc::into_raw`, and Envoy has not given it back: it calls no hook of what it has.
    let stream = unsafe {
        Rc::increment_strong_count(stream);
        Rc::from_raw(stream)
    };
    match call(&stream, Proxy(proxy, PhantomData)) {
        Verb::Continue => CONTINUE,
        Verb::Stop => STOP_ITERATION,
    }
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    proxy: *mut c_void,
    stream: *const c_void,
    _ends: bool,
) -> u32 {
    with_stream(proxy, stream, Stream::on_request)
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    proxy: *mut c_void,
    stream: *const c_void,
    _ends: bool,
) -> u32 {
    with_stream(proxy, stream, Stream::on_response)
}

/// Hooks that Envoy looks for, and of which the filter wants nothing. Their parameters are of no interest, and by the C
/// calling convention the caller clears them away.
macro_rules! unused_hooks {
    ($($name:ident)+) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> u32 {
                CONTINUE
            }
        )+
    };
}

unused_hooks! {
    envoy_dynamic_module_on_http_filter_request_body
    envoy_dynamic_module_on_http_filter_request_trailers
    envoy_dynamic_module_on_http_filter_response_body
    envoy_dynamic_module_on_http_filter_response_trailers
    envoy_dynamic_module_on_http_filter_stream_complete
    envoy_dynamic_module_on_http_filter_http_callout_done
    envoy_dynamic_module_on_http_filter_http_stream_headers
    envoy_dynamic_module_on_http_filter_http_stream_data
    envoy_dynamic_module_on_http_filter_http_stream_trailers
    envoy_dynamic_module_on_http_filter_http_stream_complete
    envoy_dynamic_module_on_http_filter_http_stream_reset
    envoy_dynamic_module_on_http_filter_scheduled
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark
}
