//! What the script printed: the effective settings, in JSON.

use serde_json::{Map, Value};

use super::ParsedSettings;

/// What the script prints first. It is found wherever other output put it.
const MARK: &str = "{\"origin_gate_django\": ";

/// Settings of django-cors-headers, which mean what its own code takes them for.
const CORS: [&str; 8] = [
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "CORS_ALLOW_PRIVATE_NETWORK",
    "CORS_EXPOSE_HEADERS",
];

/// What Django says of itself.
pub(crate) struct Answer {
    root: Value,
}

impl Answer {
    /// Finds the answer among whatever else was printed; `None` if there is none.
    pub(crate) fn find(text: &str) -> Option<Result<Self, String>> {
        let (_, from) = text.rsplit_once(MARK)?;
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        let version = values.next();
        if !matches!(version, Some(Ok(ref version)) if *version == 1) {
            return Some(Err(
                "another version of `import django --script` printed this; run it again".to_owned(),
            ));
        }
        let from = text.get(text.len() - from.len() - MARK.len()..)?;
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        Some(match values.next() {
            Some(Ok(root @ Value::Object(_))) => Ok(Self { root }),
            _ => Err("what the script printed is cut off; run it again".to_owned()),
        })
    }

    fn object(&self, key: &str) -> Option<&Map<String, Value>> {
        self.root.get(key)?.as_object()
    }

    fn setting(&self, name: &str) -> &Value {
        self.object("settings")
            .and_then(|it| it.get(name))
            .unwrap_or(&Value::Null)
    }

    /// Whether a setting is `True`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        *self.setting(name) == true
    }

    /// What `CORS_URLS_REGEX` is, and that it is in force.
    pub(crate) fn urls(&self) -> Option<&Value> {
        self.object("cors")
            .and_then(|it| it.get("CORS_URLS_REGEX"))
            .filter(|_| self.has_cors())
    }

    /// What the script found of the application for WebSockets.
    pub(crate) fn sockets(&self) -> Option<&Value> {
        self.root.get("asgi").filter(|it| it.is_object())
    }

    /// The paths of the middleware, each with the kind that the script knows it for.
    pub(crate) fn middleware(&self) -> Vec<(&str, &str)> {
        let entries = self
            .root
            .get("middleware")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        entries
            .filter_map(|it| {
                Some((
                    it.get("name")?.as_str()?,
                    it.get("kind").and_then(Value::as_str).unwrap_or_default(),
                ))
            })
            .collect()
    }

    fn has_cors(&self) -> bool {
        self.middleware().iter().any(|(_, kind)| *kind == "cors")
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> ParsedSettings {
        let mut settings = ParsedSettings::default();
        let problems = self
            .root
            .get("problems")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        settings.notes.extend(
            problems
                .filter_map(Value::as_str)
                .map(|it| format!("Django did not say all: {it}")),
        );
        read_list("ALLOWED_HOSTS", self.setting("ALLOWED_HOSTS"), &mut settings);
        read_list(
            "CSRF_TRUSTED_ORIGINS",
            self.setting("CSRF_TRUSTED_ORIGINS"),
            &mut settings,
        );
        read_flag("DEBUG", self.setting("DEBUG"), &mut settings);
        self.read_cors(&mut settings);
        settings
    }

    fn read_cors(&self, settings: &mut ParsedSettings) {
        let is_set = |name: &str| name.starts_with("CORS_");
        let names = self
            .object("settings")
            .into_iter()
            .flat_map(Map::keys)
            .filter(|it| is_set(it));
        let names: Vec<_> = names.map(String::as_str).collect();
        let Some(cors) = self.object("cors").filter(|_| self.has_cors()) else {
            if !names.is_empty() {
                settings.notes.push(format!(
                    "left out: {}: no middleware of django-cors-headers is in MIDDLEWARE, so that these do nothing",
                    names.join(", ")
                ));
            }
            return;
        };
        for name in CORS {
            let value = cors.get(name).unwrap_or(&Value::Null);
            match name {
                "CORS_ALLOWED_ORIGIN_REGEXES" => read_regexes(name, value, settings),
                "CORS_ALLOW_ALL_ORIGINS" | "CORS_ALLOW_CREDENTIALS" | "CORS_ALLOW_PRIVATE_NETWORK" => {
                    read_flag(name, value, settings)
                }
                "CORS_ALLOW_HEADERS" if is_default(value, &config::DEFAULT_HEADERS) => {}
                "CORS_ALLOW_METHODS" if is_default(value, &config::DEFAULT_METHODS) => {}
                _ => read_list(name, value, settings),
            }
        }
        self.read_max_age(settings);
        self.note_others(&names, settings);
    }

    /// Where it is not set the policy's own default is less.
    fn read_max_age(&self, settings: &mut ParsedSettings) {
        let age = self.setting("CORS_PREFLIGHT_MAX_AGE");
        match age.as_u64() {
            Some(age) => drop(settings.values.insert("CORS_PREFLIGHT_MAX_AGE", age.to_string())),
            None if age.is_null() => {}
            None => settings.leave_out("CORS_PREFLIGHT_MAX_AGE", "it is no whole number of seconds"),
        }
    }

    /// What decides besides, and has no counterpart.
    fn note_others(&self, names: &[&str], settings: &mut ParsedSettings) {
        if self
            .root
            .get("receivers")
            .and_then(Value::as_u64)
            .is_some_and(|it| it > 0)
        {
            settings.notes.push(
                "left out: `check_request_enabled` of django-cors-headers has receivers: what they allow beside the settings \
                 is refused here"
                    .to_owned(),
            );
        }
        if names.contains(&"CORS_REPLACE_HTTPS_REFERER") {
            settings
                .notes
                .push("left out: CORS_REPLACE_HTTPS_REFERER has no counterpart here".to_owned());
        }
    }

    /// What browsers make of the cookies.
    pub(crate) fn cookie_notes(&self, has_credentials: bool) -> Vec<String> {
        let mut notes = Vec::new();
        let same_site = self.setting("SESSION_COOKIE_SAMESITE").as_str().unwrap_or_default();
        if has_credentials && matches!(same_site, "Lax" | "Strict") {
            notes.push(format!(
                "note: SESSION_COOKIE_SAMESITE is `{same_site}`: browsers send the session cookie for pages of the same site alone"
            ));
        }
        if has_credentials && same_site == "None" && !self.flag("SESSION_COOKIE_SECURE") {
            notes.push(
                "note: SESSION_COOKIE_SECURE is off: browsers refuse a cookie of `SameSite=None` without it".to_owned(),
            );
        }
        if self.middleware().iter().any(|(_, kind)| *kind == "csrf")
            && self.setting("SECURE_PROXY_SSL_HEADER").is_null()
        {
            notes.push(
                "note: SECURE_PROXY_SSL_HEADER is not set: behind a proxy that ends TLS Django takes requests for `http`, and \
                 refuses writes of its own pages; (\"HTTP_X_FORWARDED_PROTO\", \"https\") is what Envoy sends"
                    .to_owned(),
            );
        }
        notes
    }
}

