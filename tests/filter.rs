//! The corpus through the whole filter, on a proxy made of vectors.

#![expect(clippy::unwrap_used, reason = "a test that does not get what it needs has failed")]

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use origin_gate::config;
use origin_gate::filter::{Filter, Gate, Next, Pairs, Proxy, Unavailable};
use origin_gate::policy::request::RequestHead;
use origin_gate::policy::verdict::{Finding, Reply};
use support::{Case, Envoy, Response, Seen, Suite};

type Headers = Vec<(String, Vec<u8>)>;

/// A proxy with one stream. `broken` names the call that it refuses.
#[derive(Default)]
struct FakeProxy {
    request: RefCell<Headers>,
    response: RefCell<Headers>,
    reply: RefCell<Option<(u16, Headers, String)>>,
    details: RefCell<String>,
    finding: RefCell<Option<String>>,
    counted: RefCell<Vec<u32>>,
    broken: Option<&'static str>,
}

impl FakeProxy {
    fn check(&self, call: &str) -> Result<(), Unavailable> {
        if self.broken == Some(call) {
            Err(Unavailable)
        } else {
            Ok(())
        }
    }
}

fn set(headers: &RefCell<Headers>, name: &str, value: &[u8]) {
    let mut headers = headers.borrow_mut();
    headers.retain(|(it, _)| it != name);
    headers.push((name.to_owned(), value.to_vec()));
}

fn encode(headers: &RefCell<Headers>) -> Pairs {
    let headers = headers.borrow();
    Pairs::new(Pairs::encode(
        headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())),
    ))
}

impl Proxy for FakeProxy {
    fn request_headers(&self) -> Result<Pairs, Unavailable> {
        self.check("request_headers")?;
        Ok(encode(&self.request))
    }

    fn set_request_header(&self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check("set_request_header")?;
        set(&self.request, name, value);
        Ok(())
    }

    fn remove_request_header(&self, name: &str) -> Result<(), Unavailable> {
        self.check("remove_request_header")?;
        self.request.borrow_mut().retain(|(it, _)| it != name);
        Ok(())
    }

