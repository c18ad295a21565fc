//! What is permitted to one request.

use std::collections::BTreeSet;
use std::fmt;

use policy::reply::{AllowedNames, Preflight, Reply};
use policy::verdict::{Action, AllowOrigin, CorsGrant, Finding, Forward, RequestEdit, ResponseCors};
use policy::{Policy, headers};

use super::question::{Ask, Question};

/// One thing that a policy permits or refuses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// The host is answered for.
    Host,
    /// The page reads answers.
    Read,
    /// It reads them with its visitor's cookies.
    ReadWithCookies,
    /// The backend may let it read them.
    Backend,
    /// The request changes something.
    Write,
    /// A WebSocket opens.
    Socket,
    /// A preflight is granted this method; `*` is any that no list has.
    Method(String),
    /// A preflight is granted this header; `*` is any that no list has, `x-*` any below that prefix.
    Header(String),
    /// A preflight is granted the private network.
    PrivateNetwork,
    /// The page reads this header of answers; `*` is every header.
    Expose(String),
    /// The backend sees this header, whatever host it names.
    Forwarded(String),
}

impl Permission {
    /// Whether it is for a page that reads answers, so that it says nothing new of one that did not before.
    pub(crate) fn is_of_reader(&self) -> bool {
        matches!(
            self,
            Self::Method(_) | Self::Header(_) | Self::PrivateNetwork | Self::Expose(_)
        )
    }

    /// The word of programs for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Read => "read",
            Self::ReadWithCookies => "read_with_cookies",
            Self::Backend => "backend_decides",
            Self::Write => "write",
            Self::Socket => "websocket",
            Self::Method(_) => "method",
            Self::Header(_) => "header",
            Self::PrivateNetwork => "private_network",
            Self::Expose(_) => "expose",
            Self::Forwarded(_) => "forwarded_host",
        }
    }

    /// The name that it is about.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Method(name) | Self::Header(name) | Self::Expose(name) | Self::Forwarded(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("ask for the host"),
            Self::Read => f.write_str("read answers"),
            Self::ReadWithCookies => f.write_str("read answers with cookies"),
            Self::Backend => f.write_str("read what the backend lets it read"),
            Self::Write => f.write_str("write"),
            Self::Socket => f.write_str("open WebSockets"),
            Self::Method(name) if name == "*" => f.write_str("send any other method"),
            Self::Method(name) => write!(f, "send {name}"),
            Self::Header(name) if name == "*" => f.write_str("send any other header"),
            Self::Header(name) if name.ends_with('*') => write!(f, "send any other header {name}"),
            Self::Header(name) => write!(f, "send the header {name}"),
            Self::PrivateNetwork => f.write_str("ask from a public network"),
            Self::Expose(name) if name == "*" => f.write_str("read every header of answers"),
            Self::Expose(name) => write!(f, "read the header {name} of answers"),
            Self::Forwarded(name) => write!(f, "pass its {name} to the backend"),
        }
    }
}

/// What a policy makes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What is permitted.
    pub permissions: BTreeSet<Permission>,
    /// Why; `None` where there is no policy.
    pub finding: Option<Finding>,
    /// The entry of `policies` that decided.
    pub by: Option<usize>,
    /// For how many seconds the answer to a preflight is kept.
    pub max_age: Option<u32>,
}

/// Everything that a request asks for: what there is to permit where there is no policy.
fn everything(ask: &Ask, has_origin: bool) -> BTreeSet<Permission> {
    match ask {
        Ask::Read if has_origin => [
            Permission::Host,
            Permission::Read,
            Permission::ReadWithCookies,
            Permission::Backend,
            Permission::Expose("*".to_owned()),
        ]
        .into(),
        Ask::Read => [Permission::Host].into(),
        Ask::Write(_) => [Permission::Write].into(),
        Ask::Socket => [Permission::Socket].into(),
        Ask::Method(method) => [Permission::Backend, Permission::Method(method.clone())].into(),
        Ask::Header(name) => [Permission::Backend, Permission::Header(name.clone())].into(),
        Ask::PrivateNetwork => [Permission::Backend, Permission::PrivateNetwork].into(),
        Ask::Forwarded(name, _) => [Permission::Forwarded((*name).to_owned())].into(),
    }
}

