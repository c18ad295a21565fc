//! The words of a Python module.

/// A word, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub word: Word,
    /// From 1.
    pub line: usize,
    /// From 0; only that of the first word of a line means anything.
    pub column: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    Name(String),
    Text(String),
    /// A string that has to be worked out, or that does not end.
    Unknown,
    Number(String),
    Sign(char),
    /// `==`
    Equal,
    /// The end of a line.
    End,
}

pub fn tokens(text: &str) -> Vec<Token> {
    // Python ends lines at each of these.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader {
        chars: text.trim_start_matches('\u{feff}').chars().collect(),
        at: 0,
        line: 1,
        line_start: 0,
    };
    let mut tokens = Vec::new();
    while reader.peek(0).is_some() {
        let (line, column) = (reader.line, reader.at - reader.line_start);
        if let Some(word) = reader.word() {
            tokens.push(Token { word, line, column });
        }
    }
    tokens
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    line_start: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek(0)?;
        self.at += 1;
        if char == '\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(char)
    }

    fn take_while(&mut self, is_in: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(char) = self.peek(0).filter(|&it| is_in(it)) {
            taken.push(char);
            self.next();
        }
        taken
    }

    fn word(&mut self) -> Option<Word> {
        match (self.peek(0)?, self.peek(1)) {
            ('\n', _) => {
                self.next();
                Some(Word::End)
            }
            ('#', _) => {
                self.take_while(|it| it != '\n');
                None
            }
            ('\\', Some('\n')) => {
                self.next();
                self.next();
                None
            }
            ('=', Some('=')) => {
                self.next();
                self.next();
                Some(Word::Equal)
            }
            ('"' | '\'', _) => Some(self.string("")),
            (char, _) if char.is_whitespace() => {
                self.next();
                None
            }
            (char, _) if char.is_ascii_digit() => Some(Word::Number(
                self.take_while(|it| it.is_ascii_alphanumeric() || it == '_' || it == '.'),
            )),
            (char, _) if char.is_alphabetic() || char == '_' => {
                let name = self.take_while(|it| it.is_alphanumeric() || it == '_');
                match self.peek(0) {
                    Some('"' | '\'') if name.len() <= 2 => Some(self.string(&name.to_lowercase())),
                    _ => Some(Word::Name(name)),
                }
            }
            (char, _) => {
                self.next();
                Some(Word::Sign(char))
            }
        }
    }

    fn string(&mut self, prefix: &str) -> Word {
        let Some(quote) = self.next() else { return Word::Unknown };
        let is_triple = self.peek(0) == Some(quote) && self.peek(1) == Some(quote);
        if is_triple {
            self.next();
            self.next();
        }
        let is_raw = prefix.contains('r');
        let mut text = String::new();
        loop {
            let Some(char) = self.peek(0).filter(|&it| is_triple || it != '\n') else {
                return Word::Unknown;
            };
            self.next();
            match char {
                _ if char == quote && !is_triple => break,
                _ if char == quote && self.peek(0) == Some(quote) && self.peek(1) == Some(quote) => {
                    self.next();
                    self.next();
                    break;
                }
                '\\' => text.extend(self.escape(is_raw)),
                _ => text.push(char),
            }
        }
        match prefix.contains('f') {
            true => Word::Unknown,
            false => Word::Text(text),
        }
    }

    fn escape(&mut self, is_raw: bool) -> Vec<char> {
        match self.next() {
            None => Vec::new(),
            Some(char) if is_raw => vec!['\\', char],
            Some('n') => vec!['\n'],
            Some('t') => vec!['\t'],
            Some('\n') => Vec::new(),
            Some(char @ ('\\' | '"' | '\'')) => vec![char],
            Some(char) => vec!['\\', char],
        }
    }
}
