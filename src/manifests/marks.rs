//! Where in YAML each value stands.

use std::ops::Range;

use super::find::{Found, Spot};
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

/// How a policy is written in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text that is or holds the policy: the file, or a value of it.
    pub text: String,
    /// The values of the policy, by their paths in it; `None` if all of the text is the policy.
    pub values: Option<Vec<Mark>>,
    /// Where each line of the text begins, in it and in the file.
    lines: Vec<(usize, usize)>,
}

impl Written {
    /// Where in the file these bytes of the text stand, up to the end of their first line unless the text is the file.
    #[must_use]
    pub fn in_file(&self, file: &str, bytes: Range<usize>) -> Option<Range<usize>> {
        if self.text == file {
            return Some(bytes);
        }
        let start = outer(&self.lines, bytes.start)?;
        let rest = file.get(start..)?.lines().next().unwrap_or_default();
        Some(start..start + bytes.len().min(rest.len()))
    }
}

/// How a policy that was found in a file is written there; `None` where that is not plain, as in a text with escapes.
#[must_use]
pub fn written(file: &str, found: &Found) -> Option<Written> {
    let (mut text, mut lines) = (file.to_owned(), vec![(0, 0)]);
    for (spot, inner) in &found.within {
        let (whole, _) = value_at(&text, spot)?;
        lines = moved(&lines, lines_of(&text, whole.start, inner)?)?;
        inner.clone_into(&mut text);
    }
    let Some(spot) = &found.spot else {
        return Some(Written {
            text,
            values: None,
            lines,
        });
    };
    let (whole, values) = value_at(&text, spot)?;
    if values.is_empty() {
        let policy = String::from_utf8(found.configuration.clone()).ok()?;
        lines = moved(&lines, lines_of(&text, whole.start, &policy)?)?;
        text = policy;
    }
    let values = (!values.is_empty()).then_some(values);
    Some(Written { text, values, lines })
}

/// The bytes of the value at a spot, and the values in it, by their paths from there on.
fn value_at(text: &str, spot: &Spot) -> Option<(Range<usize>, Vec<Mark>)> {
    let document = document_marks(text).into_iter().nth(spot.document)?;
    let inner = |(path, key, value): Mark| {
        let rest = path.strip_prefix(&spot.path)?;
        let rest = rest.strip_prefix('.').or(rest.starts_with('[').then_some(rest))?;
        Some((rest.to_owned(), key, value))
    };
    let (_, _, whole) = document.iter().find(|(path, ..)| *path == spot.path)?.clone();
    Some((whole, document.into_iter().filter_map(inner).collect()))
}

/// Where in the file a byte of a text stands whose lines are these.
fn outer(lines: &[(usize, usize)], at: usize) -> Option<usize> {
    let (inner, outer) = lines.iter().rev().find(|(inner, _)| *inner <= at)?;
    Some(outer + (at - inner))
}

/// The lines of a text that is in another, which begin where that one's do in the file.
fn moved(around: &[(usize, usize)], lines: Vec<(usize, usize)>) -> Option<Vec<(usize, usize)>> {
    let to_file = |(inner, at)| Some((inner, outer(around, at)?));
    lines.into_iter().map(to_file).collect()
}

/// The lines of a text that is written from about this byte on: in one line, or in indented ones.
fn lines_of(file: &str, start: usize, text: &str) -> Option<Vec<(usize, usize)>> {
    let first = file.get(start..)?;
    let quoted = first.trim_start_matches(['"', '\'']);
    if quoted.starts_with(text.trim_end()) && !text.trim_end().contains('\n') {
        return Some(vec![(0, start + (first.len() - quoted.len()))]);
    }
    // The reader of YAML has a block begin where its text does, or at its sign in the line before.
    let own = file.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let next = start + first.find('\n')? + 1;
    [own, next].into_iter().find_map(|begin| block(file, begin, text))
}

/// The lines of a block that begins with a line of the file.
fn block(file: &str, begin: usize, text: &str) -> Option<Vec<(usize, usize)>> {
    let (mut inner, mut outer) = (0, begin);
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let written = file.get(outer..)?.split_inclusive('\n').next().unwrap_or_default();
        let indent = written.trim_end().strip_suffix(line.trim_end())?;
        if !indent.bytes().all(|it| it == b' ') {
            return None;
        }
        lines.push((inner, outer + indent.len()));
        inner += line.len();
        outer += written.len();
    }
    Some(lines)
}

/// The values of the one document of a text; none of what is not YAML.
#[must_use]
pub fn marks(text: &str) -> Vec<Mark> {
    document_marks(text).into_iter().next().unwrap_or_default()
}

/// The values of each document of a text that is not empty.
fn document_marks(text: &str) -> Vec<Vec<Mark>> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let start = |marker: &Marker| starts.get(marker.index()).copied().unwrap_or(text.len());
    let mut parser = Parser::new_from_str(text);
    let (mut documents, mut marks) = (Vec::new(), Vec::new());
    let mut is_empty = true;
    let mut frames: Vec<Frame> = Vec::new();
    while let Ok((event, marker)) = parser.next_token() {
        match event {
            Event::DocumentStart => is_empty = true,
            Event::Scalar(value, style, ..) => {
                is_empty &= style == TScalarStyle::Plain && matches!(value.as_str(), "" | "~" | "null");
                let bytes = scalar(text, start(&marker), &value, style);
                match frames.last_mut() {
                    Some(Frame::Mapping { key: key @ None, .. }) => *key = Some((value, bytes)),
                    _ => marks.extend(place(&mut frames, bytes)),
                }
            }
            Event::Alias(_) => drop(place(&mut frames, start(&marker)..start(&marker))),
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                is_empty = false;
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
            Event::DocumentEnd if !is_empty => documents.push(std::mem::take(&mut marks)),
            Event::StreamEnd => break,
            _ => {}
        }
    }
    documents
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
