//! A request as the options of `origin-gate explain`, as data, and as what may be shown to others.

use serde_json::{Value, json};

use super::{Evidence, Facts};

/// What stands for a value that decides nothing.
const HIDDEN: &str = "(hidden)";

/// The headers whose values decide; of all others it is enough that they are there.
const DECIDES: [&str; 10] = [
    "connection",
    "content-type",
    "forwarded",
    "host",
    "origin",
    "sec-websocket-version",
    "upgrade",
    "x-forwarded-host",
    "x-forwarded-proto",
    "vary",
];

impl Evidence<'_> {
    /// The option that gives it.
    #[must_use]
    pub fn option(&self) -> String {
        let (name, text) = match self {
            Self::Curl(text) => ("curl", text),
            Self::Console(text) => ("console", text),
            Self::Log(text) => ("log", text),
        };
        format!("--{name} {}", quoted(text))
    }
}

impl Facts {
    /// The options that describe it.
    #[must_use]
    pub fn options(&self) -> String {
        let values = [
            ("--host", &self.host),
            ("--origin", &self.origin),
            ("--method", &self.method),
            ("--path", &self.path),
            ("--scheme", &self.scheme),
        ];
        let values = values
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        let lines =
            |name: &'static str, lines: &[String]| -> Vec<_> { lines.iter().map(|it| (name, it.clone())).collect() };
        let status = self.status.map(|it| ("--response-status", it.to_string()));
        let all = values
            .chain(lines("-H", &self.headers))
            .chain(status)
            .chain(lines("--response-header", &self.response));
        let mut options: Vec<_> = all.map(|(name, value)| format!("{name} {}", quoted(&value))).collect();
        if self.websocket {
            options.push("--websocket".to_owned());
        }
        options.join(" ")
    }

    /// The same without what decides nothing and may be secret: values of other headers, and queries.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let hide = |line: &String| match line.split_once(':') {
            Some((name, _)) if !decides(name) => format!("{name}: {HIDDEN}"),
            _ => line.clone(),
        };
        Self {
            path: self
                .path
                .as_ref()
                .map(|it| it.split('?').next().unwrap_or_default().to_owned()),
            headers: self.headers.iter().map(hide).collect(),
            response: self.response.iter().map(hide).collect(),
            ..self.clone()
        }
    }

    /// As data, by the names of the options.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "host": self.host,
            "origin": self.origin,
            "method": self.method,
            "path": self.path,
            "scheme": self.scheme,
            "websocket": self.websocket,
            "headers": self.headers,
            "status": self.status,
            "response": self.response,
        })
    }
}

fn decides(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let begins = ["access-control-", "sec-fetch-"];
    DECIDES.contains(&name.as_str()) || begins.iter().any(|it| name.starts_with(it))
}

/// A word as a shell reads it.
fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), |it| it.into_owned())
}
