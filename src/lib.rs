//! Origin Gate: one allowed-origin and allowed-host policy, enforced in Envoy (or another proxy-wasm host) for CORS,
//! WebSockets and hosts.
//!
//! # What it guarantees
//!
//! For every request whose headers reach the filter, and the response to it, whoever makes that response:
//!
//! - The response carries the CORS headers that the policy grants to the request's origin, and no others: what the
//!   backend sent under those names is gone (unless the policy says `keep`), and caches are told by `Vary`.
//! - A CORS preflight is answered here and never reaches the backend.
//! - A WebSocket handshake, or a request for a host, that the policy does not allow never reaches the backend.
//! - A request that cannot be read is refused. No bytes that a client sends end the VM.
//! - Every decision has one [`policy::verdict::Finding`], which is counted, logged and shown to the access log.
//! - A configuration with any error is refused whole, with every error named; the one in force stays in force.
//!
//! # What it needs
//!
//! The first place in `http_filters`, and in every `upgrade_configs[].filters` that there is: proxies bring a response
//! to a filter only if its request went through that filter. Errors that the proxy answers before any filter runs
//! (malformed requests, headers too large) are outside its reach.
//!
//! # How it is built
//!
//! A pure core decides, and a thin edge talks to the proxy. Dependencies point down this list, never up:
//!
//! - `src/bin/origin-gate.rs`: the command's arguments and exit codes. [`explain`], [`check`] and [`import`] are what it
//!   does; like the crates that only they need, they are no part of the module.
//! - [`analysis`]: what is decided over all origins at once, by automata. Only the command has it.
//! - [`filter`]: the way of one request through the filter, and the log. `filter/envoy.rs` is the edge, the only file
//!   that names the SDK; `filter/envoy/abi.rs` holds the host calls, the only unsafe code.
//! - [`config`]: JSON to [`policy::Policy`], with every error at once. In the module, the only part that knows serde;
//!   beside it lies the JSON Schema of what it reads.
//! - [`policy`]: [`policy::Policy::decide`] takes a [`policy::request::RequestHead`], asks the
//!   [`policy::rules::Rules`] that apply and returns a [`policy::verdict::Verdict`]. It knows no proxy, clock, log or
//!   configuration format.
//!
//! `tests/house.rs` holds the sources to this, and `tests/cases` says what every decision must be.

#[cfg(not(target_arch = "wasm32"))]
pub mod analysis;
#[cfg(not(target_arch = "wasm32"))]
pub mod check;
pub mod config;
#[cfg(not(target_arch = "wasm32"))]
pub mod explain;
pub mod filter;
#[cfg(not(target_arch = "wasm32"))]
pub mod import;
pub mod policy;

/// The version of the source.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source's revision in Git, as `build.sh` tells it: `…-dirty` if files had been changed, `unknown` without.
pub const REVISION: &str = match option_env!("ORIGIN_GATE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
