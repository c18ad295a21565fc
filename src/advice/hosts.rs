//! What to tell of a host that was refused.

use std::borrow::Cow;

use super::{Case, Hint, LONGEST, text};
use policy::Policy;
use policy::forwarding::{self, Unfit};
use policy::host::{Authority, Host, without_root_dot};
use policy::path::PathPattern;
use policy::pattern::is_address;
use policy::request::RequestHead;
use policy::rules::Rules;
use policy::verdict::{Check, Deny, Verdict};

const MALFORMED_FORWARDED: &str =
    "have the proxy in front send Forwarded as RFC 7239 has it: values with a colon in quotes, one host to each host=";
const MALFORMED_FORWARDED_HOST: &str =
    "have the proxy in front send X-Forwarded-Host as a list: each one name or address, an optional port";

/// The forwarded host that was refused, if it was one and not the host itself.
#[must_use]
pub fn refused_forwarding<'a>(policy: &Policy, verdict: &Verdict<'_>, head: &RequestHead<'a>) -> Option<Unfit<'a>> {
    if verdict.finding.check != Check::Hosts {
        return None;
    }
    unfit(policy.rules_of(verdict.by), head)
}

fn unfit<'a>(rules: &Rules, head: &RequestHead<'a>) -> Option<Unfit<'a>> {
    let allowed = rules.allowed_hosts.as_ref()?;
    let is_own = head.target().is_some_and(|it| allowed.contains(&it.host));
    if is_own {
        head.forwarding.unfit(|host| allowed.contains(host))
    } else {
        None
    }
}

/// A path, whole if it is short and has nothing in it that may be more than a name: what comes later in a path, or after
/// a `;`, may be a visitor's.
fn named(path: &str) -> Cow<'_, str> {
    const SEGMENTS: usize = 2;
    let is_name = |it: char| it.is_ascii_alphanumeric() || "/-._~".contains(it);
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
        let unfit = unfit(self.rules, self.head);
        if self.deny == Some(Deny::HostMalformed) {
            return Hint::fix(match unfit {
                Some(unfit) if unfit.header == forwarding::FORWARDED => MALFORMED_FORWARDED,
                Some(_) => MALFORMED_FORWARDED_HOST,
                None => "nothing, unless a proxy in front rewrites Host: one name or address, an optional port",
            });
        }
        let value = match &unfit {
            Some(unfit) => unfit.value.as_deref(),
            None => self.head.authority.one(),
        };
        let authority = value.and_then(|it| Authority::parse(it).ok());
        let hosts = self.key("allowed_hosts");
        let Some(Authority { host, .. }) = authority else {
            return Hint::fix(["if it is yours, add the host to ", &hosts].concat());
        };
        let own = text(without_root_dot(host.text())).to_ascii_lowercase();
        if let Some(unfit) = &unfit {
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
        let path = std::str::from_utf8(self.head.path).ok()?;
        let is_fit = path.len() <= LONGEST && !path.contains('"') && !path.ends_with('/');
        Some(path).filter(|it| is_fit && PathPattern::parse(it).is_ok())
    }
}