    fn response_header(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.check("response_header")?;
        let response = self.response.borrow();
        Ok(response
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.clone()))
    }

    fn response_headers(&self) -> Result<Pairs, Unavailable> {
        self.check("response_headers")?;
        Ok(encode(&self.response))
    }

    fn set_response_header(&self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check("set_response_header")?;
        set(&self.response, name, value);
        Ok(())
    }

    fn add_response_header(&self, name: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check("add_response_header")?;
        self.response.borrow_mut().push((name.to_owned(), value.to_vec()));
        Ok(())
    }

    fn remove_response_header(&self, name: &str) -> Result<(), Unavailable> {
        self.check("remove_response_header")?;
        self.response.borrow_mut().retain(|(it, _)| it != name);
        Ok(())
    }

    fn reply(&self, reply: &Reply<'_>, details: &str) -> Result<(), Unavailable> {
        self.check("reply")?;
        let headers = reply
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
            .collect();
        *self.reply.borrow_mut() = Some((reply.status, headers, reply.body.clone()));
        *self.details.borrow_mut() = details.to_owned();
        Ok(())
    }

    fn publish(&self, finding: &str) {
        *self.finding.borrow_mut() = Some(finding.to_owned());
    }

    fn count(&self, counter: u32) {
        self.counted.borrow_mut().push(counter);
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// The names of the counters, in the order of their numbers.
fn gate(suite: &Suite) -> (Rc<Gate>, Vec<String>) {
    let mut names = Vec::new();
    let gate = Gate::new(suite.load().policy, |name| {
        names.push(name.to_owned());
        u32::try_from(names.len() - 1).ok()
    });
    (Rc::new(gate), names)
}

fn proxy(case: &Case) -> FakeProxy {
    let fields = case
        .fields()
        .into_iter()
        .map(|(name, value)| (String::from_utf8(name).unwrap(), value));
    FakeProxy {
        request: RefCell::new(fields.collect()),
        ..FakeProxy::default()
    }
}

/// Takes a case through request and response, as a proxy would.
fn run(case: &Case, proxy: &FakeProxy, gate: &Rc<Gate>) -> Seen {
    let mut filter = Filter::new(Rc::clone(gate));
    let next = filter.on_request(proxy);
    let forwarded = case
        .backend
        .as_ref()
        .filter(|_| next == Next::Continue)
        .map(|_| proxy.request.borrow().clone());
    // Envoy's way with what claims to be gRPC.
    let is_grpc = case
        .headers
        .iter()
        .any(|(name, value)| name == "content-type" && value == b"application/grpc");
    let made = match (next, &case.backend, case.proxy) {
        (Next::Stop, ..) => {
            let reply = proxy.reply.borrow().clone();
            reply.map(|(status, headers, _)| Response {
                status: if is_grpc { 200 } else { status },
                headers,
            })
        }
        (Next::Continue, Some(response), _) => Some(response.clone()),
        (Next::Continue, None, status) => Some(Response {
            status: status.unwrap_or(200),
            headers: Vec::new(),
        }),
    };
    let made = made.unwrap_or_default();
    *proxy.response.borrow_mut() = made.headers;
    proxy
        .response
        .borrow_mut()
        .push((":status".to_owned(), made.status.to_string().into_bytes()));
    filter.on_response(proxy);
    // A second response callback, as after a second local reply, changes nothing.
    let once = proxy.response.borrow().clone();
    filter.on_response(proxy);
    assert_eq!(
        once,
        *proxy.response.borrow(),
        "{}: the response was edited twice",
        case.name
    );

    let (status, headers): (Vec<_>, Vec<_>) = once.into_iter().partition(|(name, _)| name == ":status");
    let status = std::str::from_utf8(&status.first().unwrap().1)
        .unwrap()
        .parse()
        .unwrap();
    let body = proxy
        .reply
        .borrow()
        .as_ref()
        .map_or_else(String::new, |(_, _, body)| body.clone());
    let forwarded = forwarded.map(|mut headers| {
        for (name, _) in &mut headers {
            if name == ":authority" {
                *name = "host".to_owned();
            }
        }
        headers
    });
    let finding = proxy.finding.borrow().clone();
    // A request that went on although no backend was to be reached must show as a difference.
    let reached = forwarded.or_else(|| (next == Next::Continue && case.proxy.is_none()).then(Vec::new));
    Seen {
        answer: Response { status, headers },
        body,
        forwarded: reached,
        finding,
    }
}

#[test]
fn the_corpus_passes() {
    let mut failures = BTreeMap::new();
    let mut count = 0;
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        let (gate, names) = gate(&suite);
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only) {
            count += 1;
            let proxy = proxy(case);
            let mut differences = case.differences(&run(case, &proxy, &gate));
            if proxy.finding.borrow().is_none() {
                differences.push("nothing was published".to_owned());
            }
            let counted: Vec<_> = proxy
                .counted
                .borrow()
                .iter()
                .map(|&id| names[id as usize].clone())
                .collect();
            if counted != case.counters() {
                differences.push(format!("counted {counted:?}, not {:?}", case.counters()));
            }
            if proxy.reply.borrow().is_some() && *proxy.details.borrow() != case.details() {
                differences.push(format!("details: {}", proxy.details.borrow()));
            }
            if !differences.is_empty() {
                failures.insert(format!("{}: {}", suite.file, case.name), differences);
            }
        }
    }
    assert!(count >= 120, "only {count} cases: is the corpus there?");
    support::report(&failures, count);
}

#[test]
fn the_core_alone_finds_the_same() {
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        let policy = suite.load().policy;
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only) {
            let fields = case.fields();
            let head: RequestHead<'_> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
            assert_eq!(
                policy.decide(&head).finding.to_string(),
                case.finding,
                "{}: {}",
                suite.file,
                case.name
            );
        }
    }
}

#[test]
fn the_corpus_meets_every_finding() {
    let met: Vec<_> = support::corpus()
        .into_iter()
        .flat_map(|it| it.cases)
        .map(|case| case.finding)
        .collect();
    for finding in Finding::all().map(|it| it.to_string()) {
        let is_met = met.contains(&finding) || finding == "hosts:rejected:headers_unavailable";
        assert!(is_met, "no case finds {finding}");
    }
}

fn some_case(file: &str, name: &str) -> (Case, Rc<Gate>) {
    let suite = support::corpus().into_iter().find(|it| it.file == file).unwrap();
    let (gate, _) = gate(&suite);
    (suite.cases.into_iter().find(|it| it.name == name).unwrap(), gate)
}

