//! How large the expressions of a policy may be together.

/// The most that the expressions of a policy may add up to, by [`expression_size`]: an origin that no entry lists is held
/// against every one.
pub const MAX_EXPRESSIONS: usize = 65_536;

/// The most that one expression counts: what is larger exceeds its own limit when it is compiled.
const MAX_ONE: usize = 4096;

/// The size of an expression: its characters and operators, with counted repetitions written out. This needs no compiling,
/// and is the same on every platform. It is never less than that: where it depends on flags what an expression says, such
/// as whether `#` begins a comment, it counts `MAX_ONE`.
#[must_use]
pub fn expression_size(entry: &str) -> usize {
    let mut scan = Scan {
        rest: entry.as_bytes(),
        open: Vec::new(),
        group: Sizes::default(),
        is_unclear: entry.contains('#'),
    };
    while let Some(byte) = scan.next() {
        scan.read(byte);
    }
    let groups = scan.open.iter().chain([&scan.group]);
    let size = groups.fold(0, |sum: usize, it| sum.saturating_add(it.total));
    match scan.is_unclear {
        true => MAX_ONE,
        false => size.min(MAX_ONE),
    }
}

struct Scan<'a> {
    rest: &'a [u8],
    /// The groups around the one that is read, the whole expression first.
    open: Vec<Sizes>,
    group: Sizes,
    is_unclear: bool,
}

/// The size of a group as far as it was read, and of the last thing in it, which a repetition would repeat.
#[derive(Default)]
struct Sizes {
    total: usize,
    last: usize,
}

impl Sizes {
    fn add(&mut self, size: usize) {
        self.last = size;
        self.total = self.total.saturating_add(size);
    }

    /// Adds to the last thing.
    fn grow(&mut self, more: usize) {
        self.last = self.last.saturating_add(more);
        self.total = self.total.saturating_add(more);
    }
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn read(&mut self, byte: u8) {
        match byte {
            b'(' => self.begin_group(),
            b')' => {
                if let Some(around) = self.open.pop() {
                    let inside = std::mem::replace(&mut self.group, around);
                    self.group.add(inside.total.saturating_add(1));
                }
            }
            b'{' => self.repeat(),
            b'?' | b'*' | b'+' => self.group.grow(1),
            // A character, or with `(?x)` nothing, so that a repetition behind it is of what stands before it.
            _ if is_space(&byte) => {
                self.group.last = self.group.last.max(1);
                self.group.total = self.group.total.saturating_add(1);
            }
            _ => {
                match byte {
                    b'\\' => self.skip_escape(),
                    b'[' => self.skip_class(),
                    _ => {}
                }
                self.group.add(1);
            }
        }
    }

    /// Reads `?:`, `?P<name>` or nothing behind a parenthesis; `?i)` is no group.
    fn begin_group(&mut self) {
        let inside = trimmed(self.rest);
        if let Some(flags) = inside.strip_prefix(b"?") {
            // With `(?x)` these are flags, and without a space that may be missing.
            self.is_unclear |= inside.len() < self.rest.len();
            let end = flags.iter().position(|it| matches!(it, b':' | b'>' | b')'));
            let end = end.unwrap_or(flags.len());
            self.rest = flags.get(end + 1..).unwrap_or_default();
            if flags.get(end) == Some(&b')') {
                return;
            }
        }
        self.open.push(std::mem::take(&mut self.group));
    }

    /// Reads the rest of `{2,5}`.
    fn repeat(&mut self) {
        let counts = self.skip_braces();
        // With `(?x)` digits may stand apart.
        let number = |digits: &[u8]| {
            let digits = digits.iter().filter(|it| it.is_ascii_digit());
            digits.fold(0_usize, |number, it| {
                number.saturating_mul(10).saturating_add(usize::from(it - b'0'))
            })
        };
        let largest = counts.split(|&it| it == b',').map(number).max().unwrap_or(0);
        let copies = self.group.last.saturating_mul(largest.saturating_sub(1));
        self.group.grow(if largest < 2 { 1 } else { copies });
    }

    fn skip_braces(&mut self) -> &[u8] {
        let mut parts = self.rest.splitn(2, |&it| it == b'}');
        let (inside, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        self.rest = rest;
        inside
    }

    /// Reads the rest of `\.`, `\x41`, `\x{41}` or `\b{start}`, but not the braces of `\b{2}`.
    fn skip_escape(&mut self) {
        let digits = match self.next() {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            Some(b'b') => 0,
            _ => return,
        };
        let rest = trimmed(self.rest);
        let inside = rest.strip_prefix(b"{").map(trimmed);
        match inside.and_then(<[u8]>::first) {
            Some(first) if digits > 0 || first.is_ascii_alphabetic() || *first == b'-' => drop(self.skip_braces()),
            _ => {
                for _ in 0..digits {
                    self.rest = trimmed(self.rest);
                    self.next();
                }
            }
        }
    }

    /// Reads the rest of `[^]a[:digit:]\]]`.
    fn skip_class(&mut self) {
        self.rest = self.rest.strip_prefix(b"^").unwrap_or(self.rest);
        // With `(?x)` it begins behind that, perhaps with `]`.
        self.is_unclear |= self.rest.first().is_some_and(is_space);
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

/// What `(?x)` leaves out.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

fn trimmed(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|it| is_space(it)).count();
    text.get(spaces..).unwrap_or_default()
}
