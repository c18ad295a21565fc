//! What backends do to a path before they route, one step at a time, written as plainly as can be: the oracle for
//! `policy::path`, which takes all steps at once.

use unicode_normalization::UnicodeNormalization;

/// One step of a reading.
pub(crate) struct Step {
    pub name: &'static str,
    pub of: fn(&[u8]) -> Vec<u8>,
    /// Whether it changes the end of a path alone.
    pub is_end: bool,
}

const fn step(name: &'static str, of: fn(&[u8]) -> Vec<u8>) -> Step {
    Step {
        name,
        of,
        is_end: false,
    }
}

const fn end(name: &'static str, of: fn(&[u8]) -> Vec<u8>) -> Step {
    Step { name, of, is_end: true }
}

/// The name of the decoder that takes whatever follows `%c0` for the rest of a character, the first time and again. It does
/// so while it decodes: nothing but another decoder stands before it.
pub(crate) const AT_ONCE: [&str; 2] = ["decode with pairs", "decode again with pairs"];

/// All steps, of those of one name one backend takes one; decoding stands here twice, since some backends have a rewrite in front that decodes too.
pub(crate) const STEPS: &[Step] = &[
    step("decode", decode),
    step("decode again", decode),
    step(AT_ONCE[0], decode_pairs),
    step(AT_ONCE[1], decode_pairs),
    step("fold case", |path| path.to_ascii_lowercase()),
    step("NFKC", |path| each_text(path, |it| it.nfkc().collect())),
    step("fold Unicode's case", |path| {
        each_text(path, |it| it.to_uppercase().to_lowercase())
    }),
    step("%uXXXX", percent_u),
    step("overlong UTF-8", overlong),
    step("resolve dots", resolve_dots),
    step("merge slashes", merge_slashes),
    step("backslash", |path| replace(path, b'\\', b'/')),
    step("cut at ;", |path| {
        each_segment(path, |it| before(it, |byte| byte == b';'))
    }),
    step("cut at :", |path| {
        each_segment(path, |it| before(it, |byte| byte == b':'))
    }),
    step("cut at ;", |path| before(path, |byte| byte == b';')),
    step("cut at NUL", |path| before(path, |byte| byte == 0)),
    step("cut at a control character", |path| {
        before(path, |byte| byte.is_ascii_control())
    }),
    step("cut at a decoded ?", |path| before(path, |byte| byte == b'?')),
    step("cut at a decoded #", |path| before(path, |byte| byte == b'#')),
    step("drop a segment's last dot", |path| {
        each_segment(path, |it| it.strip_suffix(b".").unwrap_or(it).to_vec())
    }),
    step("drop a segment's last space", |path| {
        each_segment(path, |it| it.strip_suffix(b" ").unwrap_or(it).to_vec())
    }),
    step("drop dots and spaces", |path| each_segment(path, trim)),
    end("drop the last slash", |path| {
        path.strip_suffix(b"/").unwrap_or(path).to_vec()
    }),
    end("add a slash", |path| {
        if path.ends_with(b"/") {
            path.to_vec()
        } else {
            [path, b"/"].concat()
        }
    }),
    end("drop a format suffix", |path| {
        format_suffix(path, |byte| byte.is_ascii_alphanumeric())
    }),
    end("drop a format suffix", |path| {
        format_suffix(path, |byte| !b"./?".contains(&byte))
    }),
];

/// Every backend; twice where two decode.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        match after {
            [high, low, after @ ..] if byte == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = std::str::from_utf8(&rest[1..3]).unwrap();
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

/// Old IIS.
fn decode_pairs(path: &[u8]) -> Vec<u8> {
    let (mut out, decoded) = (Vec::new(), decode(path));
    let mut rest = decoded.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (0xC0 | 0xC1, [second, after @ ..]) => {
                out.push((byte & 0x1F) << 6 | (second & 0x3F));
                rest = after;
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    overlong(&out)
}

/// IIS, ASP.
fn percent_u(path: &[u8]) -> Vec<u8> {
    let mut units: Vec<Result<u8, u16>> = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(1..5).filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        match (byte, after.first(), digits) {
            (b'%', Some(b'u' | b'U'), Some(digits)) => {
                units.push(Err(
                    u16::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
                ));
                rest = &after[5..];
            }
            _ => {
                units.push(Ok(byte));
                rest = after;
            }
        }
    }
    let mut out = Vec::new();
    for run in units.chunk_by(|one, other| one.is_ok() == other.is_ok()) {
        let wide: Vec<u16> = run.iter().filter_map(|it| it.err()).collect();
        out.extend(run.iter().filter_map(|it| it.ok()));
        out.extend_from_slice(String::from_utf16_lossy(&wide).as_bytes());
    }
    out
}

/// Old Tomcat and IIS, decoders written by hand.
fn overlong(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let (count, bits) = match byte {
            0xC0..=0xDF => (1, byte & 0x1F),
            0xE0..=0xEF => (2, byte & 0x0F),
            0xF0..=0xF7 => (3, byte & 0x07),
            _ => (0, byte),
        };
        let tail = after
            .get(..count)
            .filter(|it| count > 0 && it.iter().all(|it| it & 0xC0 == 0x80));
        let point = tail.map(|it| {
            it.iter()
                .fold(u32::from(bits), |all, it| all << 6 | u32::from(it & 0x3F))
        });
        match point.and_then(char::from_u32) {
            Some(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &after[count..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

/// RFC 3986 §5.2.4, nginx, every file server.
fn resolve_dots(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let segments: Vec<_> = path.split(|&byte| byte == b'/').collect();
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        match *segment {
            b"." | b".." => {
                if *segment == b".." && kept.len() > 1 {
                    kept.pop();
                }
                if is_last {
                    kept.push(b"");
                }
            }
            other => kept.push(other),
        }
    }
    kept.join(&b'/')
}

/// nginx, Apache, Go.
fn merge_slashes(path: &[u8]) -> Vec<u8> {
    let mut merged = path.to_vec();
    merged.dedup_by(|one, other| (*one, *other) == (b'/', b'/'));
    merged
}

/// Rails, Django REST framework.
fn format_suffix(path: &[u8], is_format: fn(u8) -> bool) -> Vec<u8> {
    let bare = path.strip_suffix(b"/").unwrap_or(path);
    match bare.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot + 1 < bare.len() && bare[dot + 1..].iter().all(|&byte| is_format(byte)) => {
            if dot == 0 || bare[dot - 1] == b'/' {
                path.to_vec()
            } else {
                bare[..dot].to_vec()
            }
        }
        _ => path.to_vec(),
    }
}

/// Windows.
fn trim(segment: &[u8]) -> Vec<u8> {
    let end = segment
        .iter()
        .rposition(|byte| !b". ".contains(byte))
        .map_or(0, |at| at + 1);
    if matches!(segment, b"." | b"..") {
        segment.to_vec()
    } else {
        segment[..end].to_vec()
    }
}

fn replace(path: &[u8], byte: u8, by: u8) -> Vec<u8> {
    path.iter().map(|&it| if it == byte { by } else { it }).collect()
}

fn before(path: &[u8], is_end: fn(u8) -> bool) -> Vec<u8> {
    path.iter().copied().take_while(|&byte| !is_end(byte)).collect()
}

fn each_segment(path: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let segments: Vec<_> = path.split(|&byte| byte == b'/').map(change).collect();
    segments.join(&b'/')
}

/// The parts that are UTF-8.
fn each_text(path: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in path.utf8_chunks() {
        out.extend_from_slice(change(chunk.valid()).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}
