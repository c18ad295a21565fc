//! The address in a command, a message or an archive.

use super::Facts;

/// The scheme of the request that an address with this one asks for, and whether that is for a WebSocket.
pub(crate) fn asked_by(scheme: &str) -> Option<(&'static str, bool)> {
    match scheme {
        "http" => Some(("http", false)),
        "https" => Some(("https", false)),
        "ws" => Some(("http", true)),
        "wss" => Some(("https", true)),
        _ => None,
    }
}

impl Facts {
    /// Takes host, path and scheme from an address.
    ///
    /// # Errors
    ///
    /// If it is not the address of a request.
    pub(super) fn address(&mut self, text: &str) -> Result<(), String> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            // As curl takes it.
            None => ("http".to_owned(), text),
        };
        let (scheme, is_socket) = asked_by(&scheme)
            .ok_or_else(|| format!("`{scheme}:` is not a scheme of a request: http, https, ws or wss is"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        if host.contains(['$', '{', '`', '%']) {
            return Err(format!("`{authority}` holds a variable of a shell: write out the host"));
        }
        if host.is_empty() {
            return Err(format!("`{text}` names no host"));
        }
        let path = path.split('#').next().unwrap_or_default();
        let default = match scheme {
            "http" => ":80",
            _ => ":443",
        };
        self.host = Some(host.strip_suffix(default).unwrap_or(host).to_ascii_lowercase());
        self.scheme = Some(scheme.to_owned());
        self.websocket |= is_socket;
        self.path = Some(match path {
            path if path.starts_with('/') => path.replace(' ', "%20"),
            path => format!("/{path}"),
        });
        Ok(())
    }
}
