//! A stream.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::abi::{self, Map};
use super::envoy_log;
use super::guard;
use super::policy_config::PolicyConfig;
use filter::{FINDING, Filter, Next, Proxy, Unavailable};
use policy::headers::CONTENT_TYPE;
use policy::reply::LocalReply;

/// What Envoy is to do when a hook returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Go on with the next filter.
    Continue,
    /// Nothing more: the stream has been answered.
    Stop,
}

/// One HTTP stream, or room for one.
#[derive(Default)]
pub(crate) struct Stream {
    /// Borrowed while a hook runs. Envoy calls another meanwhile, for an answer that the first one sends. `None` between
    /// two streams.
    filter: RefCell<Option<Filter>>,
    panicked: Cell<Option<u32>>,
}

/// The headers that the hook which runs is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Request,
    Response,
}

impl Stream {
    /// Begins.
    pub(crate) fn begin(&self, config: &PolicyConfig) {
        self.filter.replace(Some(Filter::new(Arc::clone(&config.filter))));
        self.panicked.set(config.panicked);
    }

    /// Ends, and lets the policy go.
    pub(crate) fn end(&self) {
        self.filter.take();
    }

    pub(crate) fn on_request(&self, proxy: abi::Proxy<'_>) -> Verb {
        envoy_log::follow();
        let mut envoy = Envoy::new(proxy, Phase::Request);
        self.guarded(&mut envoy, |filter, envoy| filter.on_request(envoy) == Next::Continue)
    }

    pub(crate) fn on_response(&self, proxy: abi::Proxy<'_>) -> Verb {
        let mut envoy = Envoy::new(proxy, Phase::Response);
        self.guarded(&mut envoy, |filter, envoy| {
            filter.on_response(envoy);
            !envoy.has_replied.get()
        })
    }

    /// Runs a hook, whose result is whether the stream goes on. A panic refuses the request, and that one alone.
    fn guarded(&self, envoy: &mut Envoy<'_>, hook: impl FnOnce(&mut Filter, &mut Envoy<'_>) -> bool) -> Verb {
        // A hook that is called while another runs is about an answer of that one's, which is to stay as it is.
        let Ok(mut filter) = self.filter.try_borrow_mut() else {
            return Verb::Continue;
        };
        let Some(filter) = filter.as_mut() else {
            return Verb::Stop;
        };
        let goes_on = guard::caught(|| {
            #[cfg(feature = "panics")]
            envoy.panic_if_asked();
            hook(filter, envoy)
        });
        let goes_on = goes_on.unwrap_or_else(|| {
            guard::caught(|| envoy.refuse(self.panicked.get()));
            false
        });
        if goes_on { Verb::Continue } else { Verb::Stop }
    }
}

/// Envoy, at the stream whose hook runs.
struct Envoy<'a> {
    proxy: abi::Proxy<'a>,
    phase: Phase,
    has_replied: Cell<bool>,
}

impl<'a> Envoy<'a> {
    fn new(proxy: abi::Proxy<'a>, phase: Phase) -> Self {
        Self {
            proxy,
            phase,
            has_replied: Cell::new(false),
        }
    }

    #[cfg(feature = "panics")]
    #[expect(clippy::panic, reason = "it is what the tests ask for")]
    fn panic_if_asked(&self) {
        let hook: &[u8] = match self.phase {
            Phase::Request => b"request",
            Phase::Response => b"response",
        };
        if self.proxy.has_request_header("x-panic", |it| it == hook) {
            panic!("as the request asks");
        }
    }

    /// Refuses a request on which a hook has panicked, with as little code as can be.
    fn refuse(&self, counter: Option<u32>) {
        const BODY: &str = r#"{"title":"Internal Server Error","status":500,"detail":"the request could not be checked against the policy","check":"hosts","reason":"panicked"}"#;
        self.proxy.publish(FINDING, b"hosts:rejected:panicked");
        if let Some(counter) = counter {
            self.count(counter);
        }
        // An answer that the hook has sent before it panicked is the only one.
        if !self.has_replied.get() {
            let headers = [
                (CONTENT_TYPE, &b"application/problem+json"[..]),
                ("cache-control", b"no-store"),
            ];
            self.send(500, headers.into_iter(), BODY, "origin_gate{hosts_panicked}");
        }
    }

    /// Envoy answers what claims to be gRPC with 200 and the real status in a trailer, but for answers that it takes as
    /// they are. To an extended CONNECT a 200 says that the socket is open, and to a preflight that it is granted.
    fn send<'h>(&self, status: u16, headers: impl Iterator<Item = (&'h str, &'h [u8])>, body: &str, details: &str) {
        self.has_replied.set(true);
        let proxy = &self.proxy;
        match (
            proxy.has_request_header(CONTENT_TYPE, |it| it.starts_with(b"application/grpc")),
            self.phase,
        ) {
            (false, _) => proxy.send_local_reply(status, headers, body, details),
            (true, Phase::Request) => {
                let body = match proxy.has_request_header(":method", |it| it == b"HEAD") {
                    true => "",
                    false => body,
                };
                proxy.send_answer(status, headers, body);
            }
            // It has begun to send another answer.
            (true, Phase::Response) => proxy.reset(details),
        }
    }
}

impl Proxy for Envoy<'_> {
    type Headers<'a>
        = abi::Headers<'a>
    where
        Self: 'a;

    fn request_headers(&self) -> Result<abi::Headers<'_>, Unavailable> {
        self.proxy.headers(Map::Request)
    }

    fn set_request_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.proxy.set_header(Map::Request, name, value)
    }

    fn remove_request_header(&mut self, name: &str) -> Result<(), Unavailable> {
        self.proxy.remove_header(Map::Request, name)
    }

    fn response_headers(&self) -> Result<abi::Headers<'_>, Unavailable> {
        self.proxy.headers(Map::Response)
    }

    fn set_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.proxy.set_header(Map::Response, name, value)
    }

    fn add_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.proxy.add_header(Map::Response, name, value)
    }

    fn remove_response_header(&mut self, name: &str) -> Result<(), Unavailable> {
        self.proxy.remove_header(Map::Response, name)
    }

    fn reply(&self, reply: &LocalReply<'_>, details: &str) -> Result<(), Unavailable> {
        let headers = reply.headers.iter().map(|(name, value)| (*name, &**value));
        self.send(reply.status, headers, &reply.body, details);
        Ok(())
    }

    fn publish(&self, name: &str, value: &[u8]) {
        self.proxy.publish(name, value);
    }

    fn count(&self, counter: u32) {
        self.proxy.increment(counter);
    }

    fn now(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}
