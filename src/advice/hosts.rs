//! What to tell of a host that was refused.

use std::borrow::Cow;

use super::case::{Case, LONGEST, text};
use super::hint::Hint;
use policy::forwarding::FORWARDED;
use policy::host::{Authority, Host, without_root_dot};
use policy::path::PathPattern;
use policy::pattern::is_address;
use policy::verdict::Deny;

const MALFORMED_FORWARDED: &str =
    "have the proxy in front send Forwarded as RFC 7239 has it: values with a colon in quotes, one host to each host=";
const MALFORMED_FORWARDED_HOST: &str =
    "have the proxy in front send X-Forwarded-Host as a list: each one name or address, an optional port";

/// A path, whole if it is short and has nothing in it that may be more than a name: what comes later in a path, or after
/// a `;`, may be a visitor's.
fn named(path: &str) -> Cow<'_, str> {
    const SEGMENTS: usize = 2;
    let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '/' | '-' | '.' | '_' | '~');
    match path.match_indices('/').nth(SEGMENTS) {
        _ if !path.chars().all(is_name) => "its path".into(),
        Some((end, _)) => ["its path (", path.get(..end).unwrap_or_default(), "/…)"]
            .concat()
            .into(),
        None => path.into(),
    }
}

impl Case<'_> {
    pub(super) fn host_hint(&self) -> Hint {
        if self.deny == Some(Deny::HostMalformed) {
            return Hint::fix(match self.forwarded {
                Some(unfit) if unfit.header == FORWARDED => MALFORMED_FORWARDED,
                Some(_) => MALFORMED_FORWARDED_HOST,
                None => "nothing, unless a proxy in front rewrites Host: one name or address, an optional port",
            });
        }
        let authority = match self.forwarded {
            Some(unfit) => unfit.value.as_ref().and_then(|it| Authority::parse(it).ok()),
            None => self.head.target,
        };
        let hosts = self.key("allowed_hosts");
        let Some(Authority { host, .. }) = authority else {
            return Hint::fix(["if it is yours, add the host to ", &hosts].concat());
        };
        let own = text(without_root_dot(host.text())).to_ascii_lowercase();
        if let Some(unfit) = self.forwarded {
            let fix = [
                unfit.header,
                " names another host: have the proxy in front send one that is listed, or add ",
                &own,
                " to ",
                &hosts,
            ];
            return Hint::fix(fix.concat());
        }
        if is_address(&host) {
            return Hint::fix(match self.exempt_path() {
                Some(path) => {
                    let exempt = self.key("hosts.exempt_paths");
                    [
                        "if this is a health check, add ",
                        &named(path),
                        " to ",
                        &exempt,
                        "; else ",
                        &own,
                        " to ",
                        &hosts,
                    ]
                    .concat()
                }
                None => ["if it is yours, add ", &own, " to ", &hosts].concat(),
            });
        }
        self.name_hint(&host, &own, &hosts)
    }

    fn name_hint(&self, host: &Host<'_>, own: &str, hosts: &str) -> Hint {
        let allowed = self.rules.allowed_hosts.as_ref();
        let add = ["add ", own, " to ", hosts].concat();
        let parent = allowed.and_then(|it| it.parent_of(host));
        if let Some(parent) = parent {
            let is_yours = !(self.domains.is_shared)(parent) && !is_address(&Host::Name(parent));
            let parent = text(parent).to_ascii_lowercase();
            return Hint {
                fix: match is_yours {
                    true => [&add, ", or .", &parent, " if all its subdomains are yours"]
                        .concat()
                        .into(),
                    false => add.into(),
                },
                nearest: Some(parent),
            };
        }
        let www = ["www.", own].concat();
        if Host::parse(www.as_bytes()).is_ok_and(|it| allowed.is_some_and(|allowed| allowed.lists(&it))) {
            return Hint {
                nearest: Some(www),
                fix: add.into(),
            };
        }
        let mut fix = ["if it is yours, ", &add].concat();
        if self.exempt_path().is_some() {
            fix += &[
                "; if this is a health check, its path to ",
                &self.key("hosts.exempt_paths"),
            ]
            .concat();
        }
        Hint::fix(fix)
    }

    /// The path, if it can be exempt by itself: it is the client's, and one that ends in `/` exempts all that is below.
    pub(super) fn exempt_path(&self) -> Option<&str> {
        let path = std::str::from_utf8(self.head.received.path).ok()?;
        let is_fit = path.len() <= LONGEST && !path.contains('"') && !path.ends_with('/');
        Some(path).filter(|it| is_fit && PathPattern::parse(it).is_ok())
    }
}
