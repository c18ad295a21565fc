//! An accepted origin is canonical, and the pattern parser reads the same origin out of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::origin::{MAX_ORIGIN, Origin};
use policy::pattern::{OriginHosts, OriginPattern, Ports};

fuzz_target!(|value: &[u8]| {
    let pattern = std::str::from_utf8(value).ok().and_then(|text| OriginPattern::parse(text).ok());
    let is_exact = |it: &OriginPattern| {
        matches!(it, OriginPattern::Of { hosts: OriginHosts::One(_), ports: Ports::One(_), .. })
    };
    match Origin::parse(value) {
        Ok(origin) => {
            assert!(value.len() <= MAX_ORIGIN && value.is_ascii() && value.starts_with(origin.text));
            assert!(!value.iter().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_whitespace()));
            assert_eq!(Origin::parse(origin.text).unwrap().text, origin.text);
            let scheme = origin.scheme;
            let has_none = matches!(scheme, b"about" | b"blob" | b"data" | b"file" | b"filesystem" | b"javascript");
            assert!(has_none || pattern.is_some_and(|it| it.matches(&origin)));
        }
        Err(_) => assert!(!pattern.is_some_and(|it| is_exact(&it))),
    }
});
