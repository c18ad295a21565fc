//! What to tell a person of a refusal: which entry comes nearest, and what would allow the request. It is worked out
//! only where it will be read, and goes to the operator, never into a response.

use std::borrow::Cow;

use super::Policy;
use super::cors::{AllowList, Cors};
use super::headers::{is_token, members};
use super::host::{Authority, Host, without_root_dot};
use super::near::{Miss, Near, nearest};
use super::origin::Origin;
use super::path::PathPattern;
use super::pattern::OriginPattern;
use super::request::{Field, RequestHead, Source};
use super::rules::Rules;
use super::verdict::{Check, Finding, Reason};

/// What to tell of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The entry that comes nearest to what was refused, in its canonical form.
    pub nearest: Option<String>,
    /// What would allow the request, or why nothing should.
    pub fix: Cow<'static, str>,
}

impl Policy {
    /// What to tell of a finding on a request.
    #[must_use]
    pub fn hint(&self, finding: Finding, head: &RequestHead<'_>) -> Hint {
        let (_, rules) = self.rules_behind(finding, head);
        rules.hint(finding, head)
    }
}

impl Hint {
    fn fix(fix: impl Into<Cow<'static, str>>) -> Self {
        Self {
            nearest: None,
            fix: fix.into(),
        }
    }

    /// The words for an entry that nearly allows an origin.
    #[must_use]
    pub fn near(near: &Near, origin: &Origin<'_>, check: Check) -> Self {
        let own = text(origin.text);
        let add = list_key(check);
        let entry = near.entry.to_string();
        let fix = match near.miss {
            Miss::Port => {
                let any = without_port(origin);
                ["add ", &own, " to ", add, ", or ", &any, ":* for every port"].concat()
            }
            Miss::Scheme if near.entry.is_socket() => [
                "write ",
                &own,
                " in place of it: browsers send the scheme of the page, never ws or wss",
            ]
            .concat(),
            Miss::Scheme if origin.scheme == b"http" => {
                ["serve the page over https, or add ", &own, " to ", add].concat()
            }
            Miss::RootDot => [
                "a root dot makes it another site: have links changed, or add ",
                &own,
                " to ",
                add,
            ]
            .concat(),
            Miss::Apex => ["a wildcard does not cover the domain itself: add ", &own, " to ", add].concat(),
            Miss::Www | Miss::Scheme => ["add ", &own, " to ", add].concat(),
            Miss::Subdomain => subdomain_fix(&near.entry, &own, add),
            Miss::Label => [
                "a label differs from those that it covers: if it is yours, add ",
                &own,
                " to ",
                add,
            ]
            .concat(),
        };
        Self {
            nearest: Some(entry),
            fix: fix.into(),
        }
    }
}

impl Rules {
    fn hint(&self, finding: Finding, head: &RequestHead<'_>) -> Hint {
        let Finding { check, reason, .. } = finding;
        match (reason, Source::from(head.origin)) {
            (Reason::HostNotAllowed, _) => self.host_hint(head),
            (Reason::HeaderNotAllowed, _) => self.header_hint(head),
            (Reason::OriginMalformed, _) => self.malformed_hint(head.origin),
            (
                Reason::PortMismatch | Reason::SchemeMismatch | Reason::OriginNotAllowed | Reason::CrossSiteWrite,
                Source::Origin(origin),
            ) => self.origin_hint(&origin, finding, head),
            _ => Hint::fix(general_fix(check, reason)),
        }
    }

    fn origin_hint(&self, origin: &Origin<'_>, finding: Finding, head: &RequestHead<'_>) -> Hint {
        let Finding { check, reason, .. } = finding;
        if check == Check::Csrf && reason == Reason::SchemeMismatch {
            return Hint::fix(general_fix(check, reason));
        }
        let trusted = self.csrf.as_ref().filter(|_| check == Check::Csrf);
        let near = nearest(&self.origins.set, origin).or_else(|| nearest(&trusted?.trusted, origin));
        let needs_danger = origin.is_insecure() && !self.origins.insecure;
        let hint = near.map(|near| Hint::near(&near, origin, check));
        if needs_danger && (hint.is_some() || self.origins.set.regex(origin).is_some()) {
            return Hint {
                nearest: hint.and_then(|it| it.nearest),
                fix: "serve the page over https: beside cors.allow_credentials no http origin of another machine is \
                      allowed, unless dangerously_allow_insecure_origins is set"
                    .into(),
            };
        }
        if let Some(hint) = hint {
            return hint;
        }
        let own = text(origin.text);
        if check == Check::Cors && self.allowed_hosts.as_ref().is_some_and(|it| it.lists(&origin.host)) {
            let fix = [
                "add ",
                &own,
                " to allowed_origins: its host is in allowed_hosts, which lets it open WebSockets and read nothing",
            ];
            return Hint::fix(fix.concat());
        }
        if head.target().is_some_and(|it| origin.is_on_host(&it)) {
            let fix = [
                "the page is on another port of the host it asks: add ",
                &own,
                " to ",
                list_key(check),
            ];
            return Hint::fix(fix.concat());
        }
        Hint::fix(["if it is yours, add ", &own, " to ", list_key(check)].concat())
    }

