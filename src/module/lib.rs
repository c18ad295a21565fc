//! The edge: proxy-wasm's callbacks on one side, [`Filter`](filter::Filter) on the other.

#![cfg(target_os = "wasi")]

mod abi;
mod callbacks;
mod contexts;
mod counters;
mod keeping;
mod memory;
mod proxy_log;
mod root;
mod stream;
mod ticks;
