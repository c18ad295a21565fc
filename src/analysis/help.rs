//! What helps beyond the message of the reader of policies, which is in the module and has to be short.

use policy::pattern::{HostPattern, OriginPattern, OriginRegex};
use serde_json::Value;

/// What helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Help {
    pub(crate) text: String,
    /// What can stand there instead, as it is written in JSON strings.
    pub(crate) replacement: Option<String>,
}

impl Help {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            replacement: None,
        }
    }

    fn writing(text: &str, replacement: String) -> Self {
        Self {
            text: format!("{text}: write `{replacement}`"),
            replacement: Some(replacement),
        }
    }
}

/// What helps with a finding about a value.
pub(crate) fn help(code: &str, path: &str, value: &Value) -> Option<Help> {
    match (code, value) {
        ("type_bool" | "type_number", Value::String(text)) => unquoted(code, path, text),
        ("type_list", Value::String(text)) => Some(listed(text)),
        ("type_list", Value::Null) => Some(Help::new("leave the key out where there is nothing to list")),
        (_, Value::String(text)) if path.contains("origins[") => origin_help(code, text),
        (_, Value::String(text)) if path.contains("hosts[") => host_help(code, text),
        _ => None,
    }
}

fn unquoted(code: &str, path: &str, text: &str) -> Option<Help> {
    let word = text.trim().to_ascii_lowercase();
    let plain = match (code, word.as_str()) {
        ("type_bool", "true" | "1" | "yes" | "on") => "true".to_owned(),
        ("type_bool", "false" | "0" | "no" | "off") => "false".to_owned(),
        ("type_number", digits) => {
            let number: u32 = digits.parse().ok()?;
            let is_in_range = match path.rsplit('.').next() {
                Some("max_age") => number <= 86400,
                _ => matches!(number, 400 | 403 | 404 | 421),
            };
            is_in_range.then(|| number.to_string())?
        }
        _ => return None,
    };
    Some(Help::writing("this is a string: write it without quotes", plain).shortened())
}

impl Help {
    /// Where the sentence already says what to write.
    fn shortened(mut self) -> Self {
        self.text = self.text.replacen(": write `", ", `", 1);
        self
    }
}

/// A text where a list belongs, perhaps one of several values.
fn listed(text: &str) -> Help {
    let values = text.split([',', ' ', ';']).map(str::trim).filter(|it| !it.is_empty());
    let values: Vec<_> = values.map(|it| Value::from(it).to_string()).collect();
    Help::writing(
        "this is one text, and a list is meant",
        format!("[{}]", values.join(", ")),
    )
}

fn origin_help(code: &str, text: &str) -> Option<Help> {
    if OriginPattern::parse(text).is_ok() {
        return single_label_help(code, text);
    }
    // What lets strangers in is not offered.
    let is_narrow = |it: &Help| {
        let pattern = it.replacement.as_ref().and_then(|it| OriginPattern::parse(it).ok());
        pattern.is_none_or(|it| !it.covers_single_label())
    };
    run_together(text)
        .or_else(|| range_help(text))
        .or_else(|| scheme_help(text))
        .or_else(|| extension_help(text))
        .or_else(|| any_scheme_help(text))
        .or_else(|| expression_help(text))
        .or_else(|| wildcard_help(text))
        .or_else(|| foreign_help(text))
        .filter(is_narrow)
}

/// Several origins in one text: with nothing between them, or with what separates them elsewhere.
fn run_together(text: &str) -> Option<Help> {
    let starts: Vec<_> = text.match_indices("://").map(|(at, _)| at).collect();
    let [_, _, ..] = starts.as_slice() else { return None };
    let mut origins = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let next = rest.get(at + 3..)?;
        // The next scheme begins where the letters before its `://` do.
        let end = next.find("://").map(|it| scheme_start(next, it));
        let end = end.map_or(rest.len(), |it| at + 3 + it);
        let one = rest.get(..end)?.trim_matches([' ', ',', ';', '|', '/']);
        origins.push(one.to_owned());
        rest = rest.get(end..)?;
    }
    let are_good = origins.iter().all(|it| OriginPattern::parse(it).is_ok());
    are_good.then(|| {
        let shown: Vec<_> = origins.iter().map(|it| Value::from(it.as_str()).to_string()).collect();
        Help::new(format!(
            "these are {} origins in one text: write {} as entries of their own",
            origins.len(),
            shown.join(", ")
        ))
    })
}

