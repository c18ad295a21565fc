//! Writing what [`compiled`](super::compiled) reads, and reading it back as a policy's text.

use std::sync::Arc;

use super::compiled::{KEY, NAME, Source, VERSION};
use super::convert::to_json;
use super::object_reader::{LIST, list_of};
use super::text::parse;
use super::value::Value;
use super::{hash, show};
use data_encoding::BASE64;
use policy::pattern::{OriginParts, OriginPattern};
use policy::set::{ExactOrigins, OriginSetBuilder};

/// How many origins without a wildcard a list has at least for [`compile`] to take them out of the policy's text. What is
/// shorter loads at once, and its warnings are logged where the policy is loaded.
pub const LONG: usize = 256;

/// Compiles a policy that loads: its long lists of origins, those of at least so many, become what is looked up in place. `None`
/// if it is no policy.
#[must_use]
pub fn compile(configuration: &[u8], long: usize) -> Option<Vec<u8>> {
    let mut root = parse(configuration).ok()?;
    let mut lists = Vec::new();
    visit_lists(&mut root, &mut |items| compile_list(items, long, &mut lists));
    let json = to_json(&Value::Object(root)).to_string();
    let digest = show(hash(configuration));
    let head = [digest.as_bytes(), b"\n", json.as_bytes(), b"\n"].concat();
    let body = [&head[..], &lists.concat()].concat();
    let checksum = show(hash(&body));
    Some([NAME, VERSION, b"\n", checksum.as_bytes(), b"\n", &body].concat())
}

/// The same as a configuration for what carries text only.
#[must_use]
pub fn inline(compiled: &[u8]) -> String {
    format!("{{\"{KEY}\": \"{}\"}}\n", BASE64.encode(compiled))
}

/// The text of a policy that was compiled; anything else stays as it is.
///
/// # Errors
///
/// Why a compiled policy cannot be read.
pub fn decompile(configuration: Vec<u8>) -> Result<Vec<u8>, String> {
    let is_inline = |root: &[(String, Value)]| root.iter().any(|(key, _)| key == KEY);
    if !configuration.starts_with(NAME) && !parse(&configuration).is_ok_and(|root| is_inline(&root)) {
        return Ok(configuration);
    }
    let mut source = Source::read(configuration).map_err(|it| it.to_string())?;
    visit_lists(&mut source.root, &mut |items| expand_list(items, &source.lists));
    Ok(to_json(&Value::Object(source.root)).to_string().into_bytes())
}

/// Calls `visit` for each list of origins, at the top and in entries of `policies`.
fn visit_lists(rules: &mut [(String, Value)], visit: &mut dyn FnMut(&mut Vec<Value>)) {
    for (key, value) in rules {
        match (key.as_str(), value) {
            ("allowed_origins" | "trusted_origins", Value::List(items)) => visit(items),
            ("csrf", Value::Object(section)) => visit_lists(section, visit),
            ("policies", Value::List(entries)) => {
                for entry in entries {
                    if let Value::Object(entry) = entry {
                        visit_lists(entry, visit);
                    }
                }
            }
            _ => {}
        }
    }
}

fn compile_list(items: &mut Vec<Value>, long: usize, lists: &mut Vec<Vec<u8>>) {
    let mut builder = OriginSetBuilder::default();
    let mut count = 0;
    let rest: Vec<_> = items
        .iter()
        .filter(|item| {
            let parts = item.as_text().and_then(|it| OriginParts::parse(it).ok().flatten());
            let Some(parts) = parts.filter(|it| !it.has_wildcard()) else {
                return true;
            };
            count += 1;
            builder.add(Some(&parts));
            false
        })
        .cloned()
        .collect();
    if count == 0 || count < long {
        return;
    }
    let list = [builder.finish(&mut false).exact().lines(), b"\n"].concat();
    let at = lists.iter().position(|it| *it == list).unwrap_or_else(|| {
        lists.push(list);
        lists.len() - 1
    });
    let list = Value::String(format!("{LIST}{at}"));
    *items = [list].into_iter().chain(rest).collect();
}

/// Writes the origins of a list where the entry stands that stands for it.
fn expand_list(items: &mut Vec<Value>, lists: &[Arc<ExactOrigins>]) {
    let written = |item: Value| match item.as_text().and_then(|it| list_of(it, lists)) {
        Some(list) => list.iter().map(origin).collect(),
        None => vec![item],
    };
    *items = std::mem::take(items).into_iter().flat_map(written).collect();
}

fn origin(parts: OriginParts<'_>) -> Value {
    Value::String(OriginPattern::from(Some(parts)).to_string())
}