#[test]
fn a_request_that_cannot_be_read_is_refused() {
    let (case, gate) = some_case("responses", "an allowed origin");
    let proxy = FakeProxy {
        broken: Some("request_headers"),
        ..proxy(&case)
    };
    let seen = run(&case, &proxy, &gate);
    assert_eq!(seen.answer.status, 500);
    assert_eq!(seen.finding.as_deref(), Some("hosts:rejected:headers_unavailable"));
    assert!(seen.forwarded.is_none());
    assert!(seen.body.contains(r#""reason":"headers_unavailable""#), "{}", seen.body);
}

#[test]
fn a_request_that_cannot_be_edited_is_refused() {
    for (file, name, call) in [
        (
            "websocket",
            "X-Forwarded-Proto: wss becomes https",
            "set_request_header",
        ),
        ("forwarded_host_strip", "it is taken out", "remove_request_header"),
    ] {
        let (case, gate) = some_case(file, name);
        let proxy = FakeProxy {
            broken: Some(call),
            ..proxy(&case)
        };
        let seen = run(&case, &proxy, &gate);
        assert_eq!((seen.answer.status, seen.forwarded.is_none()), (500, true), "{name}");
    }
}

#[test]
fn a_response_that_cannot_be_edited_is_replaced() {
    for call in [
        "set_response_header",
        "remove_response_header",
        "response_header",
        "add_response_header",
    ] {
        let (case, gate) = some_case("responses", "an allowed origin");
        let proxy = FakeProxy {
            broken: Some(call),
            ..proxy(&case)
        };
        let _ = run(&case, &proxy, &gate);
        let reply = proxy.reply.borrow();
        assert_eq!(reply.as_ref().map(|(status, ..)| *status), Some(500), "{call}");
        let names: Vec<_> = reply
            .iter()
            .flat_map(|(_, headers, _)| headers)
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(
            !names.iter().any(|name| name.starts_with("access-control-")),
            "{call}: {names:?}"
        );
    }
}

#[test]
fn a_request_that_can_neither_be_answered_nor_go_on_is_held() {
    let (case, gate) = some_case("websocket", "a foreign origin");
    let proxy = FakeProxy {
        broken: Some("reply"),
        ..proxy(&case)
    };
    let mut filter = Filter::new(gate);
    assert_eq!(filter.on_request(&proxy), Next::Stop);
}

#[test]
fn a_proxy_without_counters_gets_the_same_answers() {
    let (case, _) = some_case("websocket", "a foreign origin");
    let policy = config::load(br#"{"allowed_origins": ["https://app.example"]}"#)
        .unwrap()
        .policy;
    let gate = Rc::new(Gate::new(policy, |_| None));
    let proxy = proxy(&case);
    assert_eq!(run(&case, &proxy, &gate).answer.status, 403);
    assert!(proxy.counted.borrow().is_empty());
}

#[test]
fn a_new_websocket_key_is_sixteen_random_bytes() {
    let (case, gate) = some_case("websocket", "a handshake without a key gets one");
    let keys: Vec<_> = (0..100)
        .map(|_| {
            let proxy = proxy(&case);
            run(&case, &proxy, &gate);
            let request = proxy.request.borrow();
            let (_, key) = request.iter().find(|(name, _)| name == "sec-websocket-key").unwrap();
            key.clone()
        })
        .collect();
    for key in &keys {
        // 22 digits, of which the last has four bits to spare, and the padding.
        assert_eq!(key.len(), 24, "{key:?}");
        assert!(
            key[..22]
                .iter()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/')),
            "{key:?}"
        );
        assert!(
            matches!(key[21], b'A' | b'Q' | b'g' | b'w') && key.ends_with(b"=="),
            "{key:?}"
        );
    }
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    for at in 0..21 {
        assert!(
            keys.iter().any(|key| key[at] != keys[0][at]),
            "digit {at} never changes"
        );
    }
}

#[test]
fn header_maps_are_read_as_they_are_written_and_no_other_bytes_panic() {
    let headers: [(&[u8], &[u8]); 3] = [(b":method", b"GET"), (b"origin", b""), (b"x", b"\xff\0\n")];
    let bytes = Pairs::encode(headers.into_iter());
    assert_eq!(
        Pairs::new(bytes.clone()).headers().unwrap().collect::<Vec<_>>(),
        headers
    );
    assert_eq!(Pairs::new(Vec::new()).headers().unwrap().count(), 0);
    assert_eq!(Pairs::new(vec![0; 4]).headers().unwrap().count(), 0);
    for cut in 1..bytes.len() {
        assert!(Pairs::new(bytes[..cut].to_vec()).headers().is_none(), "{cut} bytes");
    }
    for at in 0..bytes.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            let _ = Pairs::new(bytes).headers().map(Iterator::count);
        }
    }
    assert!(Pairs::new(vec![0xff; 64]).headers().is_none());
}