/// Where a scheme begins that ends at a place: one of the web, as the letters before it belong to the name of the site before.
fn scheme_start(text: &str, end: usize) -> usize {
    let before = text.get(..end).unwrap_or_default();
    let known = ["https", "http"].into_iter().find(|it| before.ends_with(it));
    end - known.map_or(0, str::len)
}

fn expression_help(text: &str) -> Option<Help> {
    let looks_like =
        text.starts_with('^') || text.ends_with('$') || text.contains(['\\', '(', '|']) || text.contains(".*");
    if !looks_like {
        return None;
    }
    let plain = text.trim_start_matches('^').trim_end_matches('$');
    // Most of them say "all subdomains".
    let simple = plain.replace("\\.", ".").replace("https?", "https");
    let simple = [
        "(.*\\.)?",
        "(.+\\.)?",
        ".*.",
        ".+.",
        "[^.]+.",
        "[a-z0-9-]+.",
        "[\\w-]+.",
        "\\w+.",
    ]
    .iter()
    .fold(simple, |it, part| it.replacen(&format!("://{part}"), "://*.", 1));
    if simple != plain && OriginPattern::parse(&simple).is_ok() {
        return Some(Help::writing("this is an expression, and a wildcard says it", simple));
    }
    let is_good = OriginRegex::parse(text).is_ok();
    is_good.then(|| {
        Help::new("this is an expression: move it to `allowed_origin_regexes`, where it must match the whole origin")
    })
}

fn range_help(text: &str) -> Option<Help> {
    let host = text.split_once("://").map_or(text, |(_, host)| host);
    let address = host.split(['/', ':', '-']).next()?;
    let parts: Vec<_> = address.split('.').collect();
    let is_part = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()) || *it == "*";
    let is_range = parts.len() >= 2 && parts.iter().all(is_part) && parts.iter().any(|it| it.parse::<u8>().is_ok());
    let is_range = is_range && (host.contains('*') || host.get(address.len()..)?.starts_with(['/', '-']));
    is_range.then(|| {
        Help::new("ranges of addresses are not for lists of names, as anybody on that network could be one of them: list each \
                   name or address")
    })
}

/// What stands before the host is nearly a scheme.
fn scheme_help(text: &str) -> Option<Help> {
    let lower = text.to_ascii_lowercase();
    let (scheme, rest) = ["https", "http"]
        .into_iter()
        .find_map(|it| Some((it, lower.strip_prefix(it)?)))?;
    let host = rest.trim_start_matches([':', '/', '\\', ' ', '.', ';']);
    let repaired = format!("{scheme}://{host}");
    let repaired = OriginPattern::parse(&repaired).map_or_else(|it| it.instead, |_| Some(repaired))?;
    (!rest.starts_with("://") && rest.starts_with([':', '/', '\\', ';']))
        .then(|| Help::writing("a scheme ends in `://`", repaired))
}

/// A page of an extension or an app shell.
fn extension_help(text: &str) -> Option<Help> {
    let (scheme, rest) = text.split_once("://")?;
    let per_installation = "[0-9a-f-]{36}";
    match scheme {
        "moz-extension" | "safari-web-extension" if rest.contains('*') => Some(Help::new(format!(
            "each installation of the browser makes up another host: write `{scheme}://{per_installation}` in \
             `allowed_origin_regexes`, which lets every extension read without cookies, and no more"
        ))),
        "chrome-extension" if rest.contains('*') => Some(Help::new(
            "list the extension by its identifier, which is the same for everybody: `chrome-extension://<32 letters a to p>`",
        )),
        "vscode-webview" if rest.contains('*') => Some(Help::new(
            "each view makes up another host: write `vscode-webview://[0-9a-z]+` in `allowed_origin_regexes`, which lets \
             every one read without cookies, and no more",
        )),
        "file" => Some(Help::new(
            "pages from files send `Origin: null`, which any site can send: serve the page from a site",
        )),
        _ => None,
    }
}

