//! What becomes of a response: decided with its request, kept, and done when it comes.

use std::rc::Rc;

use super::{Gate, Proxy, Unavailable};
use crate::policy::cors::{Cors, UpstreamHeaders};
use crate::policy::headers::{self, RESPONSE_NAMES};
use crate::policy::verdict::{Finding, Forward, Grant};

/// What a response gets, kept from the request: by then proxies no longer show it.
#[derive(Debug)]
pub struct Latched {
    cors: Option<(Rc<Cors>, LatchedGrant)>,
    is_upgrade: bool,
    is_cross_site: bool,
    /// What to tell under `debug`.
    finding: Option<Finding>,
}

#[derive(Debug)]
enum LatchedGrant {
    Any,
    Origin(Box<[u8]>),
    Withheld,
}

impl LatchedGrant {
    fn as_grant(&self) -> Grant<'_> {
        match self {
            Self::Any => Grant::Any,
            Self::Origin(received) => Grant::Origin(received),
            Self::Withheld => Grant::Withheld,
        }
    }
}

impl Latched {
    /// Keeps what is needed; nothing if the response stays as it is.
    pub fn new(forward: Forward<'_>, finding: Option<Finding>) -> Option<Self> {
        let cors = forward.response.map(|(cors, grant)| {
            let grant = match grant {
                Grant::Any => LatchedGrant::Any,
                Grant::Origin(received) => LatchedGrant::Origin(received.into()),
                Grant::Withheld => LatchedGrant::Withheld,
            };
            (cors, grant)
        });
        (cors.is_some() || finding.is_some()).then_some(Self {
            cors,
            is_upgrade: forward.is_upgrade,
            is_cross_site: forward.is_cross_site,
            finding,
        })
    }

    /// Edits the response.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if its headers cannot be read, or not be made what they are to be.
    pub fn apply(&self, proxy: &impl Proxy, gate: &Gate) -> Result<(), Unavailable> {
        if let Some(finding) = self.finding {
            proxy.set_response_header(headers::X_ORIGIN_GATE, finding.to_string().as_bytes())?;
        }
        let Some((cors, grant)) = &self.cors else {
            return Ok(());
        };
        let grant = grant.as_grant();
        // One question, rather than one for each header; then an edit only of what is there or is to be.
        let pairs = proxy.response_headers()?;
        let head: ResponseHead = pairs.headers().ok_or(Unavailable)?.collect();
        if self.is_upgrade && head.is_switching {
            return match cors.upstream {
                UpstreamHeaders::Keep => Ok(()),
                UpstreamHeaders::Replace => replace(proxy, &head, cors, Grant::Withheld),
            };
        }
        if let Grant::Origin(origin) = grant
            && self.is_cross_site
            && head.sets_cookies
            && gate.cookies.record(origin, &pairs)
            && let Some(counter) = gate.dropped_cookies
        {
            proxy.count(counter);
        }
        if cors.upstream == UpstreamHeaders::Replace || !head.has_cors(headers::ALLOW_ORIGIN) {
            replace(proxy, &head, cors, grant)?;
        }
        if grant == Grant::Any || head.varies {
            return Ok(());
        }
        proxy.add_response_header(headers::VARY, b"Origin")
    }
}

/// Puts the grant in the place of whatever CORS headers there are.
fn replace(proxy: &impl Proxy, head: &ResponseHead, cors: &Cors, grant: Grant<'_>) -> Result<(), Unavailable> {
    for (name, is_there) in RESPONSE_NAMES.into_iter().zip(head.cors) {
        match cors.response_headers(grant).find(|(granted, _)| *granted == name) {
            Some((_, value)) => proxy.set_response_header(name, value)?,
            None if is_there => proxy.remove_response_header(name)?,
            None => {}
        }
    }
    Ok(())
}

/// The facts of a response's headers.
#[derive(Default)]
struct ResponseHead {
    /// The status is 101.
    is_switching: bool,
    /// Which of [`RESPONSE_NAMES`] are there.
    cors: [bool; RESPONSE_NAMES.len()],
    sets_cookies: bool,
    /// `Vary` has `Origin` or `*`.
    varies: bool,
}

impl ResponseHead {
    fn has_cors(&self, name: &str) -> bool {
        RESPONSE_NAMES
            .iter()
            .zip(self.cors)
            .any(|(it, is_there)| is_there && *it == name)
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for ResponseHead {
    /// Names count in any case: one that is not seen here is a header of the backend's that stays.
    fn from_iter<I: IntoIterator<Item = (&'a [u8], &'a [u8])>>(fields: I) -> Self {
        const CORS: &[u8] = b"access-control-";
        let mut head = Self::default();
        for (name, value) in fields {
            let is = |it: &str| name.eq_ignore_ascii_case(it.as_bytes());
            if is(":status") {
                head.is_switching = value == b"101";
            } else if is(headers::VARY) {
                head.varies |= headers::varies_by_origin(value);
            } else if is(headers::SET_COOKIE) {
                head.sets_cookies = true;
            } else if name.get(..CORS.len()).is_some_and(|it| it.eq_ignore_ascii_case(CORS)) {
                for (is_there, it) in head.cors.iter_mut().zip(RESPONSE_NAMES) {
                    *is_there |= is(it);
                }
            }
        }
        head
    }
}

/// Envoy answers what claims to be gRPC with 200 and the real status in a trailer. To an extended CONNECT a 200 says
/// that the socket is open, and to a preflight that it is granted.
///
/// # Errors
///
/// [`Unavailable`] if it cannot be done.
pub fn restore_status(proxy: &impl Proxy, status: u16) -> Result<(), Unavailable> {
    for name in ["grpc-status", "grpc-message", headers::CONTENT_TYPE] {
        proxy.remove_response_header(name)?;
    }
    proxy.set_response_header(":status", status.to_string().as_bytes())
}
