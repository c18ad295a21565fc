//! A policy that was compiled: its text without the long lists of origins, and these in a form that is looked up in place.
//!
//! It is text, in lines: the format's name and version; the checksum of all that follows; the digest of the policy that it was
//! made of; that policy in JSON, with an entry `@0`, `@1` and so on in the place of a list; and the lists in their order, each
//! as [`ExactOrigins`] has them, with an empty line after it. Nothing in it is a length or an offset.
//!
//! The checksum shows accidents, not who made the file: the policy in it is read as any other is, and every origin is held
//! to what could be listed.

use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::diagnostic_code::DiagnosticCode;
use super::hash;
use super::text::{WHOLE, parse};
use super::value::Value;
use policy::set::{ExactOrigins, MalformedLine};

/// What every version of the format begins with.
pub(crate) const NAME: &[u8] = b"origin-gate compiled ";
/// The version of the format.
pub(crate) const VERSION: &[u8] = b"1";
/// The key of a configuration that is a compiled policy in base64.
pub(crate) const KEY: &str = "compiled";

/// The digits of base64.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A configuration taken apart.
pub(crate) struct Source {
    /// What it says, in the order written.
    pub root: Vec<(String, Value)>,
    /// The lists that entries of it stand for.
    pub lists: Vec<Arc<ExactOrigins>>,
    /// The hash of its bytes.
    pub hash: u64,
    /// The digest of the policy that it was compiled from, if it was.
    pub compiled_from: Option<String>,
}

impl Source {
    /// Reads a policy in any form.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        if bytes.starts_with(NAME) {
            return Self::compiled(bytes);
        }
        let mut root = parse(&bytes)?;
        let is_alone = root.len() == 1;
        match root.iter_mut().find(|(key, _)| key == KEY) {
            None => Ok(Self {
                hash: hash(&bytes),
                root,
                lists: Vec::new(),
                compiled_from: None,
            }),
            Some(_) if !is_alone => Err(Diagnostic::at(KEY, DiagnosticCode::CompiledAlone)),
            Some((_, Value::String(text))) => {
                let text = std::mem::take(text).into_bytes();
                // There is room for one of the two.
                drop(bytes);
                Self::decoded(text)
            }
            Some((_, other)) => Err(Diagnostic::on(KEY, other, DiagnosticCode::TypeString)),
        }
    }

    fn decoded(mut bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        match decode(&mut bytes) {
            Some(()) if bytes.starts_with(NAME) => Self::compiled(bytes),
            _ => Err(Diagnostic::at(KEY, DiagnosticCode::CompiledBroken)),
        }
    }

    fn compiled(bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let text = Arc::new(bytes);
        let refuse = |value: &[u8], code| Diagnostic::on(WHOLE, Value::from(&*String::from_utf8_lossy(value)), code);
        let (mut head, mut starts, mut at) = ([&[][..]; 4], [0; 4], NAME.len());
        for (line, start) in head.iter_mut().zip(&mut starts) {
            *line = policy::text::line(&text, at).unwrap_or_default();
            *start = at;
            at += line.len() + 1;
        }
        let ([version, checksum, digest, json], [_, _, body, _]) = (head, starts);
        if version != VERSION {
            return Err(refuse(version, DiagnosticCode::CompiledVersion));
        }
        let hash = hash(text.get(body..).unwrap_or_default());
        let is_digest = digest.len() == 16 && digest.iter().all(u8::is_ascii_hexdigit);
        if checksum != super::show(hash).as_bytes() || !is_digest {
            return Err(refuse(checksum, DiagnosticCode::CompiledBroken));
        }
        let root = parse(json)?;
        let mut lists = Vec::new();
        while at < text.len() {
            let (list, end) = ExactOrigins::read(&text, at).map_err(|MalformedLine(at)| {
                let line = policy::text::line(&text, at).unwrap_or_default();
                refuse(line, DiagnosticCode::CompiledOrigin)
            })?;
            lists.push(list.into());
            at = end;
        }
        Ok(Self {
            root,
            lists,
            hash,
            compiled_from: Some(String::from_utf8_lossy(digest).into_owned()),
        })
    }
}

/// Decodes base64 (RFC 4648 §4) and leaves nothing else.
fn decode(bytes: &mut Vec<u8>) -> Option<()> {
    let mut values = [u8::MAX; 256];
    for (value, digit) in (0..).zip(DIGITS) {
        *values.get_mut(usize::from(*digit))? = value;
    }
    let padding = bytes.iter().rev().take_while(|&&it| it == b'=').count();
    let (mut bits, mut end, mut invalid) = (0_u32, 0, 0);
    for at in 0..bytes.len() - padding {
        let value = *values.get(usize::from(*bytes.get(at)?))?;
        // A value has six bits.
        invalid |= value & 0xc0;
        bits = bits << 6 | u32::from(value);
        if at % 4 != 0 {
            *bytes.get_mut(end)? = (bits >> (6 - 2 * (at % 4))) as u8;
            end += 1;
        }
    }
    bytes.truncate(end);
    (invalid == 0).then_some(())
}
