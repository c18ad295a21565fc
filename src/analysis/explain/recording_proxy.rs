//! A proxy that only records what the filter does to it.

use std::cell::RefCell;
use std::time::Duration;

use super::{Exchange, Line};
use filter::{FINDING, Pairs, Proxy, Unavailable};
use policy::headers;
use policy::reply::LocalReply;

/// A request and its response, on their way through the filter.
pub(super) struct RecordingProxy(RefCell<Recording>);

/// What became of both.
pub(super) struct Recording {
    /// The request's fields.
    pub request: Vec<Line>,
    /// The edits to it, in words.
    pub edits: Vec<String>,
    /// The response's fields.
    pub response: Vec<Line>,
    /// The body of the filter's own answer.
    pub body: String,
    /// The finding as the access log has it.
    pub finding: String,
}

impl RecordingProxy {
    pub(super) fn new(exchange: &Exchange) -> Self {
        Self(RefCell::new(Recording {
            request: exchange.request.clone(),
            edits: Vec::new(),
            response: exchange.response.clone(),
            body: String::new(),
            finding: String::new(),
        }))
    }

    pub(super) fn into_recording(self) -> Recording {
        self.0.into_inner()
    }
}

impl Proxy for RecordingProxy {
    type Headers<'a> = Pairs;

    fn request_headers(&self) -> Result<Pairs, Unavailable> {
        Ok(encode(&self.0.borrow().request))
    }

    fn set_request_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        let mut recording = self.0.borrow_mut();
        let word = match recording.request.iter().any(|(it, _)| it == name) {
            true => "replace",
            false => "add",
        };
        let shown = match name {
            headers::SEC_WEBSOCKET_KEY => "(16 random bytes)".to_owned(),
            _ => value.escape_ascii().to_string(),
        };
        recording.edits.push(format!("{word} {name}: {shown}"));
        set(&mut recording.request, name, value);
        Ok(())
    }

    fn remove_request_header(&mut self, name: &str) -> Result<(), Unavailable> {
        let mut recording = self.0.borrow_mut();
        recording.edits.push(format!("remove {name}"));
        recording.request.retain(|(it, _)| it != name);
        Ok(())
    }

    fn response_headers(&self) -> Result<Pairs, Unavailable> {
        Ok(encode(&self.0.borrow().response))
    }

    fn set_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        set(&mut self.0.borrow_mut().response, name, value);
        Ok(())
    }

    fn add_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.0.borrow_mut().response.push((name.to_owned(), value.to_vec()));
        Ok(())
    }

    fn remove_response_header(&mut self, name: &str) -> Result<(), Unavailable> {
        self.0.borrow_mut().response.retain(|(it, _)| it != name);
        Ok(())
    }

    fn reply(&self, reply: &LocalReply<'_>, _details: &str) -> Result<(), Unavailable> {
        let mut recording = self.0.borrow_mut();
        let headers = reply
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()));
        let status = (":status".to_owned(), reply.status.to_string().into_bytes());
        recording.response = std::iter::once(status).chain(headers).collect();
        recording.body.clone_from(&reply.body);
        Ok(())
    }

    fn publish(&self, name: &str, value: &[u8]) {
        if name == FINDING {
            self.0.borrow_mut().finding = String::from_utf8_lossy(value).into_owned();
        }
    }

    fn count(&self, _counter: u32) {}

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

fn encode(lines: &[Line]) -> Pairs {
    let lines = lines.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
    Pairs::new(Pairs::encode(lines))
}

fn set(lines: &mut Vec<Line>, name: &str, value: &[u8]) {
    let at = lines.iter().position(|(it, _)| it == name).unwrap_or(lines.len());
    lines.retain(|(it, _)| it != name);
    lines.insert(at.min(lines.len()), (name.to_owned(), value.to_vec()));
}
