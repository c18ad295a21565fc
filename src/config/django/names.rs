//! The names of settings, and names that look like these.

use policy::text::split_once;

use super::Environment;

/// The name of every Django setting that says something here.
pub const SETTING_NAMES: [&str; 16] = [
    "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "CORS_ALLOW_PRIVATE_NETWORK",
    "CORS_EXPOSE_HEADERS",
    "CORS_ORIGIN_ALLOW_ALL",
    "CORS_ORIGIN_REGEX_WHITELIST",
    "CORS_ORIGIN_WHITELIST",
    "CORS_PREFLIGHT_MAX_AGE",
    "CORS_URLS_REGEX",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
];

/// Settings of django-cors-headers beside the names that they had before its version 3.5. It reads those where the new
/// ones are not set.
const OLD_NAMES: [(&str, &str); 3] = [
    ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"),
    ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST"),
    ("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"),
];

/// A setting's text, under the name that it is given by.
pub(crate) fn given<'a>(name: &'static str, environment: &'a Environment) -> Option<(&'static str, &'a str)> {
    if let Some(text) = variable(environment, name) {
        return Some((name, text));
    }
    let (_, old) = OLD_NAMES.iter().find(|(new, _)| *new == name)?;
    variable(environment, old).map(|text| (*old, text))
}

/// The value of a variable.
pub(crate) fn variable<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.iter().find(|(it, _)| it == name).map(|(_, value)| &**value)
}

/// Whether this is the name of a variable that is not read here, though people may take it for one of the settings:
/// `DJANGO_ALLOWED_HOSTS`.
#[must_use]
pub fn resembles_setting(name: &str) -> bool {
    let marks = ["ALLOWED_HOST", "ALLOWED_ORIGIN", "CORS_", "TRUSTED_ORIGIN"];
    let is_name = name.bytes().all(|it| it.is_ascii_graphic());
    is_name && marks.iter().any(|it| split_once(name, it).is_some()) && !SETTING_NAMES.contains(&name)
}
