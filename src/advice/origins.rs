//! What to tell of an origin that was refused.

use super::case::{Case, NO_BROWSER, text};
use super::hint::Hint;
use crate::nearest::{Difference, Nearest, nearest};
use policy::origin::Origin;
use policy::pattern::{OriginHosts, OriginPattern, is_opaque_scheme};
use policy::request::{Field, Received, Request};
use policy::rules::Rules;
use policy::verdict::{Check, Deny};

/// Browsers send no request of a page of `https` by `http`: a proxy in front took `https`, and did not say so.
pub(super) const OTHER_SCHEME: &str =
    "the page and its request differ in scheme: have the proxy that ends TLS send X-Forwarded-Proto";

impl Case<'_> {
    pub(super) fn origin_hint(&self, origin: &Origin<'_>) -> Hint {
        if is_opaque_scheme(origin.scheme) {
            return Hint::fix(NO_BROWSER);
        }
        if self.is_misread(origin) {
            return Hint::fix(OTHER_SCHEME);
        }
        let nearest = self.nearest(origin);
        let fix = if let Some(fix) = self.downgrade_fix(origin, nearest.as_ref()) {
            fix
        } else if self.rules.origins.set.is_any() {
            ["if it is yours, ", &self.add(&text(origin.text))].concat()
        } else if origin.is_insecure() && self.is_secure_list() {
            self.insecure_fix(origin, nearest.as_ref())
        } else {
            match &nearest {
                Some(nearest) => self.nearest_fix(nearest, origin),
                None => [self.far_words(origin), &self.add(&text(origin.text))].concat(),
            }
        };
        Hint {
            nearest: nearest.map(|nearest| nearest.entry.to_string()),
            fix: fix.into(),
        }
    }

    /// Whether the request would pass if it had the scheme of its page, which it may have had before a proxy.
    fn is_misread(&self, origin: &Origin<'_>) -> bool {
        matches!(self.check, Check::WebSocket | Check::Csrf)
            && self.deny == Some(Deny::SchemeMismatch)
            && self.head.scheme != Some(b"https")
            && self.allows(Received {
                forwarded_proto: Field::One(origin.scheme),
                ..self.head.received.clone()
            })
    }

    /// Whether another request passes this check, apart from what a preflight asks for.
    fn allows(&self, received: Received<'_>) -> bool {
        let finding = self.policy.decide(&Request::from(received)).finding;
        let deny = finding.outcome.deny();
        finding.check != self.check || matches!(deny, None | Some(Deny::MethodNotAllowed | Deny::HeaderNotAllowed))
    }

    /// The same page over `https`, and whether that is enough.
    fn secure(&self, origin: &Origin<'_>) -> (String, bool) {
        let port = origin.port.filter(|&port| port != 443);
        let port = port.map(|port| [":", &port.to_string()].concat()).unwrap_or_default();
        let secure = ["https://", &text(origin.host.text()), &port].concat();
        let is_enough = self.allows(Received {
            origin: Field::One(secure.as_bytes()),
            ..self.head.received.clone()
        });
        (secure, is_enough)
    }

    /// Whether an entry or a host of the policy says that the origin is the operator's, in words.
    fn whose(&self, origin: &Origin<'_>, nearest: Option<&Nearest>) -> &'static str {
        let Rules { origins, csrf, .. } = self.rules;
        let trusted = csrf.as_ref().map(|it| &it.trusted);
        let is_known = nearest.is_some_and(|it| it.difference != Difference::Label)
            || origins.set.find_credentialed(origin).is_some()
            || trusted.is_some_and(|it| it.find_credentialed(origin).is_some())
            || self.head.target.is_some_and(|it| origin.is_on_host(&it))
            || self
                .rules
                .allowed_hosts
                .as_ref()
                .is_some_and(|it| it.lists(&origin.host));
        if is_known { "" } else { "if it is yours, " }
    }

    /// The words for a page that is to come over `https`.
    fn secure_fix(&self, origin: &Origin<'_>, nearest: Option<&Nearest>, why: &str) -> String {
        let fix = [self.whose(origin, nearest), "serve the page over https"].concat();
        match self.secure(origin) {
            (_, true) => [&fix, ": ", why].concat(),
            (secure, false) => [&fix, " and ", &self.add(&secure), ": ", why].concat(),
        }
    }

    /// For what a page of `http` may not do to a request of `https`, whichever entry lists it.
    fn downgrade_fix(&self, origin: &Origin<'_>, nearest: Option<&Nearest>) -> Option<String> {
        let is_refused = matches!(self.check, Check::WebSocket | Check::Csrf)
            && self.rules.origins.refuse_downgrade(origin, self.head).is_err();
        if !is_refused {
            return None;
        }
        if origin.is_loopback() && !self.rules.origins.set.is_any() {
            let list = self.key("allowed_origins");
            return Some(["if that program is yours, add ", &text(origin.text), " to ", &list].concat());
        }
        Some(self.secure_fix(
            origin,
            nearest,
            match self.check {
                Check::WebSocket => NO_DOWNGRADED_SOCKET,
                _ => NO_DOWNGRADED_WRITE,
            },
        ))
    }

    fn nearest(&self, origin: &Origin<'_>) -> Option<Nearest> {
        let Rules { origins, csrf, .. } = self.rules;
        let trusted = csrf.as_ref().filter(|_| self.check == Check::Csrf);
        let nearest = nearest(&origins.set, origin).or_else(|| nearest(&trusted?.trusted, origin));
        let is_far =
            matches!(self.deny, Some(Deny::OriginNotAllowed | Deny::CrossSiteWrite)) && !self.is_own_host(origin);
        nearest.or_else(|| (self.domains.sibling)(&origins.set, origin).filter(|_| is_far))
    }

    /// Whether no `http` origin of another machine may be in `allowed_origins`, for whichever rules share it.
    fn is_secure_list(&self) -> bool {
        let list_of = |rules| self.provenance.giver(rules, "allowed_origins");
        let entries = (0..self.policy.scoped.len()).map(Some);
        entries
            .chain([None])
            .filter(|&rules| list_of(rules) == list_of(self.at))
            .any(|rules| !self.policy.rules_of(rules).origins.allow_insecure())
    }

    fn insecure_fix(&self, origin: &Origin<'_>, nearest: Option<&Nearest>) -> String {
        // What an expression holds is not asked of `trusted_origins`.
        if self.check == Check::Csrf && self.rules.origins.set.find_credentialed(origin).is_none() {
            return [
                self.whose(origin, nearest),
                if self.secure(origin).1 {
                    "serve the page over https, or "
                } else {
                    ""
                },
                "add ",
                &text(origin.text),
                " to ",
                &self.key("csrf.trusted_origins"),
                " (to write)",
            ]
            .concat();
        }
        let fix = self.secure_fix(origin, nearest, NO_HTTP);
        match self.deny {
            Some(Deny::PortMismatch) => {
                ["the page is on another port than it asks: serve both on one, or ", &fix].concat()
            }
            _ => fix,
        }
    }

    /// The words for an entry that nearly allows an origin.
    fn nearest_fix(&self, nearest: &Nearest, origin: &Origin<'_>) -> String {
        let is_on_https = matches!(&nearest.entry, OriginPattern::Of { scheme, .. } if **scheme == *b"https");
        let mut also = None;
        let before = match nearest.difference {
            Difference::Port => {
                also = Some([&text(origin.host.text()), ":* for every port"].concat());
                ""
            }
            Difference::Scheme if nearest.entry.is_socket() => {
                let fix = [
                    "write ",
                    &text(origin.text),
                    " in place of it: browsers send the scheme of the page, never ws or wss",
                ];
                return fix.concat();
            }
            Difference::Scheme if origin.scheme == b"http" && is_on_https && self.secure(origin).1 => {
                "serve the page over https, or "
            }
            Difference::RootDot => "a root dot makes it another site: have links changed, or ",
            Difference::Apex => "a wildcard does not cover the domain itself: ",
            Difference::Www | Difference::Scheme => "",
            Difference::Subdomain => match self.wildcard(&nearest.entry, origin) {
                None => "if it is yours, ",
                some => {
                    also = some;
                    ""
                }
            },
            Difference::Label => "a label differs from those that it covers: if it is yours, ",
        };
        let mut fix = [before, &self.add(&text(origin.text))].concat();
        // Wildcards are for pages of the web, and Django takes them for names.
        if let (Some(also), b"http" | b"https", None) =
            (also, origin.scheme, self.provenance.setting(self.at, "allowed_origins"))
        {
            fix += &[", or ", &text(origin.scheme), "://", &also].concat();
        }
        fix
    }

    /// The host and port of a wildcard over the host of an entry that covers the origin.
    fn wildcard(&self, entry: &OriginPattern, origin: &Origin<'_>) -> Option<String> {
        let OriginPattern::Of {
            hosts: OriginHosts::One(domain),
            ..
        } = entry
        else {
            return None;
        };
        if (self.domains.is_shared)(domain) {
            return None;
        }
        let port = origin
            .port
            .map(|port| [":", &port.to_string()].concat())
            .unwrap_or_default();
        Some(["*.", &text(domain), &port, " if all its subdomains are yours"].concat())
    }

    /// What is to be said of an origin that no entry comes near.
    fn far_words(&self, origin: &Origin<'_>) -> &'static str {
        if self.is_own_host(origin) {
            return "listing a host in allowed_hosts grants no CORS access: ";
        }
        match self.head.target.filter(|it| origin.is_on_host(it)) {
            Some(target) if !origin.is_at(&target) => "the page is on another port of the host it asks: ",
            None if is_made_up(origin.scheme) => "its host is of one installation alone: if it is yours, ",
            Some(_) if self.check == Check::Csrf => {
                "the browser reported a cross-site request, as after a redirect: if that is meant, "
            }
            _ => "if it is yours, ",
        }
    }

    /// Whether the origin's host may open WebSockets as one of those that are asked for.
    fn is_own_host(&self, origin: &Origin<'_>) -> bool {
        let hosts = self.rules.allowed_hosts.as_ref();
        self.check == Check::Cors && hosts.is_some_and(|it| it.lists(&origin.host))
    }

    /// The words for an origin that is to be listed. Beside `*` no other entry can stand.
    fn add(&self, origin: &str) -> String {
        let allowed = self.key("allowed_origins");
        let is_any = self.rules.origins.set.is_any();
        let trusted = || self.key("csrf.trusted_origins");
        match self.check {
            Check::Csrf if is_any => ["add ", origin, " to ", &trusted()].concat(),
            Check::Csrf => [
                "add ",
                origin,
                " to ",
                &trusted(),
                " (to write) or ",
                &allowed,
                " (to read too)",
            ]
            .concat(),
            _ if is_any => [
                "list ",
                origin,
                " and the others that may connect in ",
                &allowed,
                " in place of `*`, which lets pages read and no more",
            ]
            .concat(),
            _ => ["add ", origin, " to ", &allowed].concat(),
        }
    }
}

/// Whether browsers make the host up, anew for each installation.
fn is_made_up(scheme: &[u8]) -> bool {
    matches!(scheme, b"moz-extension" | b"safari-web-extension" | b"vscode-webview")
}

const NO_DOWNGRADED_SOCKET: &str = "a page of http may not open a WebSocket on a request of https, unless \
                                    dangerously_allow_insecure_origins is set";

const NO_DOWNGRADED_WRITE: &str =
    "a page of http may not write to a request of https, unless dangerously_allow_insecure_origins is set";

const NO_HTTP: &str = "beside cors.allow_credentials no http origin of another machine is allowed, unless \
                       dangerously_allow_insecure_origins is set";
