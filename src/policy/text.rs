//! What the standard library does with texts, for short ones.

/// As `str::split_once` with a text, whose search is made for long ones, and was 2 KB of the module.
pub fn split_once<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let mut places = text.as_bytes().windows(separator.len());
    let at = places.position(|it| it == separator.as_bytes())?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}
