//! The files in which policies live: finds the policies of a file, and writes a policy into the resource of a control plane.
//!
//! [`policies`] returns a policy exactly as the proxy hands it to the filter, so that what is checked is what is deployed.
//! None of this is in the module.

#![forbid(unsafe_code)]

mod find;
mod marks;
mod node;
mod render;
mod wasm;
mod write;
pub mod yaml;

pub use find::{Found, Spot, policies};
pub use marks::{Mark, Written, marks, written};
pub use node::Node;
pub use render::{Target, render};
pub use wasm::{Loader, Variables};
