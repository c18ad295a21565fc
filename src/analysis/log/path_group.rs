//! Paths that differ in numbers and identifiers alone, under one name.

use policy::text::is_control;

/// How many segments of a path are kept.
const SEGMENTS: usize = 4;

/// The longest segment that is kept, in bytes.
const LONGEST: usize = 40;

/// Appends the group of a path: `/orders/*/items` for `/orders/42/items?page=2`.
pub(super) fn push(path: &[u8], group: &mut Vec<u8>) {
    let end = path
        .iter()
        .position(|it| matches!(it, b'?' | b'#'))
        .unwrap_or(path.len());
    let path = path.get(..end).unwrap_or(path);
    for (number, segment) in path.split(|it| *it == b'/').enumerate() {
        match number {
            0 => {}
            _ if number > SEGMENTS => {
                group.extend_from_slice("/…".as_bytes());
                return;
            }
            _ => group.push(b'/'),
        }
        match is_identifier(segment) {
            true => group.push(b'*'),
            false => group.extend_from_slice(segment),
        }
    }
}

/// Whether a segment is likely to be another for each visitor or thing: a number, a UUID, what is in hexadecimal or base 64,
/// or what no route is called.
fn is_identifier(segment: &[u8]) -> bool {
    let digits = segment.iter().filter(|it| it.is_ascii_digit()).count();
    let is_hex = || segment.iter().all(|it| it.is_ascii_hexdigit() || *it == b'-');
    let is_name = || segment.iter().all(|it| it.is_ascii_graphic());
    match segment.len() {
        0 => false,
        length if digits == length => true,
        length if length > LONGEST => true,
        length => {
            !is_name() || digits > 0 && length >= 8 && (is_hex() || digits * 4 >= length) || length >= 20 && digits >= 3
        }
    }
}

/// Text of a client, for a terminal: what is not UTF-8 or speaks to the terminal is escaped.
pub(super) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_control) => text.to_owned(),
        Ok(text) => policy::text::printable(text),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

/// How often something was seen, in words.
pub(super) fn count(many: u64, what: &str) -> String {
    let s = if many == 1 { "" } else { "s" };
    format!("{many} {what}{s}")
}
