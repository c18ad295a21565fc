//! Writes a policy as people write one: a list or an object on one line where it is short.

use super::node::Node;

/// The longest line that is not broken.
const WIDTH: usize = 80;

/// How values are written that have lines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Yaml,
}

/// Writes an object's keys, a line each or several, at an indentation.
pub(crate) fn lines(node: &Node, syntax: Syntax, indentation: usize) -> String {
    let mut text = String::new();
    match syntax {
        Syntax::Json => {
            pad(&mut text, indentation);
            json(node, indentation, &mut text);
            text.push('\n');
        }
        Syntax::Yaml => yaml(node, indentation, &mut text),
    }
    text
}

fn json(node: &Node, indentation: usize, text: &mut String) {
    let (open, close, keys): (_, _, Vec<_>) = match node {
        Node::Array(items) => ('[', ']', items.iter().map(|it| (String::new(), it)).collect()),
        node => {
            let keys = node.entries().iter().map(|(key, it)| (quoted(key) + ": ", it));
            ('{', '}', keys.collect())
        }
    };
    let inner = indentation.saturating_add(2);
    text.push(open);
    for (at, (key, value)) in keys.into_iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        pad(text, inner);
        text.push_str(&key);
        match is_long(value) {
            true => json(value, inner, text),
            false => text.push_str(&on_one_line(value, Syntax::Json)),
        }
    }
    text.push('\n');
    pad(text, indentation);
    text.push(close);
}

fn yaml(node: &Node, indentation: usize, text: &mut String) {
    for (key, value) in node.entries() {
        pad(text, indentation);
        text.push_str(&yaml_key(key));
        text.push(':');
        yaml_value(value, indentation.saturating_add(2), text);
    }
}

/// What follows a `:` or a `-`, to the end of its line or of the lines below.
fn yaml_value(value: &Node, indentation: usize, text: &mut String) {
    match value {
        Node::Object(_) if is_long(value) => {
            text.push('\n');
            yaml(value, indentation, text);
        }
        Node::Array(items) if is_long(value) => {
            text.push('\n');
            for item in items {
                pad(text, indentation);
                text.push_str("- ");
                match item {
                    Node::Object(_) if is_long(item) => {
                        let mut inner = String::new();
                        yaml(item, indentation.saturating_add(2), &mut inner);
                        text.push_str(inner.trim_start());
                    }
                    _ => {
                        text.push_str(&on_one_line(item, Syntax::Yaml));
                        text.push('\n');
                    }
                }
            }
        }
        _ => {
            text.push(' ');
            text.push_str(&on_one_line(value, Syntax::Yaml));
            text.push('\n');
        }
    }
}

/// Whether it is broken into lines. A string is not.
fn is_long(node: &Node) -> bool {
    matches!(node, Node::Array(_) | Node::Object(_)) && on_one_line(node, Syntax::Json).len() > WIDTH
}

fn on_one_line(node: &Node, syntax: Syntax) -> String {
    match node {
        Node::Array(items) => {
            let items: Vec<_> = items.iter().map(|it| on_one_line(it, syntax)).collect();
            format!("[{}]", items.join(", "))
        }
        Node::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Node::Object(entries) => {
            let key = |key: &str| match syntax {
                Syntax::Json => quoted(key),
                Syntax::Yaml => yaml_key(key),
            };
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), on_one_line(value, syntax)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        scalar => serde_json::to_string(scalar).unwrap_or_default(),
    }
}

/// A string of JSON, which is one of YAML too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A key; those of policies are no words that YAML takes for anything else.
fn yaml_key(key: &str) -> String {
    let is_plain = key.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    if is_plain { key.to_owned() } else { quoted(key) }
}

fn pad(text: &mut String, indentation: usize) {
    text.extend(std::iter::repeat_n(' ', indentation));
}