impl Answer {
    /// Asks a policy.
    #[must_use]
    pub fn of(policy: Option<&Policy>, question: &Question) -> Self {
        let Some(policy) = policy else {
            return Self {
                permissions: everything(&question.ask, question.origin.is_some()),
                finding: None,
                by: None,
                max_age: None,
            };
        };
        let lines = question.lines();
        let verdict = policy.decide(&Question::request(&lines));
        let max_age = match &verdict.action {
            Action::Reply(Reply::Preflight(preflight)) => Some(preflight.max_age),
            _ => None,
        };
        let mut permissions = match (&verdict.action, &question.ask) {
            (Action::Forward(forward), ask) => forwarded(forward, ask, question.origin.is_some()),
            (Action::Reply(Reply::Preflight(preflight)), ask) => preflighted(preflight, ask).into_iter().collect(),
            (Action::Reply(Reply::Refusal(_)), _) => BTreeSet::new(),
        };
        if policy.debug && permissions.contains(&Permission::Read) {
            permissions.insert(Permission::Expose(headers::X_ORIGIN_GATE.to_owned()));
        }
        Self {
            permissions,
            finding: Some(verdict.finding),
            by: verdict.by,
            max_age,
        }
    }
}

fn forwarded(forward: &Forward<'_>, ask: &Ask, has_origin: bool) -> BTreeSet<Permission> {
    match ask {
        Ask::Read => {
            let mut permissions = BTreeSet::from([Permission::Host]);
            if has_origin {
                permissions.extend(read(&forward.response));
            }
            permissions
        }
        Ask::Forwarded(name, _) => {
            let is_removed = |it: &RequestEdit| match it {
                RequestEdit::Remove(removed) => removed == name,
                _ => false,
            };
            let stays = !forward.request.iter().any(is_removed);
            stays
                .then(|| Permission::Forwarded((*name).to_owned()))
                .into_iter()
                .collect()
        }
        // A preflight that goes on is answered by the backend.
        Ask::Method(_) | Ask::Header(_) | Ask::PrivateNetwork => [Permission::Backend].into(),
        Ask::Write(_) | Ask::Socket => everything(ask, has_origin),
    }
}

fn read(response: &ResponseCors<'_>) -> Vec<Permission> {
    let (grant, is_backend) = match response {
        ResponseCors::Untouched => return vec![Permission::Backend],
        ResponseCors::Keep(grant) => (grant, true),
        ResponseCors::Replace(grant) => (grant, false),
    };
    let mut permissions = if is_backend {
        vec![Permission::Backend]
    } else {
        Vec::new()
    };
    if is_readable(grant) {
        permissions.push(Permission::Read);
        permissions.extend(grant.credentials.then_some(Permission::ReadWithCookies));
        let names = grant.expose.split(',').map(str::trim).filter(|it| !it.is_empty());
        permissions.extend(names.map(|it| Permission::Expose(it.to_ascii_lowercase())));
    }
    permissions
}

fn preflighted(preflight: &Preflight<'_>, ask: &Ask) -> Option<Permission> {
    let is_granted = is_readable(&preflight.grant)
        && match ask {
            Ask::Method(method) => holds(&preflight.methods, method, |own, asked| own == asked),
            Ask::Header(name) => holds(&preflight.headers, name, <[u8]>::eq_ignore_ascii_case),
            Ask::PrivateNetwork => preflight.private_network,
            _ => false,
        };
    is_granted.then(|| match ask {
        Ask::Method(method) => Permission::Method(method.clone()),
        Ask::Header(name) => Permission::Header(name.clone()),
        _ => Permission::PrivateNetwork,
    })
}

fn holds(names: &AllowedNames<'_>, name: &str, is_same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let (AllowedNames::Requested(list) | AllowedNames::Listed(list)) = names;
    headers::members(list).any(|it| is_same(it, name.as_bytes()))
}

fn is_readable(grant: &CorsGrant<'_>) -> bool {
    grant.origin != AllowOrigin::Withheld
}
