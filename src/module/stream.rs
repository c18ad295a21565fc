//! A stream.

use std::time::Duration;

use super::abi::{self, Map};
use super::counters;
use super::proxy_log;
use super::ticks;
use filter::{Filter, Next, Pairs, Proxy, Unavailable};
use policy::reply::LocalReply;

/// One HTTP stream. Without a policy nothing passes: the proxy should not have sent it here.
pub(super) struct Stream {
    pub(super) filter: Option<Filter>,
    /// The plugin configuration that waits for a stream to be served.
    pub(super) first_of: Option<u32>,
}

impl Stream {
    /// Whether the request goes on.
    pub(super) fn on_request(&mut self) -> bool {
        let filter = self.filter.as_mut();
        filter.is_some_and(|filter| matches!(filter.on_request(&mut Envoy), Next::Continue))
    }

    pub(super) fn on_response(&mut self) {
        if let Some(filter) = self.filter.as_mut() {
            filter.on_response(&mut Envoy);
        }
    }
}

/// The proxy behind the ABI, at the stream whose callback runs.
struct Envoy;

impl Proxy for Envoy {
    type Headers<'a> = Pairs;

    fn request_headers(&self) -> Result<Pairs, Unavailable> {
        abi::headers(Map::Request)
    }

    fn set_request_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        abi::set_header(Map::Request, name, value)
    }

    fn remove_request_header(&mut self, name: &str) -> Result<(), Unavailable> {
        abi::remove_header(Map::Request, name)
    }

    fn response_headers(&self) -> Result<Pairs, Unavailable> {
        abi::headers(Map::Response)
    }

    fn set_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        abi::set_header(Map::Response, name, value)
    }

    fn add_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        abi::add_header(Map::Response, name, value)
    }

    fn remove_response_header(&mut self, name: &str) -> Result<(), Unavailable> {
        abi::remove_header(Map::Response, name)
    }

    fn reply(&self, reply: &LocalReply<'_>, details: &str) -> Result<(), Unavailable> {
        let headers = reply.headers.iter().map(|(name, value)| (name.as_bytes(), &**value));
        abi::send_local_response(reply.status, details, &Pairs::encode(headers), &reply.body)
    }

    fn publish(&self, name: &str, value: &[u8]) {
        abi::set_property(name, value);
    }

    fn count(&self, counter: u32) {
        counters::count(counter);
    }

    fn now(&self) -> Duration {
        ticks::now()
    }

    fn debug(&self, line: &[&[u8]]) {
        proxy_log::debug(line);
    }
}
