//! The way out of a refusal where more headers of the request say more of its cause than the log's hint can: that one is in
//! the module, and has to be short.

use super::Line;
use advice::Hint;
use config::Provenance;
use policy::Policy;
use policy::host::Authority;
use policy::path::PathPattern;
use policy::pattern::is_address;
use policy::request::{Field, Request, Source};
use policy::verdict::{Check, Deny, Verdict};

/// A refusal, with all that the request says.
pub(super) struct Refusal<'a> {
    pub(super) policy: &'a Policy,
    pub(super) provenance: &'a Provenance,
    pub(super) verdict: &'a Verdict<'a>,
    pub(super) head: &'a Request<'a>,
    pub(super) lines: &'a [Line],
}

/// The longest path that a hint repeats.
const LONGEST: usize = 64;

impl Refusal<'_> {
    /// The hint, made better where this knows better.
    pub(super) fn way_out(&self, hint: Hint) -> Hint {
        let fix = match (self.verdict.finding.check, self.verdict.finding.outcome.deny()) {
            (Check::Csrf, Some(Deny::OriginNull)) => Some(self.null_write()),
            (check, Some(Deny::OriginNull)) => Some(self.null_origin(check)),
            (_, Some(Deny::OriginMalformed)) if hint.nearest.is_none() => self.shell_without_host(),
            (_, Some(Deny::SchemeMismatch)) => self.several_protos(),
            (Check::Csrf, Some(Deny::CrossSiteWrite)) => self.form(&hint),
            (_, Some(Deny::OriginNotAllowed)) => self.made_up_host(),
            (_, Some(Deny::HostNotAllowed)) if self.verdict.forwarded.is_none() => {
                self.hidden_host(&hint).or_else(|| self.folder_of_probes())
            }
            _ => None,
        };
        match fix {
            Some(fix) => Hint {
                nearest: hint.nearest,
                fix: fix.into(),
            },
            None => hint,
        }
    }

    fn key(&self, key: &str) -> String {
        self.provenance.place(self.verdict.by, key)
    }

    fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|(it, _)| it == name)
    }

    fn is_navigation(&self) -> bool {
        self.head.received.fetch_mode == Field::One(b"navigate")
    }

    /// The causes of `Origin: null` that fit, and the way out of each.
    fn null_origin(&self, check: Check) -> String {
        let sandbox = "a sandboxed frame sends null: give it `allow-same-origin`";
        let file = "a page from a file does: serve it from a site";
        let redirect = "the browser was redirected here from another address (http to https is one too), after which it sends \
                        null: have the page call the final address";
        match check {
            Check::WebSocket => format!("{sandbox}; {file}"),
            _ if self.has("referer") => redirect.to_owned(),
            _ => format!(
                "{sandbox}; {file}; so does a request after a redirect from another address (http to https is one \
                          too): have the page call the final address"
            ),
        }
    }

    /// A write without an origin: a provider that posts a form, or a page that hides its own.
    fn null_write(&self) -> String {
        let exempt = self.exempt_path();
        let exempt = exempt.map(|path| {
            let key = self.key("csrf.exempt_paths");
            format!("; if another site is to post here (a payment, a login), add {path} to {key}, and have the backend check \
                     what was posted")
        });
        let form = "a form sends null from a sandboxed frame (give it `allow-same-origin`) or under `Referrer-Policy: no-referrer` \
                    (send `strict-origin-when-cross-origin` with that page)";
        let received = &self.head.received;
        let cause = match received.fetch_mode {
            _ if self.is_navigation() => form.to_owned(),
            Field::Absent if received.is_form() => {
                format!(
                    "{form}; so does a request after a redirect from another address: have it go to the final address"
                )
            }
            _ => self.null_origin(Check::Csrf),
        };
        cause + &exempt.unwrap_or_default()
    }

    /// The path, if it can be exempt by itself.
    fn exempt_path(&self) -> Option<&str> {
        let path = std::str::from_utf8(self.head.received.path).ok()?;
        let is_fit = path.len() <= LONGEST && !path.contains(['"', ' ', ',', ';']) && !path.ends_with('/');
        Some(path).filter(|it| is_fit && PathPattern::parse(it).is_ok())
    }

    /// A page of an app or a file.
    fn shell_without_host(&self) -> Option<String> {
        let origin = std::str::from_utf8(self.head.received.origin.one()?).ok()?;
        let (scheme, rest) = origin.split_once("://")?;
        let is_hostless = matches!(rest, "" | "." | "-" | "/");
        match scheme {
            "file" => Some(
                "a page from a file or in a WebView sends this, and any file may: serve the page from a site, or from a \
                 scheme of the app with a host (such as `capacitor://localhost`) and list that"
                    .to_owned(),
            ),
            scheme if is_hostless && scheme.bytes().all(|it| it.is_ascii_lowercase() || it == b'-') => Some(format!(
                "an app whose pages have no host sends this: serve them from `{scheme}://localhost` and list that"
            )),
            _ => None,
        }
    }

    /// Proxies that append what each of them saw.
    fn several_protos(&self) -> Option<String> {
        let several = match self.head.received.forwarded_proto {
            Field::One(value) => value.contains(&b','),
            Field::Many => true,
            Field::Absent => false,
        };
        several.then(|| {
            "X-Forwarded-Proto has several values, so that the request counts as one of https: have the proxy in front \
             overwrite it with one"
                .to_owned()
        })
    }

    /// A form of another site, whose page reads nothing of the answer.
    fn form(&self, hint: &Hint) -> Option<String> {
        let (offer, _) = hint
            .fix
            .split_once(" (to write) or ")
            .filter(|_| self.is_navigation())?;
        Some(format!("{offer} (to write; a form reads nothing)"))
    }

    /// A page whose host a browser made up for one installation.
    fn made_up_host(&self) -> Option<String> {
        let Source::Origin(origin) = self.head.source else {
            return None;
        };
        let of_each = match origin.scheme {
            b"moz-extension" | b"safari-web-extension" => "[0-9a-f-]{36}",
            b"vscode-webview" => "[0-9a-z]+",
            _ => return None,
        };
        let rules = self.policy.rules_of(self.verdict.by);
        let scheme = String::from_utf8_lossy(origin.scheme);
        let text = String::from_utf8_lossy(origin.text);
        let list = self.key("allowed_origins");
        let one = format!("this host is of one installation alone: if it is yours, add {text} to {list}");
        let grants =
            self.verdict.finding.check == Check::Cors && !rules.origins.credentials && !rules.origins.set.is_any();
        Some(
            match grants && self.provenance.setting(self.verdict.by, "allowed_origins").is_none() {
                true => format!(
                    "{one}; for all installations, and with them every extension, add {scheme}://{of_each} to {}",
                    self.key("allowed_origin_regexes")
                ),
                false => one,
            },
        )
    }

    /// A proxy in front that asks by a name of its own, and says by which it was asked.
    fn hidden_host(&self, hint: &Hint) -> Option<String> {
        let (_, line) = self.lines.iter().find(|(name, _)| name == "x-forwarded-host")?;
        let Authority { host, .. } = Authority::parse(line).ok()?;
        let hosts = self.policy.rules_of(self.verdict.by).allowed_hosts.as_ref()?;
        hosts.contains(&host).then(|| {
            format!(
                "{} is listed, and stands in X-Forwarded-Host: have the proxy in front forward Host as it came; or, {}",
                String::from_utf8_lossy(host.text()),
                hint.fix
            )
        })
    }

    /// A health check whose path ends in `/`.
    fn folder_of_probes(&self) -> Option<String> {
        let target = self.head.target.filter(|it| is_address(&it.host))?;
        let path = std::str::from_utf8(self.head.received.path).ok()?;
        let is_fit =
            path.len() > 1 && path.len() <= LONGEST && path.ends_with('/') && !path.contains(['"', ' ', ',', ';']);
        let path = Some(path).filter(|it| is_fit && PathPattern::parse(it).is_ok())?;
        Some(format!(
            "if this is a health check, add {path} to {}, which exempts all below it; else {} to {}",
            self.key("hosts.exempt_paths"),
            String::from_utf8_lossy(target.host.text()).to_ascii_lowercase(),
            self.key("allowed_hosts")
        ))
    }
}
