//! Where in YAML each value stands.

use std::ops::Range;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::{Marker, TScalarStyle};

/// A value: its path (`policies[0].cors.max_age`), the bytes of its key if it has one, and its own.
pub type Mark = (String, Option<Range<usize>>, Range<usize>);

/// What is open around a value.
enum Frame {
    Mapping {
        path: String,
        key: Option<(String, Range<usize>)>,
    },
    Sequence {
        path: String,
        index: usize,
    },
}

/// The values of the one document of a text; none of what is not YAML.
#[must_use]
pub fn marks(text: &str) -> Vec<Mark> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let start = |marker: &Marker| starts.get(marker.index()).copied().unwrap_or(text.len());
    let mut parser = Parser::new_from_str(text);
    let mut marks = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    while let Ok((event, marker)) = parser.next_token() {
        match event {
            Event::Scalar(value, style, ..) => {
                let bytes = scalar(text, start(&marker), &value, style);
                match frames.last_mut() {
                    Some(Frame::Mapping { key: key @ None, .. }) => *key = Some((value, bytes)),
                    _ => marks.extend(place(&mut frames, bytes)),
                }
            }
            Event::Alias(_) => drop(place(&mut frames, start(&marker)..start(&marker))),
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let at = start(&marker);
                let mark = place(&mut frames, at..(at + 1).min(text.len()));
                let path = mark.as_ref().map(|(path, ..)| path.clone()).unwrap_or_default();
                marks.extend(mark);
                frames.push(match event {
                    Event::MappingStart(..) => Frame::Mapping { path, key: None },
                    _ => Frame::Sequence { path, index: 0 },
                });
            }
            Event::MappingEnd | Event::SequenceEnd => drop(frames.pop()),
            Event::StreamEnd => break,
            _ => {}
        }
    }
    marks
}

/// The mark of a value in what is open; `None` for the whole document.
fn place(frames: &mut [Frame], value: Range<usize>) -> Option<Mark> {
    match frames.last_mut()? {
        Frame::Mapping { path, key } => {
            let (name, bytes) = key.take()?;
            let path = if path.is_empty() {
                name
            } else {
                format!("{path}.{name}")
            };
            Some((path, Some(bytes), value))
        }
        Frame::Sequence { path, index } => {
            let path = format!("{path}[{index}]");
            *index = index.saturating_add(1);
            Some((path, None, value))
        }
    }
}

/// The bytes of a scalar that begins here.
fn scalar(text: &str, start: usize, value: &str, style: TScalarStyle) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default().trim_end();
    let quoted = |quote: char| {
        line.char_indices()
            .skip(1)
            .find(|(_, it)| *it == quote)
            .map(|(at, _)| at + 1)
    };
    let length = match style {
        TScalarStyle::Plain if rest.starts_with(value) => value.len(),
        TScalarStyle::SingleQuoted => quoted('\'').unwrap_or(line.len()),
        TScalarStyle::DoubleQuoted => quoted('"').unwrap_or(line.len()),
        _ => line.len(),
    };
    start..start.saturating_add(length)
}
