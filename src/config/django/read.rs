//! What variables of the environment say, in the forms that Django's projects read there.

use policy::text::split_once;

use super::super::value::Value;

/// `a,b`, `a b` or `["a", "b"]`.
pub(crate) fn list(text: &str) -> Result<Value, String> {
    items(text).map(Value::List)
}

fn items(text: &str) -> Result<Vec<Value>, String> {
    let text = text.trim();
    if is_json_list(text) {
        return match serde_json::from_slice(text.as_bytes()) {
            Ok(Value::List(items)) => Ok(items),
            _ => Err("this begins like a JSON list and is none; write `a,b` or `[\"a\", \"b\"]`".to_owned()),
        };
    }
    let items = text
        .split(|char: char| char == ',' || char.is_whitespace())
        .filter(|item| !item.is_empty());
    Ok(items.map(Value::from).collect())
}

/// Like [`list`], but a comma separates only where another expression begins after it. Python's strict end, `\Z`, is
/// `$` here.
pub(crate) fn regexes(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let strict_end = |text: &str| {
        text.strip_suffix("\\Z")
            .map_or(text.to_owned(), |text| format!("{text}$"))
    };
    if is_json_list(text) {
        let items = items(text)?.into_iter().map(|item| match item {
            Value::String(text) => Value::String(strict_end(&text)),
            other => other,
        });
        return Ok(Value::List(items.collect()));
    }
    let mut expressions = Vec::new();
    for word in text.split_whitespace() {
        let begins = |rest: &str| rest.starts_with('^') || rest.starts_with("http") || rest.is_empty();
        let mut rest = word;
        while let Some(comma) = rest
            .match_indices(',')
            .map(|(at, _)| at)
            .find(|at| rest.get(at + 1..).is_some_and(begins))
        {
            expressions.extend(
                rest.get(..comma)
                    .filter(|it| !it.is_empty())
                    .map(|it| Value::String(strict_end(it))),
            );
            rest = rest.get(comma + 1..).unwrap_or_default();
        }
        expressions.extend(
            Some(rest)
                .filter(|it| !it.is_empty())
                .map(|it| Value::String(strict_end(it))),
        );
    }
    Ok(Value::List(expressions))
}

/// Whether this is meant for JSON: `[a]` may be an expression, and `[::1]` an address.
fn is_json_list(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']') && (text.contains('"') || text == "[]")
}

/// Django's `https://*.domain` covers the domain too.
pub(crate) fn trusted_origins(text: &str) -> Result<Value, String> {
    let mut items = items(text)?;
    let apexes = items.iter().filter_map(|item| match item {
        Value::String(text) => split_once(text, "://*.")
            .filter(|(_, domain)| !domain.contains('*'))
            .map(|(scheme, domain)| format!("{scheme}://{domain}")),
        _ => None,
    });
    let apexes: Vec<_> = apexes.map(Value::String).filter(|apex| !items.contains(apex)).collect();
    items.extend(apexes);
    Ok(Value::List(items))
}

pub(crate) fn boolean(text: &str) -> Result<Value, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Value::Bool(true)),
        "0" | "false" | "no" | "off" | "" => Ok(Value::Bool(false)),
        _ => Err("one of `1`, `true`, `yes`, `on`, `0`, `false`, `no`, `off` is expected here".to_owned()),
    }
}

pub(crate) fn number(text: &str) -> Result<Value, String> {
    match text.trim().parse::<u32>() {
        Ok(number) => Ok(Value::Number(number.into())),
        Err(_) => Err("a whole number of seconds is expected here".to_owned()),
    }
}
