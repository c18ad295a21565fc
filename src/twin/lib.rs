//! The native twin: the filter as a dynamic module that Envoy loads into its own process. `dist/liborigin_gate.so` is this
//! crate. `abi.rs` holds everything unsafe, and the hooks that Envoy calls; the rest is safe code.

#![cfg(target_os = "linux")]

#[cfg(all(panic = "abort", not(test)))]
compile_error!("a panic must not end Envoy: build with `--profile twin`, which unwinds");

mod abi;
mod envoy_log;
mod guard;
mod policy_config;
mod stream;

// For the tests, which are Envoy's half of the ABI: Miri takes two types of one layout for two ABIs.
#[cfg(feature = "panics")]
pub use abi::Buffer;
