//! `.env` files, as bash, python-dotenv, django-environ, python-decouple and Compose read them: where one of these would
//! read a setting otherwise than the rest, or not at all, there is an error that names the line.
//!
//! So this reads only what all of them read alike, and refuses the rest:
//!
//! - `NAME=value` from the first column to the last, without `export`, without blanks around `=` and behind the value;
//! - a value of letters, digits and the signs of names, addresses and lists, or one between quotes that has no quotes,
//!   variables or escapes in it.
//!
//! Variables that are none of the settings may have any value that ends on its own line for every reader. No message shows
//! a value: there are secrets among them.

mod others;

use std::collections::BTreeMap;

use config::{SETTING_NAMES, resembles_setting};

/// One variable that Origin Gate reads, or that looks like one.
pub(crate) struct Variable<'t> {
    pub(crate) name: &'t str,
    /// `None` for a name that only resembles a setting's.
    pub(crate) value: Option<&'t str>,
}

/// The variables of a file, for `django_env`. A name that only resembles a setting's has an empty value.
///
/// # Errors
///
/// Each line that readers of such files do not read alike.
pub fn environment(text: &str) -> Result<BTreeMap<String, String>, Vec<String>> {
    let variables = read(text)?.into_iter();
    Ok(variables
        .map(|it| (it.name.to_owned(), it.value.unwrap_or_default().to_owned()))
        .collect())
}

/// The variables of a file, in its order. Where one is given twice, all readers take the last.
///
/// # Errors
///
/// Each line that readers of such files do not read alike.
pub(crate) fn read(text: &str) -> Result<Vec<Variable<'_>>, Vec<String>> {
    let mut variables: Vec<Variable<'_>> = Vec::new();
    let mut errors = Vec::new();
    if let Some(problem) = unreadable(text) {
        return Err(vec![problem]);
    }
    let mut lines = text.split('\n').zip(1..);
    while let Some((line, number)) = lines.next() {
        if is_blank_or_comment(line) {
            continue;
        }
        let mut fail = |problem: String| errors.push(format!("line {number}: {problem}"));
        let Some(written) = Written::of(line) else {
            fail(NO_ASSIGNMENT.to_owned());
            continue;
        };
        if is_setting(written.name) {
            match written.value() {
                Ok(value) => variables.push(Variable {
                    name: written.name,
                    value: Some(value),
                }),
                Err(problem) => fail(problem.message(written.name)),
            }
            continue;
        }
        if resembles_setting(written.name) {
            variables.push(Variable {
                name: written.name,
                value: None,
            });
        }
        let rest = text.split('\n').skip(number);
        match others::lines_of(written.text, rest.clone()) {
            Some(0) if !has_setting(written.text) => {}
            Some(more) if more > 0 && !rest.clone().take(more).any(names_setting) => {
                lines.by_ref().take(more).for_each(drop);
            }
            _ if !has_setting(written.text) && !rest.clone().any(names_setting) => {}
            _ => fail(format!(
                "`{}`: some readers take settings for a part of this value, and others do not; end it on its line, \
                 between single quotes, or put it last",
                written.name
            )),
        }
    }
    if errors.is_empty() { Ok(variables) } else { Err(errors) }
}

const NO_ASSIGNMENT: &str =
    "this is not `NAME=value`: bash runs it, and others pass it over; make it a comment, or remove it";

/// One line `NAME=value`, with what stands around the two.
struct Written<'t> {
    /// What stands before the name: blanks, `export`.
    before: &'t str,
    name: &'t str,
    /// Between the name and `=`.
    gap: &'t str,
    /// Behind `=`, as it is.
    text: &'t str,
}

impl<'t> Written<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let blank = [' ', '\t'];
        let (left, text) = line.split_once('=')?;
        let left_end = left.trim_end_matches(blank);
        let name_at = left_end.rfind(blank).map_or(0, |at| at + 1);
        let (before, name) = left_end.split_at_checked(name_at)?;
        let is_name = |it: &str| {
            !it.is_empty()
                && it
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        let is_plain = matches!(before.trim_matches(blank), "" | "export");
        (is_plain && is_name(name)).then_some(Self {
            before,
            name,
            gap: left.get(left_end.len()..).unwrap_or_default(),
            text,
        })
    }

    /// The value of a setting.
    fn value(&self) -> Result<&'t str, Unlike> {
        if self.before.contains("export") {
            return Err(Unlike::Export);
        }
        if !self.before.is_empty() || !self.gap.is_empty() || self.text.starts_with([' ', '\t']) {
            return Err(Unlike::Blanks);
        }
        let inside = |quote: char| {
            let rest = self.text.strip_prefix(quote)?;
            Some(rest.strip_suffix(quote).filter(|it| !it.contains(quote)))
        };
        match (inside('\''), inside('"')) {
            (Some(Some(value)), _) => single_quoted(value),
            (_, Some(Some(value))) => double_quoted(value),
            (Some(None), _) => Err(self.broken_quotes('\'')),
            (_, Some(None)) => Err(self.broken_quotes('"')),
            (None, None) => unquoted(self.text),
        }
    }

    fn broken_quotes(&self, quote: char) -> Unlike {
        match self.text.trim_end_matches([' ', '\t']) {
            it if it != self.text => Unlike::Blanks,
            _ if self.text.contains(" #") || self.text.contains("\t#") => Unlike::Comment,
            _ if self.text.matches(quote).count() == 1 => Unlike::Lines,
            _ => Unlike::Quotes,
        }
    }
}

