//! The client and the backend of a case.

#![expect(clippy::string_slice, reason = "a test may slice what it asked for")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::PATIENCE;
use crate::support::{Case, Response, Seen};

/// Sends a case as it is written, byte for byte, and reads the answer.
pub(super) fn exchange(address: SocketAddr, case: &Case, id: &str, backend: &Backend) -> Seen {
    backend
        .cases
        .lock()
        .unwrap()
        .insert(id.to_owned(), case.backend.clone().unwrap_or_default());
    let mut request = format!("{} {} HTTP/1.1\r\nx-case: {id}\r\n", case.method, case.target).into_bytes();
    for (name, value) in &case.headers {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request).unwrap();
    let (answer, body) = read_response(&mut stream, case.method != "HEAD").unwrap_or_default();
    let forwarded = backend.seen.lock().unwrap().remove(id);
    Seen {
        answer,
        body,
        forwarded,
        finding: None,
    }
}

pub(super) fn read_response(stream: &mut impl Read, has_body: bool) -> Option<(Response, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        if let Ok(httparse::Status::Complete(length)) = response.parse(&bytes) {
            let status = response.code?;
            let headers: Vec<_> = response
                .headers
                .iter()
                .map(|it| (it.name.to_lowercase(), it.value.to_vec()))
                .collect();
            let mut body = bytes.split_off(length);
            let length = headers
                .iter()
                .find(|(name, _)| name == "content-length")
                .filter(|_| has_body);
            let length = length.map_or(0, |(_, value)| String::from_utf8_lossy(value).parse().unwrap());
            while body.len() < length {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => body.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            return Some((
                Response { status, headers },
                String::from_utf8_lossy(&body).into_owned(),
            ));
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

pub(super) fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    whole
}

pub(super) type Headers = Vec<(String, Vec<u8>)>;

/// Something for each case, by its id.
pub(super) type Shared<T> = Arc<Mutex<HashMap<String, T>>>;

/// An HTTP/1.1 server that answers each request as its case says, and remembers what it was sent.
pub(super) struct Backend {
    pub address: SocketAddr,
    pub cases: Shared<Response>,
    pub seen: Shared<Headers>,
}

impl Backend {
    pub(super) fn start() -> Self {
        let cases = Shared::<Response>::default();
        let seen = Shared::<Headers>::default();
        let (to_answer, to_remember) = (Arc::clone(&cases), Arc::clone(&seen));
        let address = serve(move |stream| answer(stream, &to_answer, &to_remember));
        Self { address, cases, seen }
    }
}

pub(super) fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    address
}

pub(super) fn answer(mut stream: TcpStream, cases: &Shared<Response>, seen: &Shared<Headers>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(length)) = request.parse(&bytes) else {
            continue;
        };
        let is_head = request.method == Some("HEAD");
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|it| (it.name.to_lowercase(), it.value.to_vec()))
            .collect();
        let id = headers
            .iter()
            .find(|(name, _)| name == "x-case")
            .map(|(_, value)| value.clone());
        let id = String::from_utf8(id.unwrap_or_default()).unwrap();
        let response = cases.lock().unwrap().get(&id).cloned().unwrap_or_default();
        seen.lock().unwrap().insert(id, headers);
        bytes.drain(..length);
        let mut text = format!("HTTP/1.1 {} Case\r\n", response.status.max(200)).into_bytes();
        if response.status == 101 {
            text = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        }
        for (name, value) in &response.headers {
            text.extend_from_slice(format!("{name}: ").as_bytes());
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        }
        // A body where there may be none would spoil the connection for the case that is given it next.
        let body: &[u8] = match response.status {
            101 | 204 | 304 => b"\r\n",
            _ if is_head => b"content-length: 2\r\n\r\n",
            _ => b"content-length: 2\r\n\r\nok",
        };
        text.extend_from_slice(body);
        if stream.write_all(&text).is_err() {
            return;
        }
    }
}
