//! Origins without a wildcard in their host: many of them in little memory, ready as soon as they are read.

mod buckets;

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io::Write;
use std::sync::Arc;

use self::buckets::Buckets;
use crate::host::Name;
use crate::origin::{MAX_ORIGIN, Origin, parse_port};
use crate::pattern::{HostPart, OriginParts, Ports, origins};
use crate::suffix_map::Lengths;
use crate::text::line;

/// Origins in order, found by their hash.
///
/// Each is a line: the host, the scheme and the port, with a space between two. Most origins are of `https` and have the
/// default port, so that these two are left out, and the spaces with them if they end the line: `a.example`,
/// `a.example http`, `a.example  8443`, `a.example http 8080`, `a.example  *`. A line feed and a space are less than every
/// byte of a host or a scheme: so the lines of a host stand together, and those of a scheme among them.
#[derive(Debug, Default)]
pub struct ExactOrigins {
    /// The lines, perhaps among others.
    text: Arc<Vec<u8>>,
    /// Where each begins.
    starts: Vec<u32>,
    buckets: Buckets,
    lengths: Lengths,
    /// Whether some line is more than a host.
    has_fields: bool,
    /// Whether some entry is for every port.
    has_any_port: bool,
    /// A line that [`insecure`](Self::insecure) shows.
    insecure: Option<u32>,
}

/// The text from here on is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedLine(pub usize);

impl ExactOrigins {
    /// Reads lines up to an empty one, and returns where the text goes on after it.
    ///
    /// # Errors
    ///
    /// Where a line begins that is no origin or not after the one before it, or that does not end. A list is not empty.
    pub fn read(text: &Arc<Vec<u8>>, from: usize) -> Result<(Self, usize), MalformedLine> {
        let mut origins = Self {
            text: Arc::clone(text),
            ..Self::default()
        };
        let (mut start, mut previous) = (from, &[][..]);
        loop {
            let malformed = || MalformedLine(start);
            let rest = text.get(start..).ok_or_else(malformed)?;
            // Most lines are a name.
            let name =
                Name::at_start_of(rest).filter(|it| rest.get(it.text.len()) == Some(&b'\n') && it.is_canonical());
            let line = name.map(|it| it.text).or_else(|| line(rest, 0)).ok_or_else(malformed)?;
            let next = start + line.len() + 1;
            if line.is_empty() && !origins.is_empty() {
                origins.buckets = Buckets::new(origins.len(), |visit| origins.visit_keys(visit));
                return Ok((origins, next));
            }
            let at = u32::try_from(start)
                .ok()
                .filter(|_| previous < line)
                .ok_or_else(malformed)?;
            match name {
                Some(name) => origins.add(at, name.text),
                None => origins.add_parts(at, &parse(line).ok_or_else(malformed)?),
            }
            (start, previous) = (next, line);
        }
    }

    fn add(&mut self, start: u32, host: &[u8]) {
        self.lengths.add(host);
        self.starts.push(start);
    }

    fn add_parts(&mut self, start: u32, parts: &OriginParts<'_>) {
        if let HostPart::One(host) = parts.hosts {
            self.add(start, host);
        }
        self.has_any_port |= parts.ports == Ports::Any;
        self.has_fields |= parts.scheme != HTTPS || parts.ports != Ports::One(None);
        // The one question that is asked of all entries later.
        if parts.is_insecure() {
            self.insecure = Some(start);
        }
    }

