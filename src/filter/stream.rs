//! One request's way.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use super::filter_config::{FINDING, FilterConfig, Record};
use super::proxy::{Headers, Proxy, Unavailable};
use super::received;
use super::response::{ResponseEdits, restore_status};
use policy::headers;
use policy::reply::LocalReply;
use policy::request::{Reader, Request};
use policy::verdict::{Action, Finding, RequestEdit, Verdict};

/// Whether the request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// It goes on.
    Continue,
    /// It has been answered, or must not go on.
    Stop,
}

/// One stream.
#[derive(Debug)]
pub struct Filter {
    config: Arc<FilterConfig>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The request has not come, or its response has been dealt with.
    Idle,
    /// The request went on; its response is to be edited.
    Forwarded(ResponseEdits),
    /// The filter answered. The proxy sends that answer through the response callback too, where it must stay as it is;
    /// or become again what it was, if to a gRPC request it was turned into a 200.
    Replied { status: u16, is_grpc: bool },
}

/// What comes of a request.
enum Decided {
    /// It goes on with these edits. The rest is for its record and its response.
    Forward(Vec<RequestEdit>, Finding, Option<ResponseEdits>),
    /// The filter has answered it.
    Replied,
}

impl Filter {
    /// Begins a stream.
    #[must_use]
    pub fn new(config: Arc<FilterConfig>) -> Self {
        Self {
            config,
            phase: Phase::Idle,
        }
    }

    /// Deals with the request's headers.
    pub fn on_request(&mut self, proxy: &mut impl Proxy) -> Next {
        let config = Arc::clone(&self.config);
        match self.decide(proxy, &config) {
            Err(Unavailable) => self.refuse_unavailable(proxy),
            Ok(Decided::Replied) => Next::Stop,
            // Only now, since nothing is borrowed of the headers any more.
            Ok(Decided::Forward(edits, finding, response)) => {
                if edit_request(proxy, &edits).is_err() {
                    return self.refuse_unavailable(proxy);
                }
                record(proxy, config.record_of(finding));
                self.phase = response.map_or(Phase::Idle, Phase::Forwarded);
                Next::Continue
            }
        }
    }

    fn decide(&mut self, proxy: &impl Proxy, config: &FilterConfig) -> Result<Decided, Unavailable> {
        let headers = proxy.request_headers()?;
        let mut reader = Reader::default();
        let mut has_original = false;
        headers.visit(|name, value| {
            has_original |= received::is_original(name);
            reader.add(name, value);
        })?;
        let is_repeated = reader.is_repeated();
        let head = Request::from(reader.finish());
        if has_original {
            received::publish_target(proxy, &head);
        }
        if is_repeated {
            received::publish_unclear(proxy, &headers, &head);
        }
        let verdict = config.policy.decide(&head);
        config.record_decision(proxy, &verdict, &head);
        let Verdict {
            finding, action, by, ..
        } = verdict;
        match action {
            Action::Reply(reply) => {
                let mut reply = reply.render();
                if config.policy.debug {
                    let finding = finding.to_string().into_bytes();
                    reply.headers.push((headers::X_ORIGIN_GATE, Cow::Owned(finding)));
                }
                let _ = self.reply(proxy, finding, &reply, head.received.is_grpc());
                Ok(Decided::Replied)
            }
            Action::Forward(mut forward) => {
                let edits = std::mem::take(&mut forward.request);
                received::publish_edited(proxy, &headers, &edits);
                let response = ResponseEdits::new(forward, finding, by, config.policy.debug);
                Ok(Decided::Forward(edits, finding, response))
            }
        }
    }

    /// Deals with a response's headers, whoever made the response.
    pub fn on_response(&mut self, proxy: &mut impl Proxy) {
        let done = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Forwarded(edits) => edits.apply(proxy, &self.config),
            Phase::Replied { status, is_grpc: true } => restore_status(proxy, status),
            Phase::Replied { is_grpc: false, .. } | Phase::Idle => Ok(()),
        };
        // A backend's CORS headers that cannot be taken out would let in whom the policy does not.
        if done.is_err() {
            let _ = self.refuse_unavailable(proxy);
        }
    }

    fn refuse_unavailable(&mut self, proxy: &impl Proxy) -> Next {
        let config = Arc::clone(&self.config);
        let verdict = config.policy.refuse_unavailable();
        config.record_decision(proxy, &verdict, &Request::default());
        match verdict.action {
            Action::Reply(reply) => self.reply(proxy, verdict.finding, &reply.render(), false),
            Action::Forward(_) => Next::Stop,
        }
    }

    fn reply(&mut self, proxy: &impl Proxy, finding: Finding, reply: &LocalReply<'_>, is_grpc: bool) -> Next {
        let labels = self.config.record_of(finding);
        record(proxy, labels);
        let details = labels.map_or("origin_gate", |it| &it.details);
        if proxy.reply(reply, details).is_err() {
            log::error!("the proxy refused to send the filter's answer: {finding}; the request is held");
        }
        self.phase = Phase::Replied {
            status: reply.status,
            is_grpc,
        };
        Next::Stop
    }
}

fn edit_request(proxy: &mut impl Proxy, edits: &[RequestEdit]) -> Result<(), Unavailable> {
    edits.iter().try_for_each(|edit| match edit {
        RequestEdit::AddWebSocketKey => proxy.set_request_header(headers::SEC_WEBSOCKET_KEY, &websocket_key()),
        RequestEdit::Remove(name) => proxy.remove_request_header(name),
        RequestEdit::Rewrite(name, value) => proxy.set_request_header(name, value),
        RequestEdit::Set(name, value) => proxy.set_request_header(name, value.as_bytes()),
    })
}

fn record(proxy: &impl Proxy, record: Option<&Record>) {
    let Some(record) = record else { return };
    proxy.publish(FINDING, record.name.as_bytes());
    if let Some(counter) = record.counter {
        proxy.count(counter);
    }
}

/// Sixteen random bytes in base64 (RFC 6455 §4.1, point 7).
fn websocket_key() -> [u8; 24] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = (u128::from(random()) << 64) | u128::from(random());
    let mut key = [b'='; 24];
    for (at, char) in key.iter_mut().take(22).enumerate() {
        // 22 digits of 6 bits are 132: the last digit holds two bits of the number and four zeros.
        let shift = 122_i32 - 6 * i32::try_from(at).unwrap_or_default();
        let digit = if shift >= 0 { bits >> shift } else { bits << -shift };
        let digit = usize::try_from(digit & 63).unwrap_or_default();
        *char = ALPHABET.get(digit).copied().unwrap_or(b'A');
    }
    key
}

/// `RandomState` is keyed from the system's random numbers.
#[inline(never)]
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
