//! What is asked of short texts.

/// As `str::split_once` with a text, whose search is made for long ones, and was 2 KB of the module.
pub fn split_once<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let mut places = text.as_bytes().windows(separator.len());
    let at = places.position(|it| it == separator.as_bytes())?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}

/// Whether a character speaks to a terminal or changes how the text around it is read: a control character, a line or
/// paragraph separator, or one that turns the direction of text (Unicode UAX #9, §2).
#[must_use]
pub fn is_control(char: char) -> bool {
    let turns = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A text as it is, with what would speak to the terminal escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let escaped = text.chars().map(|it| match is_control(it) {
        true => it.escape_default().to_string(),
        false => it.to_string(),
    });
    escaped.collect()
}

/// The line that begins here, without the line feed that it has to end with.
#[must_use]
pub fn line(text: &[u8], start: usize) -> Option<&[u8]> {
    let rest = text.get(start..)?;
    rest.get(..rest.iter().position(|&byte| byte == b'\n')?)
}
