//! The hosts that are listed.

use crate::address::V6Text;
use crate::host::{Host, without_root_dot};
use crate::pattern::HostPattern;
use crate::suffix_map::SuffixMap;

/// The compiled `allowed_hosts`.
#[derive(Debug, Default)]
pub struct HostSet {
    any: bool,
    /// Names, and the texts of IPv6 addresses, which hold a colon as no name does.
    exact: SuffixMap<()>,
    domains: SuffixMap<()>,
}

impl FromIterator<HostPattern> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostPattern>>(patterns: I) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            match pattern {
                HostPattern::Any => set.any = true,
                HostPattern::Domain(domain) => *set.domains.entry(domain) = (),
                HostPattern::One(host) => match Host::parse(&host) {
                    Ok(Host::V6(_, address)) => *set.exact.entry(V6Text::new(address).as_bytes().into()) = (),
                    _ => *set.exact.entry(host) = (),
                },
            }
        }
        set
    }
}

impl HostSet {
    /// Whether `*` is listed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Whether the host is allowed; port and one root dot do not count.
    #[must_use]
    pub fn contains(&self, host: &Host<'_>) -> bool {
        self.any || self.lists(host)
    }

    /// Whether the host is allowed by an entry other than `*`.
    #[must_use]
    pub fn lists(&self, host: &Host<'_>) -> bool {
        match host {
            Host::V6(_, address) => self.exact.get(V6Text::new(*address).as_bytes()).is_some(),
            Host::Name(name) => {
                let name = without_root_dot(name);
                self.exact.get(name).is_some()
                    || self.domains.get(name).is_some()
                    || self.domains.parents(name).next().is_some()
            }
        }
    }

    /// The nearest domain above the host that is listed without its subdomains.
    #[must_use]
    pub fn parent_of<'a>(&'a self, host: &'a Host<'_>) -> Option<&'a [u8]> {
        let Host::Name(name) = host else { return None };
        let name = without_root_dot(name);
        let (before, ()) = self.exact.parents(name).last()?;
        name.get(before.len()..).filter(|parent| parent.contains(&b'.'))
    }
}
