//! The annotations about CORS, as ingress-nginx's `internal/ingress/annotations/cors` reads them, defaults and all.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{PREFIX, parse_bool};
use crate::imported::{LONGEST_MAX_AGE, has_default_port};

/// `defaultCorsMethods`
const DEFAULT_METHODS: &str = "GET, PUT, POST, DELETE, PATCH, OPTIONS";

/// `defaultCorsHeaders`, without `DNT` and `Keep-Alive`, which browsers let no script set.
const DEFAULT_HEADERS: &str =
    "User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

/// `corsOriginRegexValidator`, which holds for the annotation without its spaces.
const ORIGINS: &str = r"^((((([a-z]+://)?(\*\.)?[A-Za-z0-9\-.]*(:\d+)?,?)|null)+)|\*)?$";

/// `corsOriginRegex`, which holds for one item; the others are passed over.
const ORIGIN: &str = r"^([a-z]+://(\*\.)?[A-Za-z0-9\-.]*(:\d+)?|\*|null)?$";

/// `corsMethodsRegex`, `HeadersVariable` and `corsExposeHeadersRegex`: what is written otherwise stands for the default.
const METHODS: &str = r"^([A-Za-z]+,?\s?)+$";
const HEADERS: &str = "^[A-Za-z0-9_, -]+$";
const EXPOSED: &str = r"^(([A-Za-z0-9_-]+|\*),?\s?)+$";

/// The annotations that are read.
pub(super) const KNOWN: [&str; 7] = [
    "enable-cors",
    "cors-allow-origin",
    "cors-allow-methods",
    "cors-allow-headers",
    "cors-expose-headers",
    "cors-allow-credentials",
    "cors-max-age",
];

/// The annotations of an Ingress, and where to say what is different here.
pub(super) struct Annotations<'a> {
    pub(super) get: &'a dyn Fn(&str) -> Option<String>,
    pub(super) note: &'a mut dyn FnMut(String),
}

impl Annotations<'_> {
    /// `cors.Parse`: `allowed_origins` and `cors`; `None` if CORS is not enabled.
    pub(super) fn rules(&mut self) -> Option<Map<String, Value>> {
        let enabled = (self.get)("enable-cors");
        if enabled.as_deref().and_then(parse_bool) != Some(true) {
            self.name_idle(enabled);
            return None;
        }
        let (origins, expressions) = self.origins();
        let mut credentials = (self.get)("cors-allow-credentials")
            .and_then(|it| parse_bool(&it))
            .unwrap_or(true);
        if credentials && origins == ["*"] {
            credentials = false;
            (self.note)(
                "allow_credentials is off beside `*`: browsers take that pair for no permission; to allow credentials, list \
                 the origins"
                    .to_owned(),
            );
        }
        let mut cors = Map::new();
        cors.insert("allow_credentials".to_owned(), credentials.into());
        self.lists(&mut cors);
        self.max_age(&mut cors);
        let mut rules = Map::new();
        for (key, list) in [("allowed_origins", origins), ("allowed_origin_regexes", expressions)] {
            if !list.is_empty() {
                rules.insert(key.to_owned(), list.into());
            }
        }
        rules.insert("cors".to_owned(), cors.into());
        Some(rules)
    }

    /// Annotations that do nothing without `enable-cors`.
    fn name_idle(&mut self, enabled: Option<String>) {
        let is_there = |it: &&str| (self.get)(it).is_some();
        let idle: Vec<_> = KNOWN.into_iter().skip(1).filter(is_there).collect();
        if idle.is_empty() && enabled.is_none() {
            return;
        }
        let state = match enabled {
            None => "is not there".to_owned(),
            Some(value) => format!("is `{value}`"),
        };
        let names = match idle.as_slice() {
            [] => "CORS is off there".to_owned(),
            idle => format!("`{}` had no effect there, and CORS is off here", idle.join("`, `")),
        };
        (self.note)(format!("{names}: `{PREFIX}enable-cors` {state}"));
    }

    /// The origins, and those of them that only an expression covers exactly.
    fn origins(&mut self) -> (Vec<String>, Vec<String>) {
        let any = (vec!["*".to_owned()], Vec::new());
        let Some(text) = (self.get)("cors-allow-origin") else {
            return any;
        };
        let is_read = matches(ORIGINS, &text.replace(' ', "")) && !text.contains(['\r', '\n']);
        if text.trim().is_empty() || !is_read {
            (self.note)(format!(
                "cors-allow-origin `{text}`: ingress-nginx does not read this, so that `*` was in force, and is here; list the \
                 origins, between commas"
            ));
            return any;
        }
        let (mut exact, mut expressions) = (Vec::new(), Vec::new());
        for origin in super::list(&text) {
            if origin == "*" {
                return any;
            }
            // No scheme or host that a browser sends has capitals, and nginx takes them for small ones.
            let origin = origin.to_ascii_lowercase();
            if !matches(ORIGIN, &origin) {
                (self.note)(format!(
                    "left out: `{origin}`: ingress-nginx passes it over; write each origin as `https://name`, and commas between"
                ));
            } else if has_default_port(&origin) {
                (self.note)(format!(
                    "left out: `{origin}`: it let nobody in there, as no browser sends a default port; write it without the port"
                ));
            } else if origin.contains("://*.") {
                (self.note)(format!(
                    "`{origin}` covers one label there, which an expression says here; `{origin}` in allowed_origins would cover \
                     several"
                ));
                expressions.push(origin.replace('.', "\\.").replacen('*', "[a-z0-9-]+", 1));
            } else {
                exact.push(origin);
            }
        }
        if exact.is_empty() && expressions.is_empty() {
            (self.note)("left out: cors-allow-origin lists nobody, so no page of another origin is let in".to_owned());
        }
        (exact, expressions)
    }

    /// The lists of names, each as written if ingress-nginx reads it so.
    fn lists(&mut self, cors: &mut Map<String, Value>) {
        for (key, annotated, grammar, default) in [
            ("allow_methods", "cors-allow-methods", METHODS, DEFAULT_METHODS),
            ("allow_headers", "cors-allow-headers", HEADERS, DEFAULT_HEADERS),
            ("expose_headers", "cors-expose-headers", EXPOSED, ""),
        ] {
            let written = (self.get)(annotated);
            let is_read = |text: &String| matches(grammar, text);
            if let Some(text) = written.as_ref().filter(|it| !is_read(it)) {
                let taken = match default {
                    "" => "none".to_owned(),
                    default => format!("its default, `{default}`"),
                };
                (self.note)(format!(
                    "left out: {annotated} `{text}`: ingress-nginx does not read this, and takes {taken}"
                ));
            }
            let names = super::list(written.filter(is_read).as_deref().unwrap_or(default));
            if !(names.is_empty() && default.is_empty()) {
                cors.insert(key.to_owned(), names.into());
            }
        }
    }

    fn max_age(&mut self, cors: &mut Map<String, Value>) {
        let Some(text) = (self.get)("cors-max-age") else { return };
        match text.trim().parse::<u64>() {
            Ok(age) => {
                if age > LONGEST_MAX_AGE {
                    (self.note)(format!(
                        "cors-max-age {age} becomes {LONGEST_MAX_AGE}, the longest that any browser keeps"
                    ));
                }
                cors.insert("max_age".to_owned(), age.min(LONGEST_MAX_AGE).into());
            }
            Err(_) => (self.note)(format!("left out: cors-max-age `{}` is no number", text.escape_debug())),
        }
    }
}

fn matches(grammar: &str, text: &str) -> bool {
    Regex::new(grammar).is_ok_and(|it| it.is_match(text))
}
