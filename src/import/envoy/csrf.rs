//! The policy of Envoy's filter `csrf`.

use manifests::Node;
use serde_json::{Map, Value, json};

use super::matcher::Matched;
use super::policies::State;

/// `envoy.extensions.filters.http.csrf.v3.CsrfPolicy`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CsrfPolicy {
    state: State,
    /// Hosts, with their ports, that may write.
    hosts: Vec<String>,
    /// Domains whose subdomains may.
    domains: Vec<String>,
}

impl CsrfPolicy {
    /// Reads a policy, `None` if it is off.
    pub(super) fn read(policy: &Node, note: &mut dyn FnMut(String)) -> Result<Option<Self>, String> {
        let state = State::read(policy).map_err(|why| format!("csrf: {why}"))?;
        if state == State::Off {
            return Ok(None);
        }
        let (mut hosts, mut domains) = (Vec::new(), Vec::new());
        let origins = policy.get_any(&["additional_origins", "additionalOrigins"]);
        for matcher in origins.map_or(&[][..], Node::items) {
            // `.example.com` as a suffix is whole labels.
            let suffix = matcher.text("suffix").and_then(|it| it.strip_prefix('.'));
            match (suffix, Matched::read(matcher)) {
                (Some(domain), Matched::Expression(_)) => domains.push(domain.to_owned()),
                (_, Matched::Text(host)) => hosts.push(host),
                (_, other) => note(format!(
                    "left out: csrf.additional_origins: {}: name the hosts in csrf.trusted_origins",
                    match other {
                        Matched::Any => "every site may write by it".to_owned(),
                        Matched::Expression(it) => format!("hosts by `{it}`"),
                        Matched::Text(it) | Matched::Unknown(it) => it,
                    }
                )),
            }
        }
        if !hosts.is_empty() || !domains.is_empty() {
            note(
                "left out: pages over `http`, which csrf.additional_origins let write too, as they know no scheme; list those that may \
                 in csrf.trusted_origins"
                    .to_owned(),
            );
        }
        Ok(Some(Self { state, hosts, domains }))
    }

    /// `csrf` of a policy. The filter knows no scheme; here pages of `https` may write.
    pub(super) fn section(&self) -> Value {
        let mut section = Map::new();
        if self.state == State::Shadow {
            section.insert("mode".to_owned(), "report_only".into());
        }
        section.insert("missing_origin".to_owned(), "reject".into());
        let hosts = self.hosts.iter().map(|it| format!("https://{it}"));
        let domains = self.domains.iter().map(|it| format!("https://*.{it}"));
        let origins: Vec<_> = hosts.chain(domains).collect();
        if !origins.is_empty() {
            section.insert("trusted_origins".to_owned(), json!(origins));
        }
        section.into()
    }

    /// Whether a page of an origin, which is listed for reading, may write there too: as it may here where writes are checked.
    pub(super) fn lets_write(&self, origin: &str, domains: &[&str]) -> bool {
        let Some((_, host)) = origin.split_once("://") else {
            return false;
        };
        let is_within = |domain: &String| {
            let inner = host.strip_suffix(domain.as_str()).and_then(|it| it.strip_suffix('.'));
            inner.is_some_and(|it| !it.is_empty())
        };
        self.state == State::Shadow
            || self.hosts.iter().any(|it| it == host)
            || self.domains.iter().any(is_within)
            // The page's own host.
            || matches!(domains, [only] if *only == host)
    }
}
