//! Envoy's own filters `cors` and `csrf`: their policies on routes, virtual hosts and route configurations, of a static
//! configuration or a dump, and `corsPolicy` of Istio's `VirtualService`.

mod cors;
mod csrf;
mod istio;
mod matcher;
mod policies;
mod routes;

use manifests::Node;
use manifests::yaml::documents;

use super::imported::Imported;
use routes::{Filters, VirtualHost};

/// Makes a policy of Envoy configurations or Istio's manifests, each with its name.
#[must_use]
pub fn import_envoy(files: &[(String, String)]) -> Imported {
    let mut notes = Vec::new();
    let mut nodes = Vec::new();
    for (name, text) in files {
        match documents(text) {
            Ok(read) => nodes.extend(read),
            Err(problem) => {
                notes.push(format!("{name}: {problem}"));
                return Imported::none(notes);
            }
        }
    }
    let mut found = Found::default();
    nodes.iter().for_each(|node| found.search(node, &mut notes));
    let policy = found.policy(&mut notes);
    Imported::of_rules(policy, "Envoy's filters let", notes)
}

/// What is found in all files.
#[derive(Default)]
struct Found<'a> {
    filters: Filters<'a>,
    hosts: Vec<VirtualHost<'a>>,
}

impl<'a> Found<'a> {
    /// Looks into a value for filters, for virtual hosts, and for resources of Istio.
    fn search(&mut self, node: &'a Node, notes: &mut Vec<String>) {
        if node.text("kind") == Some("VirtualService") {
            return self.hosts.extend(istio::virtual_hosts(node, notes));
        }
        self.filters.see(node);
        if let Some(hosts) = node.get_any(&["virtual_hosts", "virtualHosts"]) {
            let outer = routes::policies_of(node);
            let hosts = hosts.items().iter();
            self.hosts
                .extend(hosts.map(|host| routes::virtual_host(host, &outer, notes)));
        }
        node.entries().iter().for_each(|(_, value)| self.search(value, notes));
        node.items().iter().for_each(|value| self.search(value, notes));
    }

    /// The policy, in JSON that may still hold what a policy does not take.
    fn policy(self, notes: &mut Vec<String>) -> Result<String, String> {
        if self.hosts.is_empty() {
            return Err("there is no virtual host of Envoy and no VirtualService of Istio in it".to_owned());
        }
        self.filters.check(&self.hosts)?;
        policies::policy(&self.hosts, &self.filters, notes)
    }
}