    /// Puts lines in order and leaves out those that are repeated; `repeats` becomes whether there were any.
    pub(super) fn sort(lines: &[u8], repeats: &mut bool) -> Self {
        let lines: BinaryHeap<_> = lines.split_inclusive(|&byte| byte == b'\n').collect();
        let (mut origins, mut text, mut previous) = (Self::default(), Vec::new(), &[][..]);
        origins.starts.reserve(lines.len());
        for line in lines.into_sorted_vec() {
            let parts = line.strip_suffix(b"\n").and_then(split);
            if line == previous {
                *repeats = true;
            } else if let (Ok(start), Some(parts)) = (u32::try_from(text.len()), parts) {
                origins.add_parts(start, &parts);
                text.extend_from_slice(line);
            }
            previous = line;
        }
        origins.text = text.into();
        origins.buckets = Buckets::new(origins.len(), |visit| origins.visit_keys(visit));
        origins
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// One whose pages come over plain HTTP from another machine, if any do, and its line.
    #[must_use]
    pub fn insecure(&self) -> Option<(&[u8], OriginParts<'_>)> {
        let line = line(&self.text, self.insecure? as usize)?;
        Some((line, split(line)?))
    }

    /// The lines of a list that was put in order, without the empty one at its end.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.text
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = OriginParts<'_>> {
        self.starts.iter().filter_map(|&start| self.get(start))
    }

    /// Where an entry is.
    #[must_use]
    pub fn position(&self, parts: &OriginParts<'_>) -> Option<usize> {
        let HostPart::One(host) = parts.hosts else { return None };
        let start = self.find(host, parts.scheme, parts.ports)?;
        self.starts.binary_search(&start).ok()
    }

    /// Whether an entry allows the origin.
    pub(super) fn allow(&self, origin: &Origin<'_>) -> bool {
        let host = origin.host.text();
        let has = |ports| self.find(host, origin.scheme, ports).is_some();
        self.lengths.have(host) && (has(Ports::One(origin.port)) || self.has_any_port && has(Ports::Any))
    }

    /// The entry on this host that allows the origin, or else has its scheme, or else would with the other one of the web,
    /// or else any.
    pub(super) fn closest(&self, host: &[u8], origin: &Origin<'_>) -> Option<OriginParts<'_>> {
        if !self.lengths.have(host) {
            return None;
        }
        let of_host = self.bucket(host);
        let first = of_host.get(self.search(of_host, host).unwrap_or_else(|at| at))?;
        let is_on = |start: u32| self.get(start).filter(|it| it.hosts == HostPart::One(host));
        is_on(*first)?;
        let find = |scheme, ports| self.find(host, scheme, ports);
        let found = find(origin.scheme, Ports::One(origin.port)).or_else(|| find(origin.scheme, Ports::Any));
        let closest = match found {
            Some(start) => self.get(start)?,
            None => {
                // The first of a scheme is the one with the default port.
                let of_scheme = |key: &[u8]| self.search(&self.starts, key).unwrap_or_else(|at| at);
                let at = with_line(host, origin.scheme, Ports::One(None), of_scheme)?;
                let on = |at: usize| is_on(*self.starts.get(at)?);
                on(at).or_else(|| on(at.checked_sub(1)?))?
            }
        };
        let other = if origin.scheme == HTTPS { b"http" } else { HTTPS };
        match find(other, Ports::One(origin.port)) {
            Some(start) if closest.scheme != origin.scheme => self.get(start),
            _ => Some(closest),
        }
    }

    fn get(&self, start: u32) -> Option<OriginParts<'_>> {
        split(line(&self.text, start as usize)?)
    }

    /// Where the line of an entry begins.
    fn find(&self, host: &[u8], scheme: &[u8], ports: Ports) -> Option<u32> {
        with_line(host, scheme, ports, |line| {
            let bucket = self.bucket(line);
            bucket.get(self.search(bucket, line).ok()?).copied()
        })?
    }

    /// The lines among which one is that begins so, without a space after it.
    fn bucket(&self, key: &[u8]) -> &[u32] {
        self.buckets.get(key).unwrap_or(&self.starts)
    }

