//! How large the expressions of a policy may be together.

/// The most that the expressions of a policy may add up to, by [`expression_size`]: an origin that no entry lists is held
/// against every one.
pub const MAX_EXPRESSIONS: usize = 65_536;

/// The most that one expression counts: what is larger exceeds its own limit when it is compiled. One with comments
/// counts as much, since what stands in them is not read here.
const MAX_ONE: usize = 4096;

/// The size of an expression: its characters, with counted repetitions written out. This needs no compiling, and is the
/// same on every platform.
#[must_use]
pub fn expression_size(entry: &str) -> usize {
    let mut scan = Scan {
        rest: entry.as_bytes(),
        open: vec![Sizes::default()],
    };
    while let Some(byte) = scan.next() {
        scan.read(byte);
    }
    let size = scan.open.iter().fold(0, |sum: usize, it| sum.saturating_add(it.total));
    match entry.contains('#') {
        true => MAX_ONE,
        false => size.min(MAX_ONE),
    }
}

struct Scan<'a> {
    rest: &'a [u8],
    /// The groups that are open, the whole expression first.
    open: Vec<Sizes>,
}

/// The size of a group as far as it was read, and of the last thing in it, which a repetition would repeat.
#[derive(Default)]
struct Sizes {
    total: usize,
    last: usize,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn read(&mut self, byte: u8) {
        match byte {
            b'(' => self.open.push(Sizes::default()),
            b')' => {
                let inside = self.open.pop().map_or(0, |it| it.total);
                self.add(inside.saturating_add(1));
            }
            b'{' => self.repeat(),
            // With `(?x)` it may stand before a repetition.
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                match byte {
                    b'\\' => drop(self.next()),
                    b'[' => self.skip_class(),
                    _ => {}
                }
                self.add(1);
            }
        }
    }

    fn add(&mut self, size: usize) {
        if let Some(group) = self.open.last_mut() {
            group.last = size;
            group.total = group.total.saturating_add(size);
        }
    }

    /// Reads `2,5}`.
    fn repeat(&mut self) {
        let mut counts = self.rest.splitn(2, |&it| it == b'}');
        let (counts, rest) = (counts.next().unwrap_or_default(), counts.next().unwrap_or_default());
        self.rest = rest;
        let numbers = counts.split(|&it| it == b',').map(<[u8]>::trim_ascii);
        let largest = numbers
            .filter_map(|it| std::str::from_utf8(it).ok()?.parse::<usize>().ok())
            .max()
            .unwrap_or(1);
        if let Some(group) = self.open.last_mut() {
            let more = group.last.saturating_mul(largest.saturating_sub(1));
            group.last = group.last.saturating_add(more);
            group.total = group.total.saturating_add(more);
        }
    }

    /// Reads the rest of `[^]a[:digit:]\]]`.
    fn skip_class(&mut self) {
        self.rest = self.rest.strip_prefix(b"^").unwrap_or(self.rest);
        self.rest = self.rest.strip_prefix(b"]").unwrap_or(self.rest);
        while let Some(byte) = self.next() {
            match byte {
                b']' => return,
                b'\\' => drop(self.next()),
                b'[' if self.rest.starts_with(b":") => {
                    let end = self.rest.windows(2).position(|it| it == b":]").map_or(0, |at| at + 2);
                    self.rest = self.rest.get(end..).unwrap_or_default();
                }
                _ => {}
            }
        }
    }
}
