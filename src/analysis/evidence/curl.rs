//! A `curl` command, as browsers copy it and as people type it.

use super::Facts;
use super::words::words;

/// What a short option with a value stands for.
const SHORT_WITH_VALUE: &str = "AbcCdDeEFHKmoPQrtTuUwxXyYz";

/// The long options with a value; what is not here has none.
const LONG_WITH_VALUE: [&str; 92] = [
    "abstract-unix-socket",
    "aws-sigv4",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "ciphers",
    "config",
    "connect-timeout",
    "connect-to",
    "continue-at",
    "cookie",
    "cookie-jar",
    "create-file-mode",
    "crlfile",
    "curves",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "dns-servers",
    "doh-url",
    "dump-header",
    "egd-file",
    "engine",
    "etag-compare",
    "etag-save",
    "expect100-timeout",
    "form",
    "form-string",
    "happy-eyeballs-timeout-ms",
    "header",
    "hostpubmd5",
    "interface",
    "ipfs-gateway",
    "json",
    "keepalive-time",
    "key",
    "key-type",
    "limit-rate",
    "local-port",
    "login-options",
    "max-filesize",
    "max-redirs",
    "max-time",
    "netrc-file",
    "noproxy",
    "oauth2-bearer",
    "output",
    "output-dir",
    "parallel-max",
    "pass",
    "pinnedpubkey",
    "preproxy",
    "proto",
    "proto-default",
    "proto-redir",
    "proxy",
    "proxy-cacert",
    "proxy-header",
    "proxy-user",
    "pubkey",
    "quote",
    "random-file",
    "range",
    "rate",
    "referer",
    "request",
    "request-target",
    "resolve",
    "retry",
    "retry-delay",
    "retry-max-time",
    "service-name",
    "socks4",
    "socks4a",
    "socks5",
    "socks5-hostname",
    "speed-limit",
    "speed-time",
    "stderr",
    "time-cond",
    "tls-max",
    "tls13-ciphers",
    "trace",
    "trace-ascii",
    "unix-socket",
    "upload-file",
    "url",
    "user",
    "user-agent",
];

const NOT_CURL: &str =
    "--curl: this does not begin with `curl`: paste the command that the browser's \"Copy as cURL\" gives";

/// Reads a command.
pub(super) fn facts(command: &str) -> Result<Facts, String> {
    let words = words(command.trim().trim_start_matches(['$', '#', '>']).trim_start())
        .map_err(|problem| format!("--curl: {problem}"))?;
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    if !matches!(name, "curl" | "curl.exe") {
        return Err(NOT_CURL.to_owned());
    }
    let mut read = Read::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--next" | ":" => break,
            "|" | ";" | "&&" | ">" | "2>&1" => break,
            _ if word.starts_with("--") => read.long(word.trim_start_matches('-'), &mut words),
            _ if word.starts_with('-') && word.len() > 1 => read.short(word.get(1..).unwrap_or_default(), &mut words),
            _ => read.urls.push(word),
        }
    }
    read.facts()
}

/// What the options say.
#[derive(Default)]
struct Read {
    facts: Facts,
    urls: Vec<String>,
    method: Option<String>,
    has_data: bool,
    has_form: bool,
    is_get: bool,
    is_head: bool,
    is_upload: bool,
    is_json: bool,
    follows: bool,
}

impl Read {
    fn long(&mut self, option: &str, words: &mut impl Iterator<Item = String>) {
        let value = match option {
            option if LONG_WITH_VALUE.contains(&option) => words.next().unwrap_or_default(),
            _ => String::new(),
        };
        self.take(option, value);
    }