    /// For an origin in a spelling that no browser sends, the entry that the right one would match.
    fn malformed_hint(&self, origin: Field<'_>) -> Hint {
        let Some(received) = origin.one() else {
            return Hint::fix("one Origin line is sent by browsers: see what adds another");
        };
        let lower = received.to_ascii_lowercase();
        let repaired = lower.strip_suffix(b"/").unwrap_or(&lower);
        let found = Origin::parse(repaired).is_ok_and(|it| self.origins.set.find(&it).is_some());
        let general = Hint::fix(general_fix(Check::Cors, Reason::OriginMalformed));
        if !found {
            return general;
        }
        Hint {
            nearest: Some(text(repaired)),
            fix: "send it as browsers do: lower case, nothing after the host or port".into(),
        }
    }

    fn header_hint(&self, head: &RequestHead<'_>) -> Hint {
        let unlisted = match self.cors.as_deref() {
            Some(Cors {
                headers: AllowList::These { names, .. },
                ..
            }) => head
                .request_headers
                .iter()
                .flat_map(|line| members(line))
                .find(|name| !names.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(name))),
            _ => None,
        };
        match unlisted.filter(|name| is_token(name) && name.len() <= LONGEST) {
            Some(name) => Hint::fix(["if pages may send it, add ", &text(name), " to cors.allow_headers"].concat()),
            None => Hint::fix("if pages may send them, add the headers to cors.allow_headers"),
        }
    }

    fn host_hint(&self, head: &RequestHead<'_>) -> Hint {
        const ADD: &str = "if it is yours, add the host to allowed_hosts; if this is a health check, its path to \
                           hosts.exempt_paths";
        let (Some(allowed), Some(Authority { host, .. })) = (&self.allowed_hosts, head.target()) else {
            return Hint::fix(ADD);
        };
        if allowed.contains(&host) {
            return Hint::fix("X-Forwarded-Host names another host: have the proxy in front send one that is listed");
        }
        let own = text(without_root_dot(host.text())).to_ascii_lowercase();
        let path = std::str::from_utf8(head.path).ok();
        let path = path.filter(|it| it.len() <= LONGEST && !it.contains('"') && PathPattern::parse(it).is_ok());
        if is_address(&host) {
            let path = path.unwrap_or("its path");
            let fix = [
                "if this is a health check, add ",
                path,
                " to hosts.exempt_paths; else ",
                &own,
                " to allowed_hosts",
            ];
            return Hint::fix(fix.concat());
        }
        let www = ["www.", &own].concat();
        let is_www_listed = Host::parse(www.as_bytes()).is_ok_and(|it| allowed.lists(&it));
        match allowed.parent_of(&host).map(|it| text(it).to_ascii_lowercase()) {
            Some(parent) => Hint {
                fix: [
                    "write .",
                    &parent,
                    " for it and every subdomain, or add ",
                    &own,
                    " to allowed_hosts",
                ]
                .concat()
                .into(),
                nearest: Some(parent),
            },
            None if is_www_listed => Hint {
                fix: ["add ", &own, " to allowed_hosts"].concat().into(),
                nearest: Some(www),
            },
            None => Hint::fix(ADD),
        }
    }
}

/// The longest text from a request that a hint repeats, origins aside.
const LONGEST: usize = 64;

fn general_fix(check: Check, reason: Reason) -> &'static str {
    match (check, reason) {
        (_, Reason::HeadersUnavailable) => "report this with the proxy's version: it would not hand over the headers",
        (_, Reason::HostMalformed) => {
            "nothing, unless a proxy in front rewrites Host: one name or address, an optional port"
        }
        (_, Reason::MethodNotAllowed) => "add the method to cors.allow_methods, if pages may use it",
        (_, Reason::OriginMalformed) => "nothing, if a browser was not the client; else see what rewrites Origin",
        (Check::Csrf, Reason::OriginMissing) => {
            "set csrf.missing_origin to allow, if clients other than browsers write"
        }
        (_, Reason::OriginMissing) => "set websocket.missing_origin to allow, if clients other than browsers connect",
        (_, Reason::OriginNull) => {
            "serve the page from a site: sandboxed frames, files and some redirects have no origin"
        }
        (_, Reason::CrossSiteWrite) => {
            "the browser says that another site asks, and not which: if that is meant, add the path to \
             csrf.exempt_paths"
        }
        (Check::Csrf, Reason::SchemeMismatch) => {
            "the page and its request differ in scheme: have the proxy that ends TLS send X-Forwarded-Proto"
        }
        _ => "add the origin to allowed_origins, if it is yours",
    }
}

fn list_key(check: Check) -> &'static str {
    match check {
        Check::Csrf => "csrf.trusted_origins (to write) or allowed_origins (to read too)",
        _ => "allowed_origins",
    }
}

fn subdomain_fix(entry: &OriginPattern, own: &str, add: &str) -> String {
    match entry.to_string().split_once("://") {
        Some((scheme, rest)) => {
            let fix = [
                "add ",
                own,
                " to ",
                add,
                ", or ",
                scheme,
                "://*.",
                rest,
                " if all its subdomains are yours",
            ];
            fix.concat()
        }
        None => ["add ", own, " to ", add].concat(),
    }
}

fn without_port(origin: &Origin<'_>) -> String {
    [&text(origin.scheme), "://", &text(origin.host.text())].concat()
}

fn is_address(host: &Host<'_>) -> bool {
    match host {
        Host::V6(..) => true,
        Host::Name(name) => std::str::from_utf8(name).is_ok_and(|it| it.parse::<std::net::Ipv4Addr>().is_ok()),
    }
}

/// What was parsed is ASCII.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