/// Nothing is special between these, but python-dotenv fills in `${…}` and reads `\\` and `\'`, and django-environ takes a
/// value that begins with `$` for the name of another variable.
fn single_quoted(value: &str) -> Result<&str, Unlike> {
    match value {
        _ if value.starts_with('$') || value.contains("${") => Err(Unlike::Variable),
        _ if value.starts_with('\\') || value.contains("\\\\") || value.ends_with('\\') => Err(Unlike::Escape),
        _ => Ok(value),
    }
}

fn double_quoted(value: &str) -> Result<&str, Unlike> {
    match value {
        _ if value.contains('$') => Err(Unlike::Variable),
        _ if value.contains(['\\', '`']) => Err(Unlike::Escape),
        // django-environ ends a value here, if it is asked to read comments.
        _ if value.contains('#') => Err(Unlike::Comment),
        _ => Ok(value),
    }
}

fn unquoted(value: &str) -> Result<&str, Unlike> {
    let is_plain = |char: char| char.is_alphanumeric() || ".,:/_-*[]@%+=?^".contains(char);
    match value {
        _ if value.chars().all(is_plain) => Ok(value),
        _ if value.contains('$') => Err(Unlike::Variable),
        _ if value.contains('#') => Err(Unlike::Comment),
        _ if value.ends_with([' ', '\t']) => Err(Unlike::Blanks),
        _ if value.contains(['\'', '"']) => Err(Unlike::Quotes),
        _ if value.contains('\\') => Err(Unlike::Escape),
        _ => Err(Unlike::Characters),
    }
}

/// Why readers of `.env` files do not read a line alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unlike {
    Blanks,
    Characters,
    Comment,
    Escape,
    Export,
    Lines,
    Quotes,
    Variable,
}

impl Unlike {
    fn message(self, name: &str) -> String {
        let (why, form) = match self {
            Self::Blanks => (
                "bash and others read blanks before the name, around `=` or behind the value each in their way",
                "value",
            ),
            Self::Characters => (
                "bash ends the value at a blank, and reads signs such as `;`, `&`, `(` and `~`",
                "'value'",
            ),
            Self::Comment => (
                "bash drops a comment behind a value, and python-decouple keeps it",
                "value",
            ),
            Self::Escape => (
                "bash, python-dotenv and django-environ read backslashes each in their way",
                "'value'",
            ),
            Self::Export => ("python-decouple takes `export` for a part of the name", "value"),
            Self::Lines => (
                "django-environ and python-decouple end the value with the line",
                "'value'",
            ),
            Self::Quotes => (
                "bash joins what several quotes hold, and others keep or refuse the quotes",
                "a,b",
            ),
            Self::Variable => (
                "bash and Compose fill in `$NAME`, python-dotenv `${NAME}` alone, and python-decouple nothing",
                "'value'",
            ),
        };
        let more = match self {
            Self::Comment => ", and the comment on a line of its own",
            Self::Variable => ", without variables and `$` at its beginning",
            Self::Escape => ", without `\\\\`, and without a backslash at its beginning or end",
            _ => "",
        };
        format!("`{name}`: {why}; write `{name}={form}`{more}")
    }
}

/// What would make lines something else to some of the readers.
fn unreadable(text: &str) -> Option<String> {
    if text.starts_with('\u{feff}') {
        return Some("line 1: a byte-order mark, which bash and django-environ take for a part of the name; save the file without one".to_owned());
    }
    let is_bad =
        |char: char| (char.is_control() && !matches!(char, '\n' | '\t')) || matches!(char, '\u{2028}' | '\u{2029}');
    let (line, number) = text.split('\n').zip(1..).find(|(line, _)| line.contains(is_bad))?;
    Some(match line.strip_suffix('\r') {
        Some(rest) if !rest.contains(is_bad) => {
            format!(
                "line {number}: it ends in CR LF, and bash takes the CR for a part of the value; save the file with LF"
            )
        }
        _ => format!("line {number}: a control character, at which some readers end the line; remove it"),
    })
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.is_empty() || line.starts_with('#')
}

fn is_setting(name: &str) -> bool {
    SETTING_NAMES.contains(&name)
}

/// Whether a line that is no comment names a setting.
fn names_setting(line: &str) -> bool {
    !is_blank_or_comment(line) && has_setting(line)
}

/// Whether a setting's name stands in a text.
fn has_setting(text: &str) -> bool {
    text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
        .any(is_setting)
}
