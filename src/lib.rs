//! Origin Gate.
pub mod config;
pub mod filter;
pub mod policy;
