//! A header map as it crosses the ABI: a count, the lengths of each name and value, then the bytes, each followed by a
//! NUL. All integers are 32 bits, little-endian (proxy-wasm ABI 0.2.1, "serialized header map").

use super::proxy::{Headers, Unavailable};

/// A header map in its serialized form, read in place.
#[derive(Clone, Debug)]
pub struct Pairs(Vec<u8>);

impl Pairs {
    /// Takes what the proxy handed over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Serializes headers.
    pub fn encode<'a>(headers: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u8> {
        let sizes = headers
            .clone()
            .map(|(name, value)| 8 + name.len() + 1 + value.len() + 1);
        let mut bytes = Vec::with_capacity(4 + sizes.sum::<usize>());
        bytes.extend_from_slice(&to_u32(headers.len()));
        for (name, value) in headers.clone() {
            bytes.extend_from_slice(&to_u32(name.len()));
            bytes.extend_from_slice(&to_u32(value.len()));
        }
        for part in headers.flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(part);
            bytes.push(0);
        }
        bytes
    }

    fn try_visit<'h>(&'h self, mut visit: impl FnMut(&'h [u8], &'h [u8])) -> Option<()> {
        let bytes = self.0.as_slice();
        // An empty map may have no bytes at all.
        let (count, rest) = if bytes.is_empty() {
            (0, bytes)
        } else {
            split_u32(bytes)?
        };
        let (lengths, mut data) = rest.split_at_checked(count.checked_mul(8)?)?;
        for pair in lengths.chunks_exact(8) {
            let (name_length, value_length) = split_u32(pair)?;
            let (value_length, _) = split_u32(value_length)?;
            let (name, rest) = split_field(data, name_length)?;
            let (value, rest) = split_field(rest, value_length)?;
            visit(name, value);
            data = rest;
        }
        Some(())
    }
}

impl Headers for Pairs {
    fn visit<'h>(&'h self, visit: impl FnMut(&'h [u8], &'h [u8])) -> Result<(), Unavailable> {
        self.try_visit(visit).ok_or(Unavailable)
    }
}

fn to_u32(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn split_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn split_field(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (field, rest) = bytes.split_at_checked(length)?;
    Some((field, rest.strip_prefix(&[0])?))
}
