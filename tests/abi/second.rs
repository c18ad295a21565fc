//! The module under `proxy-wasm-host`.

use std::sync::{Arc, Mutex};

use proxy_wasm_host::abi::v0_2_1::types::{Action, LogLevel, MapType, MetricType, Status};
use proxy_wasm_host::abi::v0_2_1::{
    Access, ContextId, Guest, Host as Library, Invocation, LocalResponse, LogContext, LogSink, MetricId, PluginConfig,
    SharedServices, Started, StreamKind, StreamState, VmServices,
};
use proxy_wasm_host::{Engine, HeaderMap, HeaderMapExt, Limits, Module, VecHeaderMap};

use crate::support::Suite;
use crate::support::stream::{self, Fields, Host, LocalReply, Stream};

/// The module, compiled for this host.
pub struct Compiled {
    module: Module,
    host: Library,
}

impl Compiled {
    pub fn load(path: &std::path::Path) -> Self {
        let engine = Engine::new().unwrap();
        let module = Module::new(&engine, &std::fs::read(path).unwrap()).unwrap();
        let host = Library::new(&engine).unwrap();
        Self { module, host }
    }
}

/// What this host does for the module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    Everything,
    /// Neither properties nor metrics nor shared data, which is what the library does where nothing is given to it.
    HeadersOnly,
}

/// One VM, and a stream in it.
pub struct Vm {
    guest: Guest,
    root: ContextId,
    stream: Option<ContextId>,
    metrics: Arc<Metrics>,
    serves: Serves,
}

impl Vm {
    pub fn with(compiled: &Compiled, suite: &Suite, serves: Serves) -> Self {
        let metrics = Arc::new(Metrics::default());
        let environment = suite.environment.iter();
        let environment = environment.map(|(name, value)| (name.clone().into(), value.clone().into()));
        let log = Arc::new(Log::default());
        let mut services = VmServices::new(Arc::clone(&log) as _).with_environment(environment.collect());
        services = match serves {
            Serves::Everything => services.with_shared(Arc::clone(&metrics) as _),
            Serves::HeadersOnly => services.with_shared(Arc::new(Nothing)),
        };
        let mut guest = Guest::new(&compiled.host, &compiled.module, services, &Limits::default()).unwrap();
        let plugin = PluginConfig::new()
            .with_name(*b"origin_gate")
            .with_root_id(*b"origin_gate")
            .with_configuration(suite.policy.as_bytes());
        let Started::Serving(root) = guest.start(plugin).unwrap() else {
            panic!("{}: {:?}", suite.file, log.0.lock());
        };
        Self {
            guest,
            root,
            stream: None,
            metrics,
            serves,
        }
    }

    fn lend<R>(&mut self, stream: &mut Stream, call: impl FnOnce(&mut Guest, ContextId, Lent) -> (R, Lent)) -> R {
        let lent = Lent {
            request: VecHeaderMap::from(std::mem::take(&mut stream.request)),
            response: VecHeaderMap::from(std::mem::take(&mut stream.response)),
            reply: stream.reply.take(),
            finding: stream.finding.take(),
            received: std::mem::take(&mut stream.received),
            serves: self.serves,
        };
        let (result, lent) = call(&mut self.guest, self.stream.unwrap(), lent);
        *stream = Stream {
            request: lent.request.pairs(),
            response: lent.response.pairs(),
            reply: lent.reply,
            finding: lent.finding,
            received: lent.received,
            counted: [std::mem::take(&mut stream.counted), self.metrics.take()].concat(),
        };
        result
    }
}

impl Host for Vm {
    fn begin(&mut self) {
        let stream = self.guest.enter_root().on_context_create(Some(self.root)).unwrap();
        self.guest.expect_stream_kind(stream, StreamKind::Http).unwrap();
        self.stream = Some(stream);
    }

    fn on_request(&mut self, stream: &mut Stream) -> bool {
        let count = stream.request.len() as u32;
        let action = self.lend(stream, |guest, id, lent| {
            guest.with(lent, |scope| scope.on_request_headers(id, count, true))
        });
        action.unwrap() == Action::Continue
    }

    fn on_response(&mut self, stream: &mut Stream) {
        let count = stream.response.len() as u32;
        self.lend(stream, |guest, id, lent| {
            guest.with(lent, |scope| scope.on_response_headers(id, count, true))
        })
        .unwrap();
    }

    fn end(&mut self) {
        let stream = self.stream.take().unwrap();
        let mut scope = self.guest.enter_root();
        scope.on_done(stream).unwrap();
        scope.on_log(stream).unwrap();
        scope.on_delete(stream).unwrap();
    }
}

/// A stream while the library has it.
struct Lent {
    request: VecHeaderMap,
    response: VecHeaderMap,
    reply: Option<LocalReply>,
    finding: Option<String>,
    received: Fields,
    serves: Serves,
}

impl StreamState for Lent {
    fn header_map(&mut self, _: Invocation, _: Access, map: MapType) -> Result<&mut dyn HeaderMap, Status> {
        match map {
            MapType::HttpRequestHeaders => Ok(&mut self.request),
            MapType::HttpResponseHeaders => Ok(&mut self.response),
            _ => Err(Status::BadArgument),
        }
    }

    fn send_local_response(&mut self, _: Invocation, response: LocalResponse<'_>) -> Result<(), Status> {
        let headers = response.headers.iter();
        self.reply = Some(LocalReply {
            status: response.status_code.try_into().map_err(|_| Status::BadArgument)?,
            headers: headers.map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
            body: response.body.to_vec(),
            details: String::from_utf8_lossy(&response.status_code_details).into_owned(),
        });
        Ok(())
    }

    fn set_property(&mut self, _: Invocation, path: &[&[u8]], value: &[u8]) -> Result<(), Status> {
        match (self.serves, path) {
            (Serves::HeadersOnly, _) => return Err(Status::NotFound),
            (_, [b"origin_gate"]) => self.finding = Some(String::from_utf8_lossy(value).into_owned()),
            (_, path) => stream::set(&mut self.received, &path.concat(), value),
        }
        Ok(())
    }
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl LogSink for Log {
    fn log(&self, _: LogContext<'_>, level: LogLevel, line: &[u8]) {
        if level == LogLevel::Error {
            self.0.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
        }
    }
}

struct Nothing;

impl SharedServices for Nothing {}

#[derive(Default)]
struct Metrics {
    names: Mutex<Vec<Vec<u8>>>,
    counted: Mutex<Vec<String>>,
}

impl Metrics {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.counted.lock().unwrap())
    }
}

impl SharedServices for Metrics {
    fn define_metric(&self, _: Invocation, _: &[u8], _: MetricType, name: &[u8]) -> Result<MetricId, Status> {
        let mut names = self.names.lock().unwrap();
        names.push(name.to_vec());
        MetricId::try_from(names.len() as u32).map_err(|_| Status::InternalFailure)
    }

    fn increment_metric(&self, _: Invocation, metric: MetricId, by: i64) -> Result<(), Status> {
        if by == 0 {
            return Ok(());
        }
        let names = self.names.lock().unwrap();
        let name = names.get(metric.get() as usize - 1).ok_or(Status::NotFound)?;
        let mut stream = Stream::default();
        stream.count(&String::from_utf8_lossy(name));
        self.counted.lock().unwrap().append(&mut stream.counted);
        Ok(())
    }
}
