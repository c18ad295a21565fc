//! Which hosts a request says that it was first sent to: `X-Forwarded-Host`, and `host` in `Forwarded` (RFC 7239).
//!
//! Clients can send both, and frameworks believe them: some the first value, some the last, some that of
//! `X_Forwarded_Host`. So every value counts here, in every line and spelling.

use super::edits::RequestEdit;
use super::finding::Deny;
use super::headers::{self, is_tchar, trim};
use super::host::{Authority, Host};

/// `Forwarded`, as people write it.
pub const FORWARDED: &str = "Forwarded";
/// `X-Forwarded-Host`, as people write it.
pub const X_FORWARDED_HOST: &str = "X-Forwarded-Host";

/// The lines of these headers, each with its name as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding<'a> {
    /// `X-Forwarded-Host`.
    pub hosts: Vec<Line<'a>>,
    /// `Forwarded`.
    pub forwarded: Vec<Line<'a>>,
}

/// The name of a header in any spelling, and a value.
pub type Line<'a> = (&'a [u8], &'a [u8]);

/// A value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit<'a> {
    /// [`FORWARDED`] or [`X_FORWARDED_HOST`].
    pub header: &'static str,
    /// The whole line.
    pub line: &'a [u8],
    /// The host and port in it; `None` if the line cannot be read.
    pub value: Option<Vec<u8>>,
}

impl Unfit<'_> {
    /// Why it is refused.
    #[must_use]
    pub fn reason(&self) -> Deny {
        match self.value {
            Some(_) => Deny::HostNotAllowed,
            None => Deny::HostMalformed,
        }
    }
}

impl<'a> Forwarding<'a> {
    /// The first value that is no host, or none that is allowed.
    pub fn unfit(&self, is_allowed: impl Fn(&Host<'_>) -> bool) -> Option<Unfit<'a>> {
        let judge = |header, line, value: &[u8]| {
            let value = match Authority::parse(value) {
                Ok(authority) if is_allowed(&authority.host) => return None,
                Ok(_) => Some(value.to_vec()),
                Err(_) => None,
            };
            Some(Unfit { header, line, value })
        };
        for &(_, line) in &self.hosts {
            // An empty member may be what a framework picks, so it counts.
            for member in line.split(|&byte| byte == b',') {
                if let Some(unfit) = judge(X_FORWARDED_HOST, line, trim(member)) {
                    return Some(unfit);
                }
            }
        }
        for &(_, line) in &self.forwarded {
            // An element that cannot be read names no valid host.
            let hosts = read(line).map_or_else(|| vec![Vec::new()], |it| it.hosts);
            for host in &hosts {
                if let Some(unfit) = judge(FORWARDED, line, host) {
                    return Some(unfit);
                }
            }
        }
        None
    }

    /// The edits after which no reader finds a host here.
    pub(super) fn strip(&self) -> Vec<RequestEdit> {
        let mut edits = Vec::new();
        remove(&self.hosts, &mut edits);
        match self.without_hosts() {
            Some(rest) if rest.hosts.is_empty() => {}
            rest => {
                remove(&self.forwarded, &mut edits);
                if let Some(rest) = rest.map(|it| it.rest).filter(|it| !it.is_empty()) {
                    edits.push(RequestEdit::Rewrite(headers::FORWARDED, rest));
                }
            }
        }
        edits
    }

    /// `Forwarded` is one list, whose lines backends join: a line that cannot be read spoils the others.
    fn without_hosts(&self) -> Option<Elements> {
        let mut all = Elements::default();
        for (_, line) in &self.forwarded {
            let mut elements = read(line)?;
            all.hosts.append(&mut elements.hosts);
            if !all.rest.is_empty() && !elements.rest.is_empty() {
                all.rest.extend_from_slice(b", ");
            }
            all.rest.append(&mut elements.rest);
        }
        Some(all)
    }
}

/// Adds the edits that take lines out. Proxies compare names without regard to case, but no `_` with a `-`.
fn remove(lines: &[Line<'_>], edits: &mut Vec<RequestEdit>) {
    for (at, (name, _)) in lines.iter().enumerate() {
        if !lines.iter().take(at).any(|(it, _)| it == name) {
            edits.push(RequestEdit::Remove(String::from_utf8_lossy(name).into_owned()));
        }
    }
}

/// What is in a line of `Forwarded`, or in all.
#[derive(Default)]
struct Elements {
    /// The values of `host`, unescaped.
    hosts: Vec<Vec<u8>>,
    /// The other pairs of each element, byte for byte.
    rest: Vec<u8>,
}

/// Reads a line (RFC 7239 §4, with white space around `;` too, which the standard has not and proxies write). `None` if
/// that cannot be done, or if another reader might see a host where there is none.
fn read(mut line: &[u8]) -> Option<Elements> {
    if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return None;
    }
    let mut elements = Elements::default();
    let mut separator = &b""[..];
    loop {
        line = trim(line);
        match line {
            [] => break,
            [b',', rest @ ..] => {
                separator = if elements.rest.is_empty() { b"" } else { b", " };
                line = rest;
                continue;
            }
            [b';', rest @ ..] => {
                line = rest;
                continue;
            }
            _ => {}
        }
        let (pair, rest) = Pair::split(line)?;
        line = trim(rest);
        if !matches!(line, [] | [b',' | b';', ..]) {
            return None;
        }
        if pair.name.eq_ignore_ascii_case(b"host") {
            elements.hosts.push(pair.value);
        } else {
            elements.rest.extend_from_slice(separator);
            elements.rest.extend_from_slice(pair.text);
            separator = b";";
        }
    }
    (!seems_to_name_a_host(&elements.rest)).then_some(elements)
}

/// `name=value`.
struct Pair<'a> {
    name: &'a [u8],
    value: Vec<u8>,
    text: &'a [u8],
}

impl<'a> Pair<'a> {
    /// Takes a pair off the front.
    fn split(line: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (name, after) = split_token(line)?;
        let after = after.strip_prefix(b"=")?;
        let (value, rest) = match after.strip_prefix(b"\"") {
            Some(quoted) => split_quoted(quoted)?,
            None => split_token(after).map(|(token, rest)| (token.to_vec(), rest))?,
        };
        let text = line.get(..line.len() - rest.len())?;
        Some((Self { name, value, text }, rest))
    }
}

fn split_token(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| !is_tchar(byte)).unwrap_or(line.len());
    line.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

/// The rest of a quoted string (RFC 9110 §5.6.4), unescaped, and what comes after it.
fn split_quoted(mut line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    loop {
        match line {
            [b'"', rest @ ..] => return Some((value, rest)),
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                value.push(*byte);
                line = rest;
            }
            [] => return None,
        }
    }
}

/// Whether `host=` stands anywhere: some frameworks look for no more than that, be it inside quotes (Hypercorn splits
/// there) or at the end of a longer name (Spring).
fn seems_to_name_a_host(text: &[u8]) -> bool {
    let is_noise = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\\' | b'"');
    let text: Vec<u8> = text
        .iter()
        .filter(|it| !is_noise(it))
        .map(u8::to_ascii_lowercase)
        .collect();
    text.windows(5).any(|it| it == b"host=")
}
