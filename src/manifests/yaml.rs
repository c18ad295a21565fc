//! YAML that is no larger than it looks.

use std::collections::BTreeMap;

use super::node::Node;

use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::TScalarStyle;
use yaml_rust2::{Event, ScanError, Yaml, YamlLoader};

/// Reads the documents of a file, if they are nested no deeper and refer to themselves no more than manifests do: the
/// loader calls itself for each level, and copies what is referred to.
///
/// # Errors
///
/// Why the text is no YAML, with its line and column, or that it is nested too deep or uses `<<`.
pub fn load(text: &str) -> Result<Vec<Yaml>, String> {
    const DEEPEST: usize = 64;
    const MOST_COPIED: usize = 1 << 20;
    let not_yaml = |error: ScanError| format!("this is not YAML: {error}");
    let mut parser = Parser::new_from_str(text);
    // The nodes that are open, with their anchors and how large they are so far, and the size of what has an anchor.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut sizes = BTreeMap::new();
    let mut copied = 0_usize;
    loop {
        let closed = match parser.next_token().map_err(not_yaml)?.0 {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push((anchor, 1));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop(),
            Event::Scalar(text, TScalarStyle::Plain, ..) if text == "<<" => {
                return Err("`<<` is not followed: write out what it stands for".to_owned());
            }
            Event::Scalar(text, _, anchor, _) => Some((anchor, text.len().saturating_add(1))),
            Event::Alias(anchor) => {
                let size = sizes.get(&anchor).copied().unwrap_or_default();
                copied = copied.saturating_add(size);
                Some((0, size))
            }
            Event::StreamEnd => return YamlLoader::load_from_str(text).map_err(not_yaml),
            _ => None,
        };
        if let Some((anchor, size)) = closed {
            if anchor > 0 {
                sizes.insert(anchor, size);
            }
            if let Some((_, whole)) = open.last_mut() {
                *whole = whole.saturating_add(size);
            }
        }
        if open.len() > DEEPEST || copied > MOST_COPIED {
            return Err("this YAML is nested too deep, or refers to itself too often".to_owned());
        }
    }
}

/// Reads the documents of a file in JSON or YAML, those aside that are empty. What begins as JSON is not read as YAML, which
/// takes more than JSON.
///
/// # Errors
///
/// Why the text is neither.
pub fn documents(text: &str) -> Result<Vec<Node>, String> {
    if begins_as_json(text) {
        let node = serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
        return Ok(vec![node]);
    }
    let nodes = load(text)?.iter().map(Node::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(nodes.into_iter().filter(|it| *it != Node::Null).collect())
}

/// Whether a text is meant to be JSON.
pub(crate) fn begins_as_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '['])
}
