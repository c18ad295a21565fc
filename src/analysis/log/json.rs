//! A line of JSON: as everything in `envoy/` writes it, or with the names that others give the same fields.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::line::{LogLine, Logged, Name};

/// Reads a line. A collector may have put words of its own in front.
pub(super) fn read(line: &[u8]) -> Option<LogLine<'_>> {
    let start = line.iter().position(|it| matches!(it, b'{' | b'"'))?;
    let text = line.get(start..).filter(|it| it.starts_with(b"{"))?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let line = Deserializer::deserialize_map(&mut json, LineVisitor).ok()?;
    json.end().ok()?;
    Some(line)
}

/// How sure it is that a key means a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// It is the name that `envoy/` gives it.
    Own(Name),
    /// What the filter received, in place of that.
    Received(Name),
    /// Others call it so.
    Other(Name),
    /// The first line of the request, as nginx logs it.
    RequestLine,
    /// It is nothing that is read.
    Unread,
}

impl Key {
    fn of(key: &str) -> Self {
        if key.bytes().any(|it| it == b'-' || it.is_ascii_uppercase()) {
            return Self::of_plain(&key.to_ascii_lowercase().replace('-', "_"));
        }
        Self::of_plain(key)
    }

    fn of_plain(key: &str) -> Self {
        if let Some(name) = key.strip_prefix("received_").and_then(own) {
            return Self::Received(name);
        }
        let header = |it: &str| own(it).filter(|name| name.field().is_some_and(|it| !it.starts_with(':')));
        match own(key) {
            Some(name) => Self::Own(name),
            None => match key {
                "request" => Self::RequestLine,
                "request_method" => Self::Other(Name::Method),
                "host" | "http_host" => Self::Other(Name::Authority),
                "request_uri" | "uri" => Self::Other(Name::Path),
                "response_code" => Self::Other(Name::Status),
                "@timestamp" | "time" | "time_iso8601" | "time_local" | "timestamp" => Self::Other(Name::Time),
                "sent_http_access_control_allow_origin" => Self::Other(Name::AllowOrigin),
                _ => key
                    .strip_prefix("http_")
                    .and_then(header)
                    .map_or(Self::Unread, Self::Other),
            },
        }
    }
}

fn own(key: &str) -> Option<Name> {
    Name::ALL.into_iter().find(|name| name.key() == key)
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = LogLine<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<LogLine<'de>, A::Error> {
        let mut line = LogLine::sparse();
        let mut is_shipped = false;
        while let Some(key) = fields.next_key_seed(KeySeed)? {
            if key == Key::Unread {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let Text(value) = fields.next_value()?;
            match key {
                Key::Own(name) => {
                    is_shipped |= matches!(name, Name::Finding | Name::Details);
                    if !line.is_received(name) {
                        line.set(name, value);
                    }
                }
                Key::Received(name) => line.set_received(name, value),
                Key::Other(name) if line.value(name).is_none() => line.set(name, value),
                Key::RequestLine => set_request_line(&mut line, value),
                Key::Other(_) | Key::Unread => {}
            }
        }
        finish(&mut line, is_shipped);
        Ok(line)
    }
}

/// The log of `envoy/` leaves out what is absent, and nothing else; others write `-` or nothing.
fn finish(line: &mut LogLine<'_>, is_shipped: bool) {
    if is_shipped {
        line.complete(!(Name::Finding.bit() | Name::AllowOrigin.bit()));
        return;
    }
    for name in Name::ALL {
        if matches!(line.value(name), Some(b"" | b"-")) {
            line.set(name, Logged::Absent);
        }
    }
}

fn set_request_line<'a>(line: &mut LogLine<'a>, value: Logged<'a>) {
    let Logged::Value(value) = value else { return };
    let parts: Vec<_> = value.split(|it| *it == b' ').collect();
    let [method, path, protocol] = *parts else { return };
    if protocol.starts_with(b"HTTP/") {
        line.set(Name::Method, Logged::Value(Cow::Owned(method.to_vec())));
        line.set(Name::Path, Logged::Value(Cow::Owned(path.to_vec())));
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key::of(key))
    }
}

/// A value, in the bytes that were received.
struct Text<'a>(Logged<'a>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Logged<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Logged::Value(Cow::Borrowed(text.as_bytes())))
    }

    /// There are escapes in it. Envoy writes each byte that is not ASCII as one.
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let bytes: Option<Vec<u8>> = text.chars().map(|it| u8::try_from(it).ok()).collect();
        Ok(Logged::Value(Cow::Owned(
            bytes.unwrap_or_else(|| text.as_bytes().to_vec()),
        )))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(owned(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(owned(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(owned(number.to_string()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(owned(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Logged::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Logged::Unlogged)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Logged::Unlogged)
    }
}

fn owned(text: String) -> Logged<'static> {
    Logged::Value(Cow::Owned(text.into_bytes()))
}
