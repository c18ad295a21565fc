//! Access logs: files, plain or compressed, and standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use analysis::log::{LogLine, Reading};
use flate2::bufread::MultiGzDecoder;

/// How much is read at a time.
const BUFFER: usize = 1 << 18;

/// How a file begins that gzip made (RFC 1952 §2.3.1).
const GZIP: &[u8] = b"\x1f\x8b";

/// Reads logs one after another, and hands on each line. Shows how far it is if somebody watches.
pub(crate) fn read(
    files: &[PathBuf],
    reading: &mut Reading,
    mut each: impl FnMut(&LogLine<'_>, &[u8]),
) -> Result<(), String> {
    // What is not there is missed before the first is read.
    for file in files.iter().filter(|it| it.as_os_str() != "-") {
        let problem = |error: io::Error| format!("{}: {error}", file.display());
        if std::fs::metadata(file).map_err(problem)?.is_dir() {
            return Err(format!("{}: this is a folder; name the logs in it", file.display()));
        }
    }
    let mut progress = Progress::default();
    let mut done = Ok(());
    for file in files {
        let name = file.display().to_string();
        let lines = reading.lines;
        done = open(file).and_then(|log| {
            reading.read(&name, log, |line, text| {
                progress.add(&name, text.len());
                each(line, text);
            })
        });
        if let Err(error) = &done {
            let read = reading.lines - lines;
            progress.clear();
            return Err(format!("{name}: {error}, after {read} lines"));
        }
    }
    progress.clear();
    done.map_err(|error| error.to_string())
}

fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(file)?),
    };
    let mut start = Vec::new();
    file.by_ref().take(GZIP.len() as u64).read_to_end(&mut start)?;
    let is_gzip = start == GZIP;
    let plain = BufReader::with_capacity(BUFFER, io::Cursor::new(start).chain(file));
    Ok(match is_gzip {
        true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain))),
        false => Box::new(plain),
    })
}

/// A line that is written over and over, on a terminal alone.
struct Progress {
    is_watched: bool,
    lines: u64,
    bytes: u64,
    shown: Option<Instant>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            is_watched: io::stderr().is_terminal(),
            lines: 0,
            bytes: 0,
            shown: None,
        }
    }
}

impl Progress {
    fn add(&mut self, file: &str, bytes: usize) {
        /// So many lines are read between two looks at the clock.
        const LINES: u64 = 4096;
        /// As often as people see.
        const PAUSE: Duration = Duration::from_millis(200);
        self.lines += 1;
        self.bytes += bytes as u64;
        if !self.is_watched || !self.lines.is_multiple_of(LINES) {
            return;
        }
        if self.shown.is_none_or(|it| it.elapsed() >= PAUSE) {
            self.shown = Some(Instant::now());
            let (lines, megabytes) = (self.lines, self.bytes / 1_000_000);
            let file = policy::text::printable(file);
            let _ = write!(io::stderr().lock(), "\r\x1b[K{file}: {lines} lines, {megabytes} MB");
        }
    }

    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
