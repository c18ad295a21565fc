//! A `google.protobuf.Struct` in any bytes: never a panic, and the same policy as the JSON that says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = config::load(bytes);
    let _ = config::load(&[b"\n", bytes].concat());
});
