//! The text forms of IP addresses: dotted decimal, and those of RFC 4291 §2.2 and RFC 5952 §4. Requests are read with
//! them, and what the standard library brings for it is 4 KB of the module; `tests/properties.rs` holds one to the other.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Reads four decimal parts without leading zeros, and nothing else.
#[must_use]
pub fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = text.split(|&byte| byte == b'.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        *octet = match parts.next()? {
            [b'0'] => 0,
            [] | [b'0', ..] => return None,
            digits => number(digits, 10).and_then(|it| u8::try_from(it).ok())?,
        };
    }
    parts.next().is_none().then(|| octets.into())
}

/// Reads eight groups of up to four hexadecimal digits, of which `::` stands for one or more zeros, and the last two may
/// be an IPv4 address.
#[must_use]
pub fn parse_v6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0; 8];
    let gap = text.windows(2).position(|it| it == b"::");
    let Some((before, after)) = gap.and_then(|at| Some((text.get(..at)?, text.get(at + 2..)?))) else {
        return (read_groups(text, &mut groups)? == groups.len()).then(|| groups.into());
    };
    let mut tail = [0; 8];
    let first = read_groups(before, &mut groups)?;
    let last = read_groups(after, &mut tail)?;
    // An IPv4 address ends the text.
    let has_room = first + last < groups.len() && !before.contains(&b'.');
    let tail = tail.get(..last).filter(|_| has_room)?;
    for (group, value) in groups.iter_mut().rev().zip(tail.iter().rev()) {
        *group = *value;
    }
    Some(groups.into())
}

/// Reads the groups on one side of `::`, and returns how many they are.
fn read_groups(text: &[u8], groups: &mut [u16; 8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let (mut parts, mut count) = (text.split(|&byte| byte == b':').peekable(), 0);
    while let Some(part) = parts.next() {
        if parts.peek().is_none() && part.contains(&b'.') {
            let [a, b, c, d] = parse_v4(part)?.octets();
            *groups.get_mut(count)? = u16::from_be_bytes([a, b]);
            *groups.get_mut(count + 1)? = u16::from_be_bytes([c, d]);
            return Some(count + 2);
        }
        *groups.get_mut(count)? = Some(part).filter(|it| it.len() <= 4).and_then(|it| number(it, 16))?;
        count += 1;
    }
    Some(count)
}

fn number(digits: &[u8], radix: u32) -> Option<u16> {
    let add = |number: u16, digit: &u8| {
        let digit = char::from(*digit).to_digit(radix)?;
        number
            .checked_mul(u16::try_from(radix).ok()?)?
            .checked_add(u16::try_from(digit).ok()?)
    };
    match digits {
        [] => None,
        _ => digits.iter().try_fold(0, add),
    }
}

/// The longest text of an IPv6 address, in bytes.
const LONGEST: usize = 39;

/// An IPv6 address as the URL Standard's host serializer writes it, without brackets: groups without leading zeros, and
/// `::` for the first of the longest runs of two zeros or more.
#[derive(Clone, Copy)]
pub struct V6Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl V6Text {
    /// Writes an address.
    #[must_use]
    pub fn new(address: Ipv6Addr) -> Self {
        let groups = address.segments();
        let run = |from: usize| groups.iter().skip(from).take_while(|it| **it == 0).count();
        let (mut gap, mut length) = (groups.len(), 1);
        for from in 0..groups.len() {
            if run(from) > length {
                (gap, length) = (from, run(from));
            }
        }
        let mut text = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        for (at, group) in groups.iter().enumerate() {
            if at == gap {
                text.push(b':');
            }
            if (gap..gap + length).contains(&at) {
                if at + 1 == groups.len() {
                    text.push(b':');
                }
                continue;
            }
            if at > 0 {
                text.push(b':');
            }
            for shift in [12, 8, 4, 0] {
                if shift == 0 || group >> shift > 0 {
                    text.push(
                        b"0123456789abcdef"
                            .get(usize::from(group >> shift & 15))
                            .copied()
                            .unwrap_or_default(),
                    );
                }
            }
        }
        text
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
