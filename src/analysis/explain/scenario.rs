//! A request that a person describes by its host, origin and the like.

use super::{Exchange, Line};
use policy::headers::is_token;

/// A request as a person describes it.
#[derive(Clone, Debug, Default)]
pub struct Scenario<'a> {
    /// The host, perhaps with a port.
    pub host: Option<&'a str>,
    /// The origin of the page.
    pub origin: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// The path, perhaps with a query.
    pub path: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Whether it opens a WebSocket.
    pub websocket: bool,
    /// Other headers, as `name: value`.
    pub headers: &'a [String],
    /// The status of the backend's response; by default one of success.
    pub status: Option<u16>,
    /// The headers of the backend's response, as `name: value`.
    pub response: &'a [String],
}

impl Scenario<'_> {
    /// The request as a proxy would show it, and a plain response to it.
    ///
    /// # Errors
    ///
    /// What could not be sent in any request.
    pub fn exchange(&self) -> Result<Exchange, String> {
        if !is_token(self.method.as_bytes()) {
            return Err(format!("--method: `{}` is not a method", self.method.escape_debug()));
        }
        let path_problem = match self.path {
            path if !path.starts_with('/') => Some("a path begins with `/`"),
            path if path.contains(|it: char| it.is_control() || it == ' ') => {
                Some("a path has no spaces or control characters; percent-encode them")
            }
            _ => None,
        };
        if let Some(problem) = path_problem {
            return Err(format!("--path: `{}`: {problem}", self.path.escape_debug()));
        }
        let mut request = vec![
            line(":method", self.method),
            line(":path", self.path),
            line(":scheme", self.scheme),
        ];
        request.extend(self.host.map(|host| line(":authority", host)));
        request.extend(self.origin.map(|origin| line("origin", origin)));
        request.extend(lines("-H", self.headers)?);
        if !request.iter().any(|(name, _)| name == ":authority" || name == "host") {
            return Err("--host is missing: say which host the request asks for".to_owned());
        }
        if self.websocket {
            request.push(line("connection", "Upgrade"));
            request.push(line("upgrade", "websocket"));
            request.push(line("sec-websocket-version", "13"));
            request.push(line("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="));
        }
        if let Some((name, value)) = request.iter().find(|(_, value)| value.iter().any(u8::is_ascii_control)) {
            return Err(format!(
                "{name}: `{}`: no header carries control characters",
                value.escape_ascii()
            ));
        }
        let status = match self.status {
            Some(status) => status.to_string(),
            None if self.websocket => "101".to_owned(),
            None => "200".to_owned(),
        };
        let mut response = vec![line(":status", &status)];
        response.extend(lines("--response-header", self.response)?);
        Ok(Exchange { request, response })
    }
}

/// The lines of headers that an option gives.
fn lines(option: &str, headers: &[String]) -> Result<Vec<Line>, String> {
    let lines = headers.iter().map(|header| {
        let (name, value) = header
            .split_once(':')
            .filter(|(name, _)| is_token(name.as_bytes()))
            .ok_or_else(|| format!("{option}: `{}`: write `name: value`", header.escape_debug()))?;
        Ok(line(&name.to_ascii_lowercase(), value.trim()))
    });
    lines.collect()
}

fn line(name: &str, value: &str) -> Line {
    (name.to_owned(), value.as_bytes().to_vec())
}
