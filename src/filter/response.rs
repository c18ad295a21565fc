//! The edits to a response: computed in the request phase, applied in the response phase.

use std::num::NonZeroU16;

use super::filter_config::FilterConfig;
use super::proxy::{Headers, Proxy, Unavailable};
use super::removed::{Replacement, packed, unpacked};
use policy::headers::{self, GRANTED, RESPONSE_NAMES};
use policy::verdict::{AllowOrigin, Check, CorsGrant, Finding, Forward, Outcome, ResponseCors};

/// The bits of [`ResponseHead::cors`] for what says who may read a response.
const GRANTS: u32 = (1 << GRANTED) - 1;

/// The edits to a response. They are kept from the request phase, because proxies no longer show the request later.
#[derive(Debug)]
pub(crate) struct ResponseEdits {
    cors: ResponseCors<'static>,
    is_upgrade: bool,
    is_cross_site: bool,
    finding: Finding,
    /// The entry of `policies` whose rules decided.
    by: Option<NonZeroU16>,
}

impl ResponseEdits {
    /// Keeps the edits; `None` if the response stays as it is.
    pub(crate) fn new(forward: Forward<'_>, finding: Finding, by: Option<usize>, debug: bool) -> Option<Self> {
        (forward.response != ResponseCors::Untouched || debug).then_some(Self {
            cors: forward.response.into_owned(),
            is_upgrade: forward.is_upgrade,
            is_cross_site: forward.is_cross_site,
            finding,
            by: packed(by),
        })
    }

    /// Edits the response.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if its headers cannot be read, or not be made what they are to be.
    pub(crate) fn apply(&self, proxy: &mut impl Proxy, config: &FilterConfig) -> Result<(), Unavailable> {
        if config.policy.debug {
            proxy.set_response_header(headers::X_ORIGIN_GATE, self.finding.to_string().as_bytes())?;
        }
        let (grant, keeps) = match &self.cors {
            ResponseCors::Untouched => return Ok(()),
            ResponseCors::Keep(grant) => (grant, true),
            ResponseCors::Replace(grant) => (grant, false),
        };
        let head = self.read(proxy, config, grant)?;
        if self.is_upgrade && head.is_switching {
            return if keeps { Ok(()) } else { replace(proxy, &head, None) };
        }
        if !keeps || !head.is_granted() {
            replace(proxy, &head, Some(grant))?;
        }
        if grant.origin == AllowOrigin::Any || head.varies {
            return Ok(());
        }
        proxy.add_response_header(headers::VARY, b"Origin")
    }

    /// Reads the response, and records the cookies in it that browsers drop. It is one question, rather than one for each
    /// header; then an edit only of what is there or is to be.
    fn read(
        &self,
        proxy: &impl Proxy,
        config: &FilterConfig,
        grant: &CorsGrant<'_>,
    ) -> Result<ResponseHead, Unavailable> {
        let headers = proxy.response_headers()?;
        let mut head = ResponseHead::default();
        headers.visit(|name, value| head.add(name, value))?;
        if let AllowOrigin::Named(origin) = &grant.origin
            && grant.credentials
            && self.is_cross_site
            && head.sets_cookies
            && !(self.is_upgrade && head.is_switching)
            && config.cookies.record(origin, &headers)
            && let Some(counter) = config.dropped_cookies
        {
            proxy.count(counter);
        }
        if head.cors & GRANTS != 0 && config.removed.looks() {
            self.record_removed(proxy, config, grant, &head, &headers);
        }
        Ok(head)
    }

    /// Logs and counts the backend's grants that the policy removes.
    #[cold]
    #[inline(never)]
    fn record_removed<'a>(
        &self,
        proxy: &impl Proxy,
        config: &'a FilterConfig,
        grant: &'a CorsGrant<'a>,
        head: &ResponseHead,
        response: &impl Headers,
    ) {
        let keeps = matches!(self.cors, ResponseCors::Keep(_)) && head.is_granted();
        if keeps || self.is_upgrade && head.is_switching {
            return;
        }
        let is_refused = matches!(
            (self.finding.check, self.finding.outcome),
            (Check::Cors, Outcome::Rejected(_))
        );
        let replacement = Replacement {
            grant,
            is_refused,
            by: unpacked(self.by),
            provenance: config.provenance(),
        };
        let count = config.removed.record(replacement, response);
        if let Some(counter) = config.removed_grants {
            (0..count).for_each(|_| proxy.count(counter));
        }
    }
}

/// Puts the grant in the place of whatever CORS headers there are.
fn replace(proxy: &mut impl Proxy, head: &ResponseHead, grant: Option<&CorsGrant<'_>>) -> Result<(), Unavailable> {
    let grant = grant.filter(|grant| grant.origin != AllowOrigin::Withheld);
    // Most responses neither have such headers nor get any.
    if head.cors == 0 && grant.is_none() {
        return Ok(());
    }
    let granted = grant.map_or([None; GRANTED], CorsGrant::values);
    for (name, value) in RESPONSE_NAMES.into_iter().zip(granted) {
        if let Some(value) = value {
            proxy.set_response_header(name, value)?;
        }
    }
    // Most backends leave them to the proxy.
    if head.cors == 0 {
        return Ok(());
    }
    for (at, name) in RESPONSE_NAMES.into_iter().enumerate() {
        if head.cors & (1 << at) != 0 && granted.get(at).is_none_or(Option::is_none) {
            proxy.remove_response_header(name)?;
        }
    }
    Ok(())
}

/// The facts of a response's headers.
#[derive(Default)]
struct ResponseHead {
    /// The status is 101.
    is_switching: bool,
    /// Which of [`RESPONSE_NAMES`] are there, a bit for each.
    cors: u32,
    sets_cookies: bool,
    /// `Vary` has `Origin` or `*`.
    varies: bool,
}

impl ResponseHead {
    /// Names count in any case: one that is not seen here is a header of the backend's that stays.
    fn add(&mut self, name: &[u8], value: &[u8]) {
        const VARY: usize = headers::VARY.len();
        const SET_COOKIE: usize = headers::SET_COOKIE.len();
        const SHORTEST: usize = headers::MAX_AGE.len();
        let is = |it: &str| name == it.as_bytes() || name.eq_ignore_ascii_case(it.as_bytes());
        // Most lines are none of these, and their length says so.
        match name.len() {
            VARY if is(headers::VARY) => self.varies |= headers::varies_by_origin(value),
            7 if name == b":status" => self.is_switching = value == b"101",
            SET_COOKIE if is(headers::SET_COOKIE) => self.sets_cookies = true,
            SHORTEST.. => {
                for (at, it) in RESPONSE_NAMES.into_iter().enumerate() {
                    self.cors |= u32::from(is(it)) << at;
                }
            }
            _ => {}
        }
    }

    /// Whether `Access-Control-Allow-Origin` is there.
    fn is_granted(&self) -> bool {
        self.cors & 1 != 0
    }
}

/// Envoy answers what claims to be gRPC with 200 and the real status in a trailer. To an extended CONNECT a 200 says
/// that the socket is open, and to a preflight that it is granted.
///
/// # Errors
///
/// [`Unavailable`] if it cannot be done.
pub(crate) fn restore_status(proxy: &mut impl Proxy, status: u16) -> Result<(), Unavailable> {
    for name in ["grpc-status", "grpc-message", headers::CONTENT_TYPE] {
        proxy.remove_response_header(name)?;
    }
    proxy.set_response_header(":status", status.to_string().as_bytes())
}
