//! One stream through a filter, on any host: what the host shows it, and what it did.

use filter::REMOVED_GRANTS;

use super::{Case, Response, Seen};

pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// A stream as its host keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stream {
    pub request: Fields,
    pub response: Fields,
    /// The filter's last answer of its own.
    pub reply: Option<LocalReply>,
    /// What was published for the access log.
    pub finding: Option<String>,
    /// What else was: the headers that were edited, as received.
    pub received: Fields,
    /// The counters that were counted up, in order.
    pub counted: Vec<String>,
}

impl Stream {
    /// Keeps that a counter was counted up, unless it depends on what came before this stream.
    pub(crate) fn count(&mut self, counter: &str) {
        if counter != REMOVED_GRANTS {
            self.counted.push(counter.to_owned());
        }
    }

    /// Keeps what the filter shows the access log.
    pub(crate) fn publish(&mut self, name: &[u8], value: &[u8]) {
        if name == b"origin_gate" {
            self.finding = Some(String::from_utf8(value.to_vec()).unwrap());
        } else {
            set(&mut self.received, name, value);
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalReply {
    pub status: u16,
    pub headers: Fields,
    pub body: Vec<u8>,
    pub details: String,
}

/// Where the filter runs. One stream at a time, from one [`Host::begin`] to the next.
pub(crate) trait Host {
    fn begin(&mut self);
    /// Whether the request goes on.
    fn on_request(&mut self, stream: &mut Stream) -> bool;
    fn on_response(&mut self, stream: &mut Stream);
    fn end(&mut self) {}
}

pub(crate) fn set(fields: &mut Fields, name: &[u8], value: &[u8]) {
    remove(fields, name);
    fields.push((name.to_vec(), value.to_vec()));
}

pub(crate) fn remove(fields: &mut Fields, name: &[u8]) {
    fields.retain(|(it, _)| !it.eq_ignore_ascii_case(name));
}

pub(crate) fn first<'a>(fields: &'a Fields, name: &[u8]) -> Option<&'a [u8]> {
    fields.iter().find(|(it, _)| it == name).map(|(_, value)| &value[..])
}

/// Takes a case through request and response, as a proxy would.
pub(crate) fn run(case: &Case, host: &mut impl Host) -> (Stream, Seen) {
    let mut stream = Stream {
        request: case.fields(),
        ..Stream::default()
    };
    host.begin();
    let goes_on = host.on_request(&mut stream);
    let made = match (goes_on, &case.backend, case.proxy) {
        (false, ..) => reply_on_the_wire(&stream),
        (true, Some(response), _) => response.clone(),
        (true, None, status) => Response {
            status: status.unwrap_or(200),
            headers: Vec::new(),
        },
    };
    // A request that went on although no backend was to be reached must show as a difference.
    let reached = goes_on && case.proxy.is_none();
    let forwarded = reached.then(|| forwarded(&stream, case));
    respond(host, &mut stream, made);
    // A second response callback, as after a second local reply, changes nothing.
    let once = stream.response.clone();
    host.on_response(&mut stream);
    assert_eq!(once, stream.response, "{}: the response was edited twice", case.name);
    host.end();

    let status = first(&once, b":status").map(|it| String::from_utf8_lossy(it).parse().unwrap());
    let headers = once.iter().filter(|(name, _)| name != b":status");
    let seen = Seen {
        answer: Response {
            status: status.unwrap_or_default(),
            headers: headers.map(named).collect(),
        },
        body: stream
            .reply
            .as_ref()
            .map_or_else(String::new, |it| String::from_utf8(it.body.clone()).unwrap()),
        forwarded,
        finding: stream.finding.clone(),
    };
    (stream, seen)
}

/// The filter's answer as the response callback sees it, with Envoy's way with what claims to be gRPC.
pub(crate) fn reply_on_the_wire(stream: &Stream) -> Response {
    let Some(reply) = &stream.reply else {
        return Response::default();
    };
    let is_grpc = first(&stream.request, b"content-type") == Some(b"application/grpc");
    Response {
        status: if is_grpc { 200 } else { reply.status },
        headers: reply.headers.iter().map(named).collect(),
    }
}

pub(crate) fn respond(host: &mut impl Host, stream: &mut Stream, response: Response) {
    let status = response.status.to_string().into_bytes();
    let headers = response
        .headers
        .into_iter()
        .map(|(name, value)| (name.into_bytes(), value));
    stream.response = headers.chain([(b":status".to_vec(), status)]).collect();
    host.on_response(stream);
}

fn forwarded(stream: &Stream, case: &Case) -> Vec<(String, Vec<u8>)> {
    let fields = stream.request.iter().filter(|_| case.backend.is_some());
    fields
        .map(|field| match named(field) {
            (name, value) if name == ":authority" => ("host".to_owned(), value),
            other => other,
        })
        .collect()
}

fn named((name, value): &(Vec<u8>, Vec<u8>)) -> (String, Vec<u8>) {
    (String::from_utf8_lossy(name).into_owned(), value.clone())
}

/// What a case says of the stream beside what a client and a backend see.
pub(crate) fn differences(case: &Case, stream: &Stream) -> Vec<String> {
    let mut differences = Vec::new();
    if stream.finding.is_none() {
        differences.push("nothing was published".to_owned());
    }
    if stream.counted != case.counters() {
        differences.push(format!("counted {:?}, not {:?}", stream.counted, case.counters()));
    }
    if let Some(reply) = stream.reply.as_ref().filter(|it| it.details != case.details()) {
        differences.push(format!("details: {}", reply.details));
    }
    differences
}
