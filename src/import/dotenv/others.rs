//! Variables that are none of ours: how many lines their values take.

/// How many lines after its own a value takes for those readers whose values may have several; the others read each of them
/// by itself. `None` if readers do not agree on that either.
pub(crate) fn lines_of<'t>(value: &str, mut rest: impl Iterator<Item = &'t str>) -> Option<usize> {
    let value = value.trim_matches([' ', '\t']);
    let Some(quote) = value.chars().next().filter(|it| matches!(it, '\'' | '"')) else {
        return ends_here(value).then_some(0);
    };
    let inside = value.strip_prefix(quote)?;
    match inside.split_once(quote) {
        Some((inside, behind)) => {
            let behind = behind.trim_start_matches([' ', '\t']);
            (is_plain(inside, quote) && (behind.is_empty() || behind.starts_with('#'))).then_some(0)
        }
        None => {
            let is_plain_line = |line: &str| is_plain(line, quote);
            let last = rest
                .by_ref()
                .enumerate()
                .find(|(_, line)| !is_plain_line(line) || line.contains(quote));
            let (at, last) = last?;
            let last = last.trim_end_matches([' ', '\t']).strip_suffix(quote)?;
            (is_plain_line(inside) && is_plain_line(last) && !last.contains(quote)).then_some(at + 1)
        }
    }
}

/// Whether nothing between quotes of this kind makes a reader look for another end.
fn is_plain(text: &str, quote: char) -> bool {
    let has_escape = text.contains("\\'") || text.contains("\\\"") || text.ends_with('\\');
    !has_escape && (quote == '\'' || !(text.contains('`') || text.contains("$(") || is_open(text)))
}

/// Whether a value without quotes around it ends with its line for bash as well, or bash says that it cannot read it.
fn ends_here(value: &str) -> bool {
    let comment = value.find(" #").or_else(|| value.find("\t#"));
    let value = comment.and_then(|at| value.get(..at)).unwrap_or(value);
    let begins = ["'", "\"", "`", "$(", "<<", "<(", ">("];
    !begins.iter().any(|it| value.contains(it))
        && !value.starts_with('(')
        && !value.ends_with(['\\', '|', '&'])
        && !is_open(value)
}

/// Whether a `${` is not closed.
fn is_open(text: &str) -> bool {
    text.split("${").skip(1).any(|rest| !rest.contains('}'))
}
