//! A request in a line.

use policy::headers::is_token;
use url::Url;

use crate::evidence::asked_by;
use crate::explain::{Exchange, Line};

const FORM: &str = "write `METHOD URL`, then `from ORIGIN`, `for METHOD`, `with NAME`, or a header between quotes";

/// Reads `GET https://api.example/ from https://app.example`.
pub(super) fn parse(text: &str) -> Result<Exchange, String> {
    let words = shlex::split(text).ok_or_else(|| format!("`{text}`: a quote is open; {FORM}"))?;
    let [method, url, rest @ ..] = words.as_slice() else {
        return Err(format!("`{text}`: {FORM}"));
    };
    if !is_token(method.as_bytes()) {
        return Err(format!("`{method}` is no method; {FORM}"));
    }
    let target = Target::parse(url)?;
    let mut request = vec![
        line(":method", method),
        line(":path", &target.path),
        line(":scheme", target.scheme),
        line(":authority", target.host),
    ];
    if target.is_socket {
        request.extend([line("connection", "Upgrade"), line("upgrade", "websocket")]);
        request.extend([
            line("sec-websocket-version", "13"),
            line("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);
    }
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("nothing follows `{word}`; {FORM}"));
        request.push(match word.as_str() {
            "from" => line("origin", value()?),
            "for" => line("access-control-request-method", value()?),
            "with" => line("access-control-request-headers", value()?),
            header => self::header(header)?,
        });
    }
    Ok(Exchange {
        request,
        response: status(if target.is_socket { 101 } else { 200 }),
    })
}

/// What a URL asks for, as it is written: how a path is read may be what a case is about.
struct Target<'a> {
    scheme: &'static str,
    is_socket: bool,
    host: &'a str,
    path: String,
}

impl<'a> Target<'a> {
    fn parse(url: &'a str) -> Result<Self, String> {
        let parsed = Url::parse(url).map_err(|error| format!("`{url}`: {error}; write the whole URL"))?;
        let other = parsed.scheme();
        let (scheme, is_socket) = asked_by(other)
            .ok_or_else(|| format!("`{url}`: `{other}` is not asked for by pages; write http, https, ws or wss"))?;
        let after = url.split_once("://").map_or("", |(_, after)| after);
        let (host, path) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            scheme,
            is_socket,
            host,
            path: format!("{slash}{path}"),
        })
    }
}

/// Reads a request's lines: `GET /path`, then its headers.
pub(super) fn of_lines(lines: &[String]) -> Result<Exchange, String> {
    let Some((first, headers)) = lines.split_first() else {
        return Err("there is no line: begin with `GET /path`".to_owned());
    };
    let target = first.split_once(' ').filter(|(method, _)| is_token(method.as_bytes()));
    let (method, path) = target.ok_or_else(|| format!("`{first}`: begin with `GET /path`"))?;
    let mut request = vec![line(":method", method), line(":path", path), line(":scheme", "http")];
    for text in headers {
        let (name, value) = header(text)?;
        let name = if name == "host" { ":authority".to_owned() } else { name };
        request.push((name, value));
    }
    Ok(Exchange {
        request,
        response: status(200),
    })
}

/// Reads a response's lines: its status, then its headers.
pub(super) fn response(lines: &[String]) -> Result<Vec<Line>, String> {
    let Some((first, headers)) = lines.split_first() else {
        return Err("there is no line: begin with the status".to_owned());
    };
    let code = first.parse::<u16>().ok().filter(|it| (100..600).contains(it));
    let code = code.ok_or_else(|| format!("`{first}` is no status: write a number such as `200`"))?;
    let headers = headers.iter().map(|it| header(it));
    status(code).into_iter().map(Ok).chain(headers).collect()
}

pub(super) fn header(text: &str) -> Result<Line, String> {
    let (name, value) = text
        .split_once(':')
        .filter(|(name, _)| is_token(name.trim_end().as_bytes()))
        .ok_or_else(|| format!("`{text}`: write `Name: value`"))?;
    Ok((
        name.to_ascii_lowercase(),
        bytes(value.strip_prefix(' ').unwrap_or(value)),
    ))
}

/// A character up to U+00FF is the byte of its number, as HTTP libraries have it.
fn bytes(text: &str) -> Vec<u8> {
    let byte = |char: char| u8::try_from(u32::from(char)).ok();
    text.chars()
        .map(byte)
        .collect::<Option<_>>()
        .unwrap_or_else(|| text.as_bytes().to_vec())
}

fn status(code: u16) -> Vec<Line> {
    vec![line(":status", &code.to_string())]
}

fn line(name: &str, value: &str) -> Line {
    (name.to_owned(), bytes(value))
}
