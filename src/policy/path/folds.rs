//! What Unicode's folds make of characters that are no ASCII, where that is ASCII.

mod table;

/// What a character folds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// This byte of ASCII.
    One(u8),
    /// These; none, where folds leave the character out.
    Many(&'static str),
}

/// The ASCII that compatibility (NFKC), lower case or upper case make of a character, in lower case: `/` of `／`, `k` of
/// the Kelvin sign, `..` of `‥`. A character that identifiers ignore is left out, and a control character is any other.
#[must_use]
pub fn fold(character: char) -> Option<Fold> {
    match character {
        '\0'..='\x7F' => return u8::try_from(character).ok().map(Fold::One),
        '\u{80}'..='\u{9F}' => return Some(Fold::One(0x7F)),
        // Its simple lower case, which Go and Java use; the full one has a dot above.
        '\u{130}' => return Some(Fold::One(b'i')),
        _ if is_ignored(character) => return Some(Fold::Many("")),
        _ => {}
    }
    let point = u32::from(character);
    if let Ok(at) = table::POINTS.binary_search(&point) {
        let start = usize::from(*table::OFFSETS.get(at)?);
        let end = usize::from(*table::OFFSETS.get(at + 1)?);
        return table::TEXTS.get(start..end).map(Fold::Many);
    }
    let run = table::STARTS.partition_point(|&start| start <= point).checked_sub(1)?;
    let [length, first] = table::RUNS.get(run)?.to_be_bytes();
    let offset = u8::try_from(point - table::STARTS.get(run)?).ok()?;
    (offset < length).then(|| Fold::One(first + offset))
}

/// Unicode's `Default_Ignorable_Code_Point`, which the fold for identifiers (NFKC, case) leaves out.
fn is_ignored(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}
