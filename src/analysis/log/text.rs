//! Lines of text: Envoy's own format, Istio's, and the combined one of nginx and Apache with `Origin` appended.

use std::borrow::Cow;

use super::line::{LogLine, Logged, Name};

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Option<LogLine<'_>> {
    let (before, rest) = split_at(line, b'"')?;
    let (request, _) = split_at(rest, b'"')?;
    let mut parts = request.split(|it| *it == b' ');
    let (method, path, protocol) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !protocol.starts_with(b"HTTP/") {
        return None;
    }
    let after = rest.get(request.len() + 1..)?;
    let between = after.split(|it| *it == b'"').next().unwrap_or_default();
    let words = between.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
    let mut line = LogLine::default();
    line.set(Name::Status, or_absent(words.clone().next()?));
    line.set(Name::Time, time(before).map_or(Logged::Unlogged, or_absent));
    // A status and a length.
    if words.count() <= 2 {
        line.set(Name::Method, unescaped(method));
        line.set(Name::Path, unescaped(path));
        combined(&mut line, after);
    } else {
        line.set(Name::Method, or_absent(method));
        line.set(Name::Path, or_absent(path));
        envoy(&mut line, after)?;
    }
    Some(line)
}

/// What follows the request in the combined format: who referred, the client's name for itself, then what was appended: the
/// origin, and the host if that is there too.
fn combined<'a>(line: &mut LogLine<'a>, after: &'a [u8]) {
    let mut quoted = escaped_quotes(after).skip(2);
    let mut set = |name| {
        if let Some(value) = quoted.next() {
            line.set(
                name,
                if value == b"-" {
                    Logged::Absent
                } else {
                    unescaped(value)
                },
            );
        }
    };
    set(Name::Origin);
    set(Name::Authority);
}

/// What follows the request in Envoy's own format, or Istio's: the identifier of the request, then the authority. A client
/// writes what stands before these as it likes, quotes too.
fn envoy<'a>(line: &mut LogLine<'a>, after: &'a [u8]) -> Option<()> {
    let quoted: Vec<_> = after.split(|it| *it == b'"').skip(1).step_by(2).collect();
    let is_id = |it: &&[u8]| it.len() == 36 && it.iter().filter(|it| **it == b'-').count() == 4;
    let at = match quoted.iter().rposition(is_id) {
        Some(at) => at + 1,
        None => quoted.len().checked_sub(2)?,
    };
    if let Some(host) = quoted.get(at) {
        line.set(Name::Authority, or_absent(host));
    }
    let words = after.split(|it| it.is_ascii_whitespace() || matches!(it, b'"' | b'='));
    if let Some(finding) = words.rev().find(|it| is_finding(it)) {
        line.set(Name::Finding, or_absent(finding));
    }
    let details = after.windows(DETAILS.len()).position(|it| it == DETAILS);
    let details = details.and_then(|at| after.get(at..)?.split_inclusive(|it| *it == b'}').next());
    if let Some(details) = details {
        line.set(Name::Details, or_absent(details));
    }
    Some(())
}

/// How the details of the filter's own answers begin.
const DETAILS: &[u8] = b"origin_gate{";

fn is_finding(word: &[u8]) -> bool {
    let mut parts = word.split(|it| *it == b':');
    let is_word = |it: &[u8]| !it.is_empty() && it.iter().all(|it| it.is_ascii_lowercase() || *it == b'_');
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(b"hosts" | b"websocket" | b"csrf" | b"cors"), Some(outcome), Some(reason), None)
            if is_word(outcome) && is_word(reason)
    )
}

/// Between brackets, in front of the request.
fn time(before: &[u8]) -> Option<&[u8]> {
    let open = before.iter().rposition(|it| *it == b'[')?;
    split_at(before.get(open + 1..)?, b']').map(|(time, _)| time)
}

fn or_absent(value: &[u8]) -> Logged<'_> {
    match value {
        b"" | b"-" => Logged::Absent,
        value => Logged::Value(Cow::Borrowed(value)),
    }
}

fn split_at(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|it| *it == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands in quotes, in which a backslash escapes the next byte.
fn escaped_quotes(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_escaped = false;
    text.split(move |it| {
        let is_quote = *it == b'"' && !is_escaped;
        is_escaped = *it == b'\\' && !is_escaped;
        is_quote
    })
    .skip(1)
    .step_by(2)
}

/// nginx writes `\x22` for a quote, and so what is not ASCII; Apache `\"` too.
fn unescaped(value: &[u8]) -> Logged<'_> {
    if !value.contains(&b'\\') {
        return or_absent(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        rest = match rest {
            [] => return Logged::Value(Cow::Owned(bytes)),
            [b'\\', b'x', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push(hex(*high).unwrap_or_default() << 4 | hex(*low).unwrap_or_default());
                after
            }
            [b'\\', byte @ (b'"' | b'\\'), after @ ..] | [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}
