//! Which hosts a request says that it was first sent to: `X-Forwarded-Host`, and `host` in `Forwarded` (RFC 7239).
//!
//! Clients can send both, and frameworks believe them: some the first value, some the last, some that of
//! `X_Forwarded_Host`. So every value counts here, in every line and spelling.

use std::borrow::Cow;

use super::headers::{self, is_tchar, trim};
use super::host::{Authority, Host};
use super::verdict::{Reason, RequestEdit};

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
    pub value: Option<Cow<'a, [u8]>>,
}

impl Unfit<'_> {
    /// Why it is refused.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self.value {
            Some(_) => Reason::HostNotAllowed,
            None => Reason::HostMalformed,
        }
    }
}

impl<'a> Forwarding<'a> {
    /// The first value that is no host, or none that is allowed.
    pub fn unfit(&self, is_allowed: impl Fn(&Host<'_>) -> bool) -> Option<Unfit<'a>> {
        // An empty member may be what a framework picks, so it counts.
        let listed = |line: &'a [u8]| Some(line.split(|&byte| byte == b',').map(trim).map(Cow::Borrowed).collect());
        let named = |line: &'a [u8]| Some(read(line)?.hosts);
        let hosts = self
            .hosts
            .iter()
            .map(|(_, line)| (X_FORWARDED_HOST, *line, listed(line)));
        let forwarded = self.forwarded.iter().map(|(_, line)| (FORWARDED, *line, named(line)));
        hosts.chain(forwarded).find_map(|(header, line, values)| {
            let unfit = |value| Unfit { header, line, value };
            let values: Vec<Cow<'a, [u8]>> = match values {
                Some(values) => values,
                None => return Some(unfit(None)),
            };
            values.into_iter().find_map(|value| match Authority::parse(&value) {
                Ok(authority) if is_allowed(&authority.host) => None,
                Ok(_) => Some(unfit(Some(value))),
                Err(_) => Some(unfit(None)),
            })
        })
    }

    /// The edits after which no reader finds a host here.
    pub(super) fn strip(&self) -> Vec<RequestEdit> {
        let mut edits = removals(&self.hosts);
        let left = self.without_hosts();
        if left == Left::Everything {
            return edits;
        }
        edits.extend(removals(&self.forwarded));
        if let Left::This(value) = left {
            edits.push(RequestEdit::Rewrite(headers::FORWARDED, value));
        }
        edits
    }

    /// `Forwarded` is one list, whose lines backends join: a line that cannot be read spoils the others.
    fn without_hosts(&self) -> Left {
        let lines: Option<Vec<_>> = self.forwarded.iter().map(|(_, line)| read(line)).collect();
        let Some(lines) = lines else { return Left::Nothing };
        if lines.iter().all(|it| it.hosts.is_empty()) {
            return Left::Everything;
        }
        let rests: Vec<_> = lines
            .into_iter()
            .map(|it| it.rest)
            .filter(|it| !it.is_empty())
            .collect();
        match rests.as_slice() {
            [] => Left::Nothing,
            rests => Left::This(rests.join(&b", "[..])),
        }
    }
}

/// What is left of `Forwarded` without its hosts.
#[derive(PartialEq, Eq)]
enum Left {
    Everything,
    Nothing,
    This(Vec<u8>),
}

/// The edits that take lines out. Proxies compare names without regard to case, but no `_` with a `-`.
fn removals(lines: &[Line<'_>]) -> Vec<RequestEdit> {
    let mut edits = Vec::new();
    for (name, _) in lines {
        let edit = RequestEdit::Remove(String::from_utf8_lossy(name).into_owned());
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    edits
}

/// A line of `Forwarded`.
#[derive(Default)]
struct Elements<'a> {
    /// The values of `host`, unescaped.
    hosts: Vec<Cow<'a, [u8]>>,
    /// The other pairs of each element, byte for byte.
    rest: Vec<u8>,
}

/// Reads a line (RFC 7239 §4, with white space around `;` too, which the standard has not and proxies write). `None` if
/// that cannot be done, or if another reader might see a host where there is none.
fn read(mut line: &[u8]) -> Option<Elements<'_>> {
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
    value: Cow<'a, [u8]>,
    text: &'a [u8],
}

impl<'a> Pair<'a> {
    /// Takes a pair off the front.
    fn split(line: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (name, after) = split_token(line)?;
        let after = after.strip_prefix(b"=")?;
        let (value, rest) = match after.strip_prefix(b"\"") {
            Some(quoted) => split_quoted(quoted)?,
            None => split_token(after).map(|(token, rest)| (Cow::Borrowed(token), rest))?,
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
fn split_quoted(line: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let end = line.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (plain, rest) = line.split_at_checked(end)?;
    if let Some(rest) = rest.strip_prefix(b"\"") {
        return Some((Cow::Borrowed(plain), rest));
    }
    let (mut value, mut rest) = (plain.to_vec(), rest);
    loop {
        match rest {
            [b'"', after @ ..] => return Some((Cow::Owned(value), after)),
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

/// Whether `host=` stands anywhere: some frameworks look for no more than that, be it inside quotes (Rack before 3.1
/// splits there) or at the end of a longer name (Spring).
fn seems_to_name_a_host(text: &[u8]) -> bool {
    let is_noise = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\\' | b'"');
    let text: Vec<u8> = text
        .iter()
        .filter(|it| !is_noise(it))
        .map(u8::to_ascii_lowercase)
        .collect();
    text.windows(5).any(|it| it == b"host=")
}
