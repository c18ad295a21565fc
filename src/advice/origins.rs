//! What to tell of an origin that was refused.

use super::{Case, Hint, NO_BROWSER, text};
use crate::near::{Miss, Near, nearest};
use policy::origin::Origin;
use policy::pattern::{OriginHosts, OriginPattern, is_opaque_scheme};
use policy::rules::Rules;
use policy::verdict::{Check, Deny};

impl Case<'_> {
    pub(super) fn origin_hint(&self, origin: &Origin<'_>) -> Hint {
        if self.check == Check::Csrf && self.deny == Some(Deny::SchemeMismatch) {
            return Hint::fix(
                "the page and its request differ in scheme: have the proxy that ends TLS send X-Forwarded-Proto",
            );
        }
        if is_opaque_scheme(origin.scheme) {
            return Hint::fix(NO_BROWSER);
        }
        if let Some(fix) = self.any_fix(origin) {
            return Hint::fix(fix);
        }
        let near = self.near(origin);
        let fix = if let Some(fix) = self.downgrade_fix(origin) {
            fix
        } else if origin.is_insecure() && self.is_secure_list() {
            self.insecure_fix(origin, near.is_some())
        } else {
            match &near {
                Some(near) => self.near_fix(near, origin),
                None => [self.far_words(origin), "add ", &text(origin.text), " to ", &self.list()].concat(),
            }
        };
        Hint {
            nearest: near.map(|near| near.entry.to_string()),
            fix: fix.into(),
        }
    }

    /// For what a page of `http` may not do to a request of `https`, whichever entry lists it.
    fn downgrade_fix(&self, origin: &Origin<'_>) -> Option<String> {
        let is_refused = matches!(self.check, Check::WebSocket | Check::Csrf)
            && self.rules.origins.refuse_downgrade(origin, self.head).is_err();
        let what = match self.check {
            _ if !is_refused => return None,
            _ if origin.is_loopback() => {
                let list = self.key("allowed_origins");
                return Some(["if that program is yours, add ", &text(origin.text), " to ", &list].concat());
            }
            Check::WebSocket => "open a WebSocket on",
            _ => "write to",
        };
        let fix = [
            "serve the page over https: a page of http may not ",
            what,
            " a request of https, unless dangerously_allow_insecure_origins is set",
        ];
        Some(fix.concat())
    }

    /// Beside `*` no other entry can stand.
    fn any_fix(&self, origin: &Origin<'_>) -> Option<String> {
        let is_downgrade = self.rules.origins.refuse_downgrade(origin, self.head).is_err();
        if !self.rules.origins.set.is_any() || is_downgrade && self.check == Check::Csrf {
            return None;
        }
        let list = self.key("allowed_origins");
        let own = text(origin.text);
        Some(match self.check {
            Check::Csrf => ["if it is yours, add ", &own, " to ", &self.key("csrf.trusted_origins")].concat(),
            _ => [
                "`*` lets pages read and no more: list the origins that may connect in ",
                &list,
                " in its place",
            ]
            .concat(),
        })
    }

    fn near(&self, origin: &Origin<'_>) -> Option<Near> {
        let Rules { origins, csrf, .. } = self.rules;
        let trusted = csrf.as_ref().filter(|_| self.check == Check::Csrf);
        let near = nearest(&origins.set, origin).or_else(|| nearest(&trusted?.trusted, origin));
        let is_far =
            matches!(self.deny, Some(Deny::OriginNotAllowed | Deny::CrossSiteWrite)) && !self.is_own_host(origin);
        near.or_else(|| (self.domains.sibling)(&origins.set, origin).filter(|_| is_far))
    }

    /// Whether no `http` origin of another machine may be in `allowed_origins`, for whichever rules share it.
    fn is_secure_list(&self) -> bool {
        let own = &self.rules.origins;
        let all = self.policy.scoped.iter().map(|it| &it.rules);
        all.chain([&self.policy.rules, self.rules])
            .any(|it| std::rc::Rc::ptr_eq(&it.origins.set, &own.set) && !it.origins.allow_insecure())
    }

    fn insecure_fix(&self, origin: &Origin<'_>, is_near: bool) -> String {
        let is_known = is_near || self.deny == Some(Deny::SchemeMismatch);
        let whose = if is_known { "" } else { "if it is yours, " };
        if self.check == Check::Csrf {
            let trusted = self.key("csrf.trusted_origins");
            let own = text(origin.text);
            return [
                whose,
                "serve the page over https, or add ",
                &own,
                " to ",
                &trusted,
                " (to write)",
            ]
            .concat();
        }
        [
            whose,
            "serve the page over https: beside cors.allow_credentials no http origin of another machine is allowed, \
             unless dangerously_allow_insecure_origins is set",
        ]
        .concat()
    }

    /// The words for an entry that nearly allows an origin.
    fn near_fix(&self, near: &Near, origin: &Origin<'_>) -> String {
        let is_on_https = matches!(&near.entry, OriginPattern::Of { scheme, .. } if **scheme == *b"https");
        let mut also = None;
        let before = match near.miss {
            Miss::Port => {
                also = Some([&text(origin.host.text()), ":* for every port"].concat());
                ""
            }
            Miss::Scheme if near.entry.is_socket() => {
                let fix = [
                    "write ",
                    &text(origin.text),
                    " in place of it: browsers send the scheme of the page, never ws or wss",
                ];
                return fix.concat();
            }
            Miss::Scheme if origin.scheme == b"http" && is_on_https => "serve the page over https, or ",
            Miss::RootDot => "a root dot makes it another site: have links changed, or ",
            Miss::Apex => "a wildcard does not cover the domain itself: ",
            Miss::Www | Miss::Scheme => "",
            Miss::Subdomain => {
                also = self.wildcard(&near.entry, origin);
                ""
            }
            Miss::Label => "a label differs from those that it covers: if it is yours, ",
        };
        let mut fix = [before, "add ", &text(origin.text), " to ", &self.list()].concat();
        // Wildcards are for pages of the web.
        if let (Some(also), b"http" | b"https") = (also, origin.scheme) {
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
            return "that its host is in allowed_hosts lets it read nothing: ";
        }
        match self.head.target().filter(|it| origin.is_on_host(it)) {
            Some(target) if !origin.is_at(&target) => "the page is on another port of the host it asks: ",
            Some(_) if self.check == Check::Csrf => {
                "the browser says that another site asks, as after a redirect: if that is meant, "
            }
            _ => "if it is yours, ",
        }
    }

    /// Whether the origin's host may open WebSockets as one of those that are asked for.
    fn is_own_host(&self, origin: &Origin<'_>) -> bool {
        let hosts = self.rules.allowed_hosts.as_ref();
        self.check == Check::Cors && hosts.is_some_and(|it| it.lists(&origin.host))
    }

    /// Where an origin is to be listed.
    fn list(&self) -> String {
        let allowed = self.key("allowed_origins");
        match self.check {
            Check::Csrf => {
                let trusted = self.key("csrf.trusted_origins");
                [&trusted, " (to write) or ", &allowed, " (to read too)"].concat()
            }
            _ => allowed,
        }
    }
}
