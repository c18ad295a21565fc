//! Policies made of the configurations of other programs.
//!
//! What cannot be carried over exactly is left out, and a note says so. A list of which something is missing allows less; a
//! list that is missing whole, and would then allow everything, gives no policy.

#![forbid(unsafe_code)]

mod django;
mod dotenv;
mod envoy;
mod hosts;
mod imported;
mod ingress_nginx;
mod traefik;

pub use django::{SCRIPT, import_django};
pub use dotenv::environment;
pub use envoy::import_envoy;
pub use imported::Imported;
pub use ingress_nginx::import_ingress_nginx;
pub use traefik::import_traefik;
