//! The module under two hosts that are not Envoy.
//!
//! - [`second`]: the crate `proxy-wasm-host`, a host of the proxy-wasm ABI that others wrote.
//! - [`bare`]: the ABI as plainly as it can be had. It may refuse any call, break the order of the callbacks, hand out
//!   bytes that are no header map, and it counts the WebAssembly instructions of every callback.
//!
//! What the module does there is held to the corpus, and to the same filter without WebAssembly, `support::fake`.
//! `./build.sh test` and `./build.sh host` name the module in `ORIGIN_GATE_MODULE`.

mod bare;
mod chance;
mod corpus;
mod fuel;
mod hostile;
mod keep;
mod paths;
mod second;
#[path = "../support/mod.rs"]
mod support;
mod ticks;
mod traffic;

use std::path::PathBuf;
use std::sync::LazyLock;

use bare::Compiled;

fn module() -> PathBuf {
    let named = std::env::var_os("ORIGIN_GATE_MODULE").map(PathBuf::from);
    named.unwrap_or_else(|| support::root().join("dist/origin_gate.wasm"))
}

static MODULE: LazyLock<Compiled> = LazyLock::new(|| Compiled::load(&module()));
