//! The table of Unicode's folds is what Unicode's data says. `ORIGIN_GATE_ACCEPT=1` writes it anew.

use std::collections::BTreeSet;
use std::fs;

use policy::path::{Fold, fold};
use unicode_normalization::UnicodeNormalization;

/// All that NFKC, lower and upper case make of a text, one after another.
fn folds_of(character: char) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut new = vec![character.to_string()];
    while let Some(text) = new.pop() {
        if known.insert(text.clone()) {
            new.extend([text.nfkc().collect(), text.to_lowercase(), text.to_uppercase()]);
        }
    }
    known
}

/// The ASCII among them, in lower case.
fn ascii_of(character: char) -> Option<String> {
    let ascii: BTreeSet<_> = folds_of(character)
        .into_iter()
        .filter(|it| it.is_ascii())
        .map(|it| it.to_ascii_lowercase())
        .collect();
    assert!(ascii.len() < 2, "{character}: {ascii:?}");
    ascii.into_iter().next()
}

fn others() -> impl Iterator<Item = char> {
    '\u{A0}'..=char::MAX
}

#[test]
fn folds_are_those_of_unicode() {
    if std::env::var_os("ORIGIN_GATE_ACCEPT").is_some() {
        let path = crate::root().join("src/policy/path/folds/table.rs");
        fs::write(path, table()).unwrap();
        return;
    }
    for character in others() {
        let told = match fold(character) {
            Some(Fold::One(byte)) => Some(char::from(byte).to_string()),
            Some(Fold::Many(text)) => Some(text.to_owned()),
            None => None,
        };
        let is_exception = character == '\u{130}' || told.as_deref() == Some("");
        if !is_exception {
            assert_eq!(told, ascii_of(character), "U+{:04X}", u32::from(character));
        }
    }
}

/// Where only a part of a fold is ASCII, nothing in that part divides a path or ends a segment: such a character needs
/// no place in the table, since no prefix has it.
#[test]
fn what_folds_in_part_divides_nothing() {
    for character in others().filter(|&it| fold(it).is_none()) {
        for text in folds_of(character) {
            assert!(
                !text.contains(['/', '\\', '%', ';', ':', '.', '?', '#']),
                "{character}: {text}"
            );
            assert!(!text.ends_with(' '), "{character}: {text}");
        }
    }
}

/// The table as a file of Rust.
fn table() -> String {
    let (starts, runs, others) = folds();
    let (points, texts): (Vec<_>, Vec<_>) = others.into_iter().unzip();
    let ends = texts.iter().scan(0, |end, text| {
        *end += text.len();
        Some(*end)
    });
    let offsets: Vec<_> = std::iter::once(0).chain(ends).collect();
    let texts = texts.concat();
    let lines: Vec<_> = texts.as_bytes().chunks(100).map(String::from_utf8_lossy).collect();
    let array = |doc: &str, name: &str, of: &str, numbers: &[u32]| {
        let items: String = numbers.iter().map(|it| format!("{it:#x}, ")).collect();
        format!(
            "/// {doc}\npub(super) const {name}: [{of}; {}] = [{items}];\n",
            numbers.len()
        )
    };
    let tables = [
        array(
            "Where runs of characters begin that fold to runs of ASCII.",
            "STARTS",
            "u32",
            &starts,
        ),
        array(
            "For each run, how long it is, and the first that it folds to.",
            "RUNS",
            "u16",
            &runs,
        ),
        array("Characters that fold to several.", "POINTS", "u32", &points),
    ];
    let count = offsets.len();
    format!(
        "//! Made from Unicode's data: `ORIGIN_GATE_ACCEPT=1 cargo test -p origin-gate-tests folds:: && cargo fmt`.\n\n{}\
         /// Where the text of each begins, and the last ends.\npub(super) const OFFSETS: [u16; {count}] = {offsets:?};\n\
         /// What they fold to.\npub(super) const TEXTS: &str = \"\\\n{}\";\n",
        tables.concat(),
        lines.join("\\\n")
    )
}

/// Where runs begin; how long each is, in units of 256, with the ASCII that the first folds to; and the characters that
/// fold to more or less than one character, with their folds.
fn folds() -> (Vec<u32>, Vec<u32>, Vec<(u32, String)>) {
    let (mut starts, mut runs, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = None;
    for character in others() {
        let Some(text) = ascii_of(character) else { continue };
        let point = u32::from(character);
        let &[byte] = text.as_bytes() else {
            texts.push((point, text));
            continue;
        };
        if before == Some((point.wrapping_sub(1), byte.wrapping_sub(1))) {
            *runs.last_mut().unwrap() += 0x100;
        } else {
            starts.push(point);
            runs.push(0x100 | u32::from(byte));
        }
        before = Some((point, byte));
    }
    (starts, runs, texts)
}
