//! The words of a command, as a shell would have them: POSIX quotes are read by `shlex`; here is what browsers write
//! besides, `$'…'` for bash and `^` for the command prompt of Windows.

/// The words of a command.
///
/// # Errors
///
/// If a quote is not closed.
pub(super) fn words(command: &str) -> Result<Vec<String>, String> {
    let command = command.replace("\r\n", "\n");
    let is_windows = command.contains("^\n") || command.contains("^\"");
    let plain = if is_windows {
        without_carets(&command)
    } else {
        ansi_to_posix(&command)?
    };
    let words = shlex::split(&plain).ok_or("a quote is not closed, or the end was cut off: copy the whole command")?;
    // Lines that were joined keep their backslash, which then escapes the space after it.
    Ok(words
        .into_iter()
        .map(|it| if it.starts_with(" -") { it.trim().to_owned() } else { it })
        .collect())
}

/// Takes out the escapes of `cmd.exe`: a `^` before a line's end joins the lines, before another sign it is dropped.
fn without_carets(command: &str) -> String {
    let mut plain = String::new();
    let mut chars = command.chars();
    while let Some(it) = chars.next() {
        match (it, chars.clone().next()) {
            ('^', Some('\n')) => {
                chars.next();
                plain.push(' ');
            }
            ('^', Some(next)) => {
                chars.next();
                plain.push(next);
            }
            _ => plain.push(it),
        }
    }
    plain
}

/// Writes each `$'…'` as quotes that every shell has.
fn ansi_to_posix(command: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut quote = None;
    let mut chars = command.chars();
    while let Some(it) = chars.next() {
        match (quote, it) {
            (None, '$') if chars.clone().next() == Some('\'') => {
                chars.next();
                let text = ansi(&mut chars)?;
                plain.push_str(&shlex::try_quote(&text).map_err(|_| "a NUL is in no command")?);
                continue;
            }
            (None, '\'' | '"') => quote = Some(it),
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '\\') => {
                // Before a line's end it joins the lines.
                let next = chars.next().filter(|it| *it != '\n');
                plain.extend(next.into_iter().flat_map(|next| [it, next]));
                continue;
            }
            _ => {}
        }
        plain.push(it);
    }
    Ok(plain)
}

/// Reads the inside of `$'…'`, up to its end (POSIX.1-2024 §2.2.4).
fn ansi(chars: &mut std::str::Chars<'_>) -> Result<String, &'static str> {
    let mut text = String::new();
    loop {
        match chars.next().ok_or("a quote is not closed: copy the whole command")? {
            '\'' => return Ok(text),
            '\\' => text.push(match chars.next().unwrap_or('\\') {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\x07',
                'b' => '\x08',
                'e' => '\x1b',
                'f' => '\x0c',
                'v' => '\x0b',
                'x' => number(chars, 2),
                'u' => number(chars, 4),
                'U' => number(chars, 8),
                other => other,
            }),
            other => text.push(other),
        }
    }
}

/// A character by its number in hexadecimal digits.
fn number(chars: &mut std::str::Chars<'_>, most: usize) -> char {
    let mut number = 0;
    for _ in 0..most {
        let Some(digit) = chars.clone().next().and_then(|it| it.to_digit(16)) else {
            break;
        };
        chars.next();
        number = number * 16 + digit;
    }
    char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
}