    /// Several short options stand in one word, and the value of the last may be glued to it.
    fn short(&mut self, letters: &str, words: &mut impl Iterator<Item = String>) {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let mut value = String::new();
            if SHORT_WITH_VALUE.contains(letter) {
                value = letters.as_str().to_owned();
                letters = "".chars();
                if value.is_empty() {
                    value = words.next().unwrap_or_default();
                }
            }
            let long = match letter {
                'X' => "request",
                'H' => "header",
                'd' => "data",
                'F' => "form",
                'I' => "head",
                'G' => "get",
                'T' => "upload-file",
                'u' => "user",
                'b' => "cookie",
                'A' => "user-agent",
                'e' => "referer",
                'r' => "range",
                'L' => "location",
                _ => continue,
            };
            self.take(long, value);
        }
    }

    fn take(&mut self, option: &str, value: String) {
        match option {
            "request" => self.method = Some(value),
            "header" => self.header(&value),
            "url" => self.urls.push(value),
            "json" => (self.has_data, self.is_json) = (true, true),
            "form" | "form-string" => self.has_form = true,
            "head" => self.is_head = true,
            "get" => self.is_get = true,
            "location" => self.follows = true,
            "upload-file" => self.is_upload = true,
            "user" => self.facts.header("authorization", "Basic (hidden)"),
            "oauth2-bearer" => self.facts.header("authorization", "Bearer (hidden)"),
            // Without `=` it is a file of cookies.
            "cookie" if value.contains('=') => self.facts.header("cookie", &value),
            "user-agent" => self.facts.header("user-agent", &value),
            "referer" => self.facts.header("referer", &value),
            "range" => self.facts.header("range", &format!("bytes={value}")),
            option if option.starts_with("data") => self.has_data = true,
            _ => {}
        }
    }

    fn header(&mut self, line: &str) {
        let is_file = line.starts_with('@');
        match line.split_once(':') {
            // `Name:` takes a header out, `Name;` sends it empty.
            // A name that begins with `:` is a pseudo-header, as browsers copy them.
            Some((name, value)) if name.is_empty() || value.trim().is_empty() || is_file => {}
            Some((name, value)) => self.facts.header(name.trim(), value.trim()),
            None => {
                if let Some(name) = line.strip_suffix(';') {
                    self.facts.header(name.trim(), "");
                }
            }
        }
    }

    fn facts(self) -> Result<Facts, String> {
        let kind = self.content_type();
        let implied = self.implied_method();
        let Self { mut facts, .. } = self;
        let url = self
            .urls
            .first()
            .ok_or("--curl: the command has no address: copy the whole command")?;
        facts.address(url).map_err(|problem| format!("--curl: {problem}"))?;
        if self.urls.len() > 1 {
            facts.notes.push(format!(
                "the command asks for several addresses; this is about the first, {url}"
            ));
        }
        if let Some(host) = facts.take("host") {
            facts.host = Some(host);
        }
        if let Some(kind) = kind.filter(|_| !facts.has("content-type")) {
            facts.header("content-type", kind);
        }
        facts.method = Some(self.method.unwrap_or_else(|| implied.to_owned()));
        facts.origin = facts.take("origin");
        facts.read_handshake();
        if facts.origin.is_none() {
            facts.notes.push(NO_ORIGIN.to_owned());
        } else if self.follows {
            facts.notes.push(FOLLOWS.to_owned());
        }
        Ok(facts)
    }

    /// The `Content-Type` that curl adds.
    fn content_type(&self) -> Option<&'static str> {
        match () {
            () if self.is_json => Some("application/json"),
            () if self.has_form => Some("multipart/form-data"),
            () if self.has_data && !self.is_get => Some("application/x-www-form-urlencoded"),
            () => None,
        }
    }

    fn implied_method(&self) -> &'static str {
        match () {
            () if self.is_head => "HEAD",
            () if self.is_upload => "PUT",
            () if (self.has_data || self.has_form) && !self.is_get => "POST",
            () => "GET",
        }
    }
}

const NO_ORIGIN: &str = "the command sends no `Origin`, as programs other than browsers: add --origin with the page's origin \
                         to see what a page gets";

const FOLLOWS: &str = "with -L curl follows redirects, and sends the same `Origin` after them; a browser sends `null` after \
                       one to another address";

impl Facts {
    /// Whether the headers are those of a WebSocket handshake, which are then put by themselves.
    fn read_handshake(&mut self) {
        self.websocket |= self.headers.iter().any(|it| {
            let lower = it.to_ascii_lowercase();
            lower.starts_with("upgrade:") && lower.contains("websocket")
        });
        if self.websocket {
            for name in ["upgrade", "connection", "sec-websocket-key", "sec-websocket-version"] {
                self.take(name);
            }
        }
    }
}
