//! The corpus, changed at random: whatever comes, the twin does what the filter does in this process, to the byte.

use super::host::Dynamic;
use crate::support::fake::Native;
use crate::support::stream::{Fields, Host, Stream, first, respond};
use crate::support::{self, Response};
use crate::traffic::Traffic;
use policy::headers;
use policy::read_header::ReadHeader;

/// `ORIGIN_GATE_REQUESTS`, or what fits into the time that a contributor has.
fn requests() -> u64 {
    let named = std::env::var("ORIGIN_GATE_REQUESTS").ok();
    let few = if cfg!(miri) { 20 } else { 5_000 };
    named.map_or(few, |it| it.parse().expect("ORIGIN_GATE_REQUESTS is a number"))
}

#[test]
fn no_request_is_decided_otherwise() {
    let _one = super::one_at_a_time();
    let suites: Vec<_> = support::corpus()
        .into_iter()
        .filter(|it| it.environment.is_empty())
        .collect();
    let mut traffic = Traffic::new(1, &suites);
    let hosts = suites
        .iter()
        .map(|it| (Dynamic::new(it.policy.as_bytes()).unwrap(), Native::new(it.load())));
    let mut hosts: Vec<_> = hosts.collect();
    for number in 0..requests() {
        let at = traffic.chance.at(hosts.len());
        let (twin, native) = &mut hosts[at];
        let mut request = traffic.request();
        // It is for the tests of panics.
        request.retain(|(name, _)| name != b"x-panic");
        let response = traffic.response();
        let (ours, theirs) = (through(twin, &request, &response), through(native, &request, &response));
        assert_eq!(ours, theirs, "{number}, policy {}: {request:?}", suites[at].file);
    }
}

/// A request and its response through a filter.
fn through(host: &mut impl Host, request: &Fields, response: &Fields) -> Stream {
    let mut stream = Stream {
        request: request.clone(),
        ..Stream::default()
    };
    host.begin();
    if host.on_request(&mut stream) {
        stream.response = response.clone();
        host.on_response(&mut stream);
    } else if let Some(reply) = stream.reply.clone() {
        let headers = reply.headers.iter();
        let made = Response {
            status: reply.status,
            headers: headers
                .map(|(name, value)| (String::from_utf8(name.clone()).unwrap(), value.clone()))
                .collect(),
        };
        respond(host, &mut stream, made);
    }
    host.end();
    level(request, &mut stream);
    stream
}

/// What may differ becomes the same: the random key of a WebSocket; and of an answer to gRPC what Envoy does with it, which
/// only the corpus on a real one can say.
fn level(request: &Fields, stream: &mut Stream) {
    const KEY: &[u8] = b"sec-websocket-key";
    let is_new = first(&stream.request, KEY) != first(request, KEY);
    for (_, value) in stream.request.iter_mut().filter(|(name, _)| is_new && name == KEY) {
        assert!(value.len() == 24 && value.ends_with(b"=="), "{}", value.escape_ascii());
        *value = b"new".to_vec();
    }
    let kinds = || {
        request
            .iter()
            .filter(|(name, _)| ReadHeader::meant_by(name).is_some_and(|(it, _)| it == ReadHeader::ContentType))
    };
    // Where the policy reads no single value, it takes the request for one.
    let is_one = |(name, value): &(Vec<u8>, Vec<u8>)| {
        name != headers::CONTENT_TYPE.as_bytes() || value.starts_with(b"application/grpc")
    };
    let is_grpc = kinds().count() > 1 || kinds().any(is_one);
    if let Some(reply) = stream.reply.as_mut()
        && is_grpc
    {
        reply.details.clear();
        reply.body.clear();
        reply.headers.retain(|(name, _)| name != b"content-length");
        stream.response.clear();
    }
}