/// A star for the scheme.
fn any_scheme_help(text: &str) -> Option<Help> {
    let host = text.strip_prefix("*://").filter(|it| *it != "*")?;
    let written = format!("https://{host}");
    let pattern = OriginPattern::parse(&written).ok()?;
    let help = Help::writing(
        "a scheme has no wildcard, and a page of http is another site",
        pattern.to_string(),
    );
    Some(help)
}

/// Wildcards as other gateways have them.
fn wildcard_help(text: &str) -> Option<Help> {
    match text {
        "https://*" | "http://*" | "*://*" | "**" | "https://**" | "*.*" | "https://*:*" => {
            return Some(Help::new(
                "any origin is `*` here, which lets pages read without cookies and no more; for your own write \
                 `https://*.your-domain.example`",
            ));
        }
        _ => {}
    }
    let (scheme, host) = text.split_once("://").unwrap_or(("https", text));
    let scheme = if scheme == "*" { "https" } else { scheme };
    let domain = host.trim_start_matches(['*', '.']).trim_end_matches('/');
    if domain.len() == host.trim_end_matches('/').len() {
        return None;
    }
    let wildcard = format!("{scheme}://*.{domain}");
    OriginPattern::parse(&wildcard).is_ok().then(|| {
        Help::writing(
            "all subdomains, and not the domain itself, are a `*.` after the scheme",
            wildcard,
        )
    })
}

/// A name in letters of another script.
fn foreign_help(text: &str) -> Option<Help> {
    let (scheme, host) = text.split_once("://")?;
    let ascii = to_ascii(host)?;
    let written = format!("{scheme}://{ascii}");
    OriginPattern::parse(&written)
        .is_ok()
        .then(|| Help::writing("browsers send the ASCII form of a name", written))
}

fn to_ascii(host: &str) -> Option<String> {
    if host.is_ascii() {
        return None;
    }
    let labels = host.split('.').map(|label| match label.is_ascii() {
        true => Some(label.to_owned()),
        false => idna::punycode::encode_str(&label.to_lowercase()).map(|it| format!("xn--{it}")),
    });
    labels.collect::<Option<Vec<_>>>().map(|it| it.join("."))
}

/// A wildcard over a single label is refused or warned of also where nobody registers names.
fn single_label_help(code: &str, text: &str) -> Option<Help> {
    let top = text.rsplit("*.").next()?.split(':').next()?;
    let is_private = [
        "internal", "local", "lan", "corp", "home", "intranet", "private", "test",
    ]
    .contains(&top);
    let is_single = matches!(code, "origin_single_label" | "host_single_label");
    (is_single && is_private).then(|| {
        Help::new(format!(
            "`.{top}` is a private name, and whoever names a machine of that network is let in all the same: write one more \
             label, as in `https://*.your-team.{top}`, or list the names"
        ))
    })
}

fn host_help(code: &str, text: &str) -> Option<Help> {
    if HostPattern::parse(text).is_ok() {
        return single_label_help(code, text.trim_start_matches('.'));
    }
    if let Some(help) = range_help(text) {
        return Some(help);
    }
    if text.contains(',') || text.contains(' ') {
        let hosts: Vec<_> = text.split([',', ' ']).filter(|it| !it.is_empty()).collect();
        let are_good = hosts.len() > 1 && hosts.iter().all(|it| HostPattern::parse(it).is_ok());
        let shown: Vec<_> = hosts.iter().map(|it| Value::from(*it).to_string()).collect();
        return are_good.then(|| {
            Help::new(format!(
                "these are {} hosts in one text: write {} as entries of their own",
                hosts.len(),
                shown.join(", ")
            ))
        });
    }
    if text.starts_with('^') || text.ends_with('$') || text.contains('\\') {
        return Some(Help::new(
            "hosts have no expressions: `.domain` is the domain and every name below it",
        ));
    }
    let ascii = to_ascii(text)?;
    HostPattern::parse(&ascii)
        .is_ok()
        .then(|| Help::writing("requests carry the ASCII form of a name", ascii))
}