    /// Where a line is among some, or where it would be.
    fn search(&self, starts: &[u32], line: &[u8]) -> Result<usize, usize> {
        starts.binary_search_by(|&start| {
            let rest = self.text.get(start as usize..).unwrap_or_default();
            let (same, rest) = rest.split_at_checked(line.len()).unwrap_or((rest, &[]));
            let goes_on = || {
                if rest.starts_with(b"\n") {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            };
            same.cmp(line).then_with(goes_on)
        })
    }

    /// Calls `visit` with each line and where it begins, and with the host alone if the first line of a host is more.
    fn visit_keys(&self, visit: &mut dyn FnMut(&[u8], u32)) {
        let mut before = &[][..];
        for (at, &start) in self.starts.iter().enumerate() {
            let line = match self.starts.get(at + 1) {
                Some(&next) => self.text.get(start as usize..next as usize - 1),
                None => line(&self.text, start as usize),
            };
            let Some(line) = line else { continue };
            visit(line, start);
            if self.has_fields {
                let host = line.split(|&byte| byte == b' ').next().unwrap_or(line);
                if host != line && host != before {
                    visit(host, start);
                }
                before = host;
            }
        }
    }
}

/// Writes an entry as a line.
pub(super) fn write(host: &[u8], parts: &OriginParts<'_>, lines: &mut Vec<u8>) {
    let mut digits = [0; 5];
    let port = show(parts.ports, &mut digits);
    for field in fields(host, parts.scheme, port).into_iter().chain([&b"\n"[..]]) {
        lines.extend_from_slice(field);
    }
}

/// What makes up a line, without the line feed.
fn fields<'a>(host: &'a [u8], scheme: &'a [u8], port: &'a [u8]) -> [&'a [u8]; 5] {
    let scheme = if scheme == HTTPS { b"" } else { scheme };
    let space = |is_there: bool| if is_there { &b" "[..] } else { b"" };
    let has_port = !port.is_empty();
    let has_scheme = has_port || !scheme.is_empty();
    [host, space(has_scheme), scheme, space(has_port), port]
}

const HTTPS: &[u8] = b"https";

/// Calls `call` with an entry's line, without the line feed; `None` if no line is as long.
fn with_line<R>(host: &[u8], scheme: &[u8], ports: Ports, call: impl FnOnce(&[u8]) -> R) -> Option<R> {
    if scheme == HTTPS && ports == Ports::One(None) {
        return Some(call(host));
    }
    let (mut buffer, mut digits) = ([0; MAX_ORIGIN], [0; 5]);
    let mut rest = &mut buffer[..];
    for field in fields(host, scheme, show(ports, &mut digits)) {
        rest.write_all(field).ok()?;
    }
    let length = MAX_ORIGIN - rest.len();
    Some(call(buffer.get(..length)?))
}

/// The digits of a port, or its wildcard; nothing for the default one.
fn show(ports: Ports, digits: &mut [u8; 5]) -> &[u8] {
    let mut port = match ports {
        Ports::Any => return b"*",
        Ports::One(None) => return b"",
        Ports::One(Some(port)) => port,
    };
    let mut at = digits.len();
    for digit in digits.iter_mut().rev() {
        if port == 0 {
            break;
        }
        *digit = b'0' + (port % 10) as u8;
        port /= 10;
        at -= 1;
    }
    digits.get(at..).unwrap_or_default()
}

/// Takes a line apart that was read before.
fn split(line: &[u8]) -> Option<OriginParts<'_>> {
    let mut fields = line.split(|&byte| byte == b' ');
    let host = fields.next()?;
    let scheme = fields.next().filter(|it| !it.is_empty()).unwrap_or(HTTPS);
    let ports = match fields.next() {
        None => Ports::One(None),
        Some(b"*") => Ports::Any,
        Some(digits) => Ports::One(Some(parse_port(digits)?)),
    };
    Some(OriginParts {
        scheme,
        hosts: HostPart::One(host),
        ports,
    })
}

/// Reads a line: an entry that could be listed, written in the one way there is.
fn parse(line: &[u8]) -> Option<OriginParts<'_>> {
    let parts = split(line)?;
    let HostPart::One(host) = parts.hosts else { return None };
    let mut digits = [0; 5];
    let port = show(parts.ports, &mut digits);
    let colon = if port.is_empty() { &b""[..] } else { b":" };
    let entry = [parts.scheme, b"://", host, colon, port].concat();
    let mut lines = Vec::new();
    let written = origins::parse(&entry).ok().filter(|it| !it.has_wildcard())?;
    write(host, &written, &mut lines);
    (lines.strip_suffix(b"\n") == Some(line)).then_some(parts)
}
