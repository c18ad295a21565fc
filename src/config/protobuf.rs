//! A `google.protobuf.Struct`, as Envoy hands over plain YAML: the serialized message itself.
//!
//! Field numbers are those of `google/protobuf/struct.proto`; the encoding is Protocol Buffers' wire format.

use std::error::Error;
use std::fmt;

use super::value::Value;

/// As deep as JSON may nest, too: nothing that a policy says is deeper than a few levels.
const MAX_DEPTH: u32 = 100;

/// Why the bytes are no `Struct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Not the wire format, or not these messages.
    Message,
    /// A string is not UTF-8.
    String,
    /// Deeper than any policy.
    TooDeep,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "not a `google.protobuf.Struct`",
            Self::String => "a string is not UTF-8",
            Self::TooDeep => "nested too deep",
        })
    }
}

impl Error for Malformed {}

/// Reads a `Struct` into what the same JSON would be.
pub(crate) fn parse_struct(bytes: &[u8]) -> Result<Vec<(String, Value)>, Malformed> {
    read_struct(bytes, 0)
}

/// `Struct { map<string, Value> fields = 1; }`; a map is a repeated message of key and value.
fn read_struct(mut bytes: &[u8], depth: u32) -> Result<Vec<(String, Value)>, Malformed> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (
            WireField {
                number: 1,
                value: Wire::Bytes(entry),
            },
            rest,
        ) = read_field(bytes)?
        else {
            return Err(Malformed::Message);
        };
        bytes = rest;
        entries.push(read_entry(entry, depth)?);
    }
    Ok(entries)
}

/// `{ string key = 1; Value value = 2; }`; either may be left out where it is empty.
fn read_entry(mut bytes: &[u8], depth: u32) -> Result<(String, Value), Malformed> {
    let (mut key, mut value) = (String::new(), Value::Null);
    while !bytes.is_empty() {
        let (field, rest) = read_field(bytes)?;
        bytes = rest;
        match field {
            WireField {
                number: 1,
                value: Wire::Bytes(text),
            } => key = read_string(text)?,
            WireField {
                number: 2,
                value: Wire::Bytes(message),
            } => value = read_value(message, depth + 1)?,
            _ => return Err(Malformed::Message),
        }
    }
    Ok((key, value))
}

/// `Value`, a choice of which the last one written counts.
fn read_value(mut bytes: &[u8], depth: u32) -> Result<Value, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::TooDeep);
    }
    let mut value = Value::Null;
    while !bytes.is_empty() {
        let (field, rest) = read_field(bytes)?;
        bytes = rest;
        value = match field {
            WireField {
                number: 1,
                value: Wire::Varint(_),
            } => Value::Null,
            WireField {
                number: 2,
                value: Wire::Fixed64(bits),
            } => Value::Number(f64::from_bits(bits)),
            WireField {
                number: 3,
                value: Wire::Bytes(text),
            } => Value::String(read_string(text)?),
            WireField {
                number: 4,
                value: Wire::Varint(number),
            } => Value::Bool(number != 0),
            WireField {
                number: 5,
                value: Wire::Bytes(message),
            } => Value::Object(read_struct(message, depth)?),
            WireField {
                number: 6,
                value: Wire::Bytes(message),
            } => Value::List(read_list(message, depth)?),
            _ => return Err(Malformed::Message),
        };
    }
    Ok(value)
}

/// `ListValue { repeated Value values = 1; }`.
fn read_list(mut bytes: &[u8], depth: u32) -> Result<Vec<Value>, Malformed> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (
            WireField {
                number: 1,
                value: Wire::Bytes(item),
            },
            rest,
        ) = read_field(bytes)?
        else {
            return Err(Malformed::Message);
        };
        bytes = rest;
        items.push(read_value(item, depth + 1)?);
    }
    Ok(items)
}

fn read_string(bytes: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Malformed::String)
}

struct WireField<'a> {
    number: u64,
    value: Wire<'a>,
}

enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

fn read_field(bytes: &[u8]) -> Result<(WireField<'_>, &[u8]), Malformed> {
    let (tag, rest) = read_varint(bytes)?;
    let (value, rest) = match tag & 7 {
        0 => {
            let (number, rest) = read_varint(rest)?;
            (Wire::Varint(number), rest)
        }
        1 => {
            let (bits, rest) = rest.split_first_chunk().ok_or(Malformed::Message)?;
            (Wire::Fixed64(u64::from_le_bytes(*bits)), rest)
        }
        2 => {
            let (length, rest) = read_varint(rest)?;
            let length = usize::try_from(length).map_err(|_| Malformed::Message)?;
            let (bytes, rest) = rest.split_at_checked(length).ok_or(Malformed::Message)?;
            (Wire::Bytes(bytes), rest)
        }
        _ => return Err(Malformed::Message),
    };
    Ok((
        WireField {
            number: tag >> 3,
            value,
        },
        rest,
    ))
}

/// Seven bits a byte, the lowest first; ten bytes at most.
fn read_varint(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let (_, rest) = bytes.split_at_checked(at + 1).ok_or(Malformed::Message)?;
            return Ok((number, rest));
        }
    }
    Err(Malformed::Message)
}
