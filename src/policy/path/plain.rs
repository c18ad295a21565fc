//! Paths that are written in the one way that every standard allows.

/// Whether a path has no dot segments, empty segments, parameters or backslashes, and nothing percent-encoded that a
/// backend would decode into them, or into a character that needs no encoding.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let segments = path.strip_prefix(b"/").unwrap_or(path);
    let last = segments.iter().filter(|&&byte| byte == b'/').count();
    let is_ambiguous = |(at, segment): (usize, &[u8])| match segment {
        b"" => at != last,
        b"." | b".." => true,
        _ => {
            let is_odd = |byte: &u8| matches!(byte, b';' | b'\\') || !byte.is_ascii_graphic();
            segment.iter().any(is_odd) || has_needless_encoding(segment)
        }
    };
    path.starts_with(b"/") && !segments.split(|&byte| byte == b'/').enumerate().any(is_ambiguous)
}

/// Whether a segment has `%XX` for a separator, for a control character or for one that needs none (RFC 3986 §2.3), or
/// what `%` encodes is not UTF-8, such as an overlong dot.
fn has_needless_encoding(segment: &[u8]) -> bool {
    if !segment.contains(&b'%') {
        return false;
    }
    let mut decoded = Vec::new();
    let mut parts = segment.split(|&byte| byte == b'%');
    decoded.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        let Some(([high, low], rest)) = part.split_first_chunk() else {
            return true;
        };
        let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
            return true;
        };
        let byte = high << 4 | low;
        if byte.is_ascii_alphanumeric() || byte.is_ascii_control() || b"-._~/\\;%?#".contains(&byte) {
            return true;
        }
        decoded.push(byte);
        decoded.extend_from_slice(rest);
    }
    std::str::from_utf8(&decoded).is_err()
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok())
}
