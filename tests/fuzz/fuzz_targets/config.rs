//! Whatever the text, an answer comes; errors have a place and fit on a line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let environment = |name: &str| {
        let found = text.windows(name.len()).position(|it| it == name.as_bytes())?;
        let value = text.get(found + name.len()..)?.split(|&byte| byte == b'\n').next()?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let notes: Vec<String> = match config::load_with(text, &environment) {
        Ok(loaded) => loaded.warnings.iter().map(ToString::to_string).collect(),
        Err(errors) => {
            assert!(!errors.errors.is_empty());
            errors.errors.iter().map(ToString::to_string).collect()
        }
    };
    for note in notes {
        assert!(note.contains(": ") && !note.contains('\n') && !note.contains('\x1b'), "{note}");
    }
});
