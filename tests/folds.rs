//! The table of Unicode's folds is what Unicode's data says. `ORIGIN_GATE_ACCEPT=1` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
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

fn table() -> String {
    let (mut starts, mut runs) = (Vec::new(), Vec::<u16>::new());
    let (mut points, mut offsets, mut texts) = (Vec::new(), Vec::new(), String::new());
    let mut before = None;
    for character in others() {
        let Some(text) = ascii_of(character) else { continue };
        let point = u32::from(character);
        let &[byte] = text.as_bytes() else {
            points.push(point);
            offsets.push(texts.len());
            texts.push_str(&text);
            continue;
        };
        if before == Some((point.wrapping_sub(1), byte.wrapping_sub(1))) {
            *runs.last_mut().unwrap() += 0x100;
        } else {
            starts.push(point);
            runs.push(0x100 | u16::from(byte));
        }
        before = Some((point, byte));
    }
    offsets.push(texts.len());
    let mut table = String::from(
        "//! Made from Unicode's data: `ORIGIN_GATE_ACCEPT=1 cargo test --test folds && cargo fmt`.\n\n\
         /// Where runs of characters begin that fold to runs of ASCII.\n",
    );
    let hex = |numbers: &[u32]| -> String { numbers.iter().map(|it| format!("{it:#x}, ")).collect() };
    writeln!(
        table,
        "pub(super) const STARTS: [u32; {}] = [{}];",
        starts.len(),
        hex(&starts)
    )
    .unwrap();
    table.push_str("/// For each run, how long it is, and the first that it folds to.\n");
    let runs: Vec<_> = runs.into_iter().map(u32::from).collect();
    writeln!(
        table,
        "pub(super) const RUNS: [u16; {}] = [{}];",
        runs.len(),
        hex(&runs)
    )
    .unwrap();
    table.push_str("/// Characters that fold to several.\n");
    writeln!(
        table,
        "pub(super) const POINTS: [u32; {}] = [{}];",
        points.len(),
        hex(&points)
    )
    .unwrap();
    table.push_str("/// Where the text of each begins, and the last ends.\n");
    writeln!(
        table,
        "pub(super) const OFFSETS: [u16; {}] = {offsets:?};",
        offsets.len()
    )
    .unwrap();
    table.push_str("/// What they fold to.\n");
    let lines: Vec<_> = texts
        .as_bytes()
        .chunks(100)
        .map(|it| String::from_utf8_lossy(it))
        .collect();
    writeln!(table, "pub(super) const TEXTS: &str = \"\\\n{}\";", lines.join("\\\n")).unwrap();
    table
}
