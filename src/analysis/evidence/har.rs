//! A browser's archive of requests (HAR 1.2).

use serde_json::Value;

use super::Facts;

/// A request of an archive.
#[derive(Clone, Debug)]
pub(super) struct Archived {
    /// What it says of the request.
    pub(super) facts: Facts,
    /// Whether the server answered as one that serves the host: what is not of this policy is often in an archive too.
    pub(super) is_answered: bool,
}

/// Reads an archive.
///
/// # Errors
///
/// If it is none.
pub(super) fn archive(text: &str) -> Result<Vec<Archived>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let archive: Value = serde_json::from_str(text).map_err(|error| {
        format!("--har: this is no archive: {error}; export it from the network panel (\"Save all as HAR\")")
    })?;
    let entries = archive.pointer("/log/entries").and_then(Value::as_array);
    let entries = entries.ok_or("--har: this is JSON, and no archive: it has no `log.entries`")?;
    let pages = archive.pointer("/log/pages").and_then(Value::as_array);
    let page_of = |entry: &Value| {
        let id = entry.get("pageref")?.as_str()?;
        let page = pages?
            .iter()
            .find(|it| it.get("id").and_then(Value::as_str) == Some(id))?;
        origin_of(page.get("title")?.as_str()?)
    };
    Ok(entries
        .iter()
        .filter_map(|entry| archived(entry, page_of(entry)))
        .collect())
}

/// The origin of an address, as browsers send it.
fn origin_of(address: &str) -> Option<String> {
    let origin = url::Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn archived(entry: &Value, page: Option<String>) -> Option<Archived> {
    let request = entry.get("request")?;
    let mut facts = Facts {
        method: Some(request.get("method")?.as_str()?.to_owned()),
        ..Facts::default()
    };
    // `data:`, `blob:` and extensions' addresses are in archives too.
    facts.address(request.get("url")?.as_str()?).ok()?;
    for (name, value) in fields(request) {
        match name.as_str() {
            ":authority" | "host" => {}
            "origin" => facts.origin = Some(value),
            "upgrade" if value.eq_ignore_ascii_case("websocket") => facts.websocket = true,
            "connection" | "sec-websocket-key" | "sec-websocket-version" | "content-length" => {}
            name if name.starts_with(':') => {}
            name => facts.header(name, &value),
        }
    }
    let kind = entry.get("_resourceType").and_then(Value::as_str).unwrap_or_default();
    facts.websocket |= kind == "websocket";
    facts.is_xhr = kind == "xhr";
    let response = entry.get("response");
    let status = response
        .and_then(|it| it.get("status"))
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let is_answered = (200..400).contains(&status);
    if facts.origin.is_none() {
        facts.origin = guessed_origin(&facts, kind, page);
    }
    if is_answered {
        facts.status = u16::try_from(status).ok();
        let is_of_backend =
            |name: &str| !name.starts_with(':') && !name.starts_with("access-control-") && name != "vary";
        let lines = response
            .into_iter()
            .flat_map(fields)
            .filter(|(name, _)| is_of_backend(name));
        facts.response = lines.map(|(name, value)| format!("{name}: {value}")).collect();
    }
    Some(Archived { facts, is_answered })
}

/// Where the headers were not recorded, as of a request that the browser refused: the page's origin, if a script of it asked
/// another one.
fn guessed_origin(facts: &Facts, kind: &str, page: Option<String>) -> Option<String> {
    let own = facts
        .scheme
        .as_ref()
        .zip(facts.host.as_ref())
        .map(|(scheme, host)| format!("{scheme}://{host}"));
    let referrer = facts
        .headers
        .iter()
        .find_map(|it| origin_of(it.strip_prefix("referer:")?.trim()));
    let is_script = facts.websocket || matches!(kind, "fetch" | "xhr" | "preflight" | "font");
    referrer.or(page).filter(|it| is_script && Some(it) != own.as_ref())
}

/// The headers of a request or response, names in lower case.
fn fields(message: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    let fields = message.get("headers").and_then(Value::as_array).into_iter().flatten();
    fields.filter_map(|it| {
        let name = it.get("name")?.as_str()?.to_ascii_lowercase();
        let value = it.get("value")?.as_str()?;
        // Several cookies stand in one field, a line each.
        Some((name, value.replace(['\r', '\n'], " ")))
    })
}