fn is_default(value: &Value, default: &[&str]) -> bool {
    value.as_array().is_some_and(|it| it.iter().eq(default))
}

fn read_flag(name: &'static str, value: &Value, settings: &mut ParsedSettings) {
    match value {
        Value::Bool(true) => drop(settings.values.insert(name, "true".to_owned())),
        Value::Bool(false) | Value::Null => {}
        _ => settings.leave_out(name, "it is neither True nor False"),
    }
}

fn read_list(name: &'static str, value: &Value, settings: &mut ParsedSettings) {
    let items = match value {
        Value::Null => return,
        Value::Array(items) => items,
        Value::String(_) => {
            return settings.leave_out(name, "it is a string, which Django takes for a list of letters");
        }
        _ => return settings.leave_out(name, "it is no list"),
    };
    let (texts, others): (Vec<_>, Vec<_>) = items.iter().partition(|it| it.is_string());
    if !others.is_empty() {
        let note = format!("left out: {name}: {} of its items are no strings", others.len());
        settings.notes.push(note);
    }
    settings
        .values
        .insert(name, Value::from_iter(texts.into_iter().cloned()).to_string());
}

/// Expressions, those with flags as these can be written into them.
fn read_regexes(name: &'static str, value: &Value, settings: &mut ParsedSettings) {
    let Some(items) = value.as_array() else {
        return read_list(name, value, settings);
    };
    let mut expressions = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match expression(item) {
            Ok(text) => expressions.push(Value::from(text)),
            Err(why) => settings.notes.push(format!("left out: {name}[{index}]: {why}")),
        }
    }
    settings.values.insert(name, Value::from(expressions).to_string());
}

fn expression(item: &Value) -> Result<String, String> {
    if let Some(text) = item.as_str() {
        return Ok(text.to_owned());
    }
    let pattern = item
        .get("pattern")
        .and_then(Value::as_str)
        .ok_or("it is no expression over text")?;
    let flags = item.get("flags").and_then(Value::as_array).into_iter().flatten();
    let mut prefix = "";
    for flag in flags.filter_map(Value::as_str) {
        match flag {
            "IGNORECASE" => prefix = "(?i)",
            // An origin is ASCII, and has no line ends.
            "ASCII" | "DEBUG" | "DOTALL" | "MULTILINE" | "UNICODE" => {}
            other => {
                return Err(format!(
                    "`{pattern}`: its flag `re.{other}` has no counterpart here; write it without"
                ));
            }
        }
    }
    Ok(format!("{prefix}{pattern}"))
}
