//! The text forms of addresses, held to the standard library's.

use std::net::{Ipv4Addr, Ipv6Addr};

use policy::address::{V6Text, parse_v4, parse_v6};
use proptest::prelude::*;

fn check(text: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(parse_v4(text.as_bytes()), text.parse::<Ipv4Addr>().ok(), "{}", text);
    prop_assert_eq!(parse_v6(text.as_bytes()), text.parse::<Ipv6Addr>().ok(), "{}", text);
    Ok(())
}

proptest! {
    #[test]
    fn texts_that_look_like_addresses(text in "(::|)((0|00|1|a|F|ab|1234|12345|g|)(:|::|\\.|)){0,9}(255\\.0\\.1\\.2|1\\.2\\.3|256\\.1\\.1\\.1|01\\.1\\.1\\.1|)") {
        check(&text)?;
    }

    #[test]
    fn texts_of_four_parts(text in "(0|1|9|10|99|100|255|256|300|00|01|\\+1|a|)(\\.(0|1|99|255|256|1234|01|)){2,4}\\.?") {
        check(&text)?;
    }

    #[test]
    fn an_address_and_what_is_nearly_one(groups in prop::array::uniform8(prop_oneof![2 => Just(0), 1 => any::<u16>(), 1 => 0..16_u16]), at in any::<prop::sample::Index>(), byte in any::<Option<u8>>()) {
        let address = Ipv6Addr::from(groups);
        let text = V6Text::new(address);
        let text = str::from_utf8(text.as_bytes()).unwrap();
        prop_assert_eq!(text.parse(), Ok(address));
        // The standard library ends these in dots, as RFC 5952 §5 recommends; the URL Standard does not.
        if address.to_ipv4_mapped().is_none() {
            prop_assert_eq!(text, address.to_string());
        }
        let mut nearly = text.as_bytes().to_vec();
        let at = at.index(nearly.len());
        match byte {
            Some(byte) => nearly[at] = byte % 128,
            None => drop(nearly.remove(at)),
        }
        check(str::from_utf8(&nearly).unwrap())?;
    }
}
