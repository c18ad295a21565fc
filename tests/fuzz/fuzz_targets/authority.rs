//! An accepted authority is a host and a port, and a listed host is found whatever its case and root dot.

#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::host::{Authority, Host};
use policy::pattern::HostPattern;
use policy::set::HostSet;

fuzz_target!(|value: &[u8]| {
    let Ok(authority) = Authority::parse(value) else { return };
    let text = authority.host.text();
    assert!(value.starts_with(text) && text.is_ascii() && text.len() <= 254);
    assert!(Host::parse(text).is_ok_and(|it| it == authority.host));
    let name = std::str::from_utf8(text).unwrap();
    let listed = HostPattern::parse(name.strip_suffix('.').unwrap_or(name)).unwrap();
    let set: HostSet = [listed.clone()].into_iter().collect();
    let upper = text.to_ascii_uppercase();
    assert!(listed.matches(&authority.host) && set.lists(&authority.host));
    assert!(set.lists(&Host::parse(&upper).unwrap()));
});
