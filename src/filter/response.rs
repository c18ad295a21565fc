//! The edits to a response: computed in the request phase, applied in the response phase.

use super::filter_config::FilterConfig;
use super::proxy::{Headers, Proxy, Unavailable};
use policy::headers::{self, RESPONSE_NAMES};
use policy::verdict::{AllowOrigin, CorsGrant, Finding, Forward, ResponseCors};

/// The edits to a response. They are kept from the request phase, because proxies no longer show the request later.
#[derive(Debug)]
pub(crate) struct ResponseEdits {
    cors: ResponseCors<'static>,
    is_upgrade: bool,
    is_cross_site: bool,
    /// The finding that the response shows under `debug`.
    finding: Option<Finding>,
}

impl ResponseEdits {
    /// Keeps the edits; `None` if the response stays as it is.
    pub(crate) fn new(forward: Forward<'_>, finding: Option<Finding>) -> Option<Self> {
        (forward.response != ResponseCors::Untouched || finding.is_some()).then_some(Self {
            cors: forward.response.into_owned(),
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
    pub(crate) fn apply(&self, proxy: &mut impl Proxy, config: &FilterConfig) -> Result<(), Unavailable> {
        if let Some(finding) = self.finding {
            proxy.set_response_header(headers::X_ORIGIN_GATE, finding.to_string().as_bytes())?;
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
        if !keeps || !head.has_cors(headers::ALLOW_ORIGIN) {
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
        Ok(head)
    }
}

/// Puts the grant in the place of whatever CORS headers there are.
fn replace(proxy: &mut impl Proxy, head: &ResponseHead, grant: Option<&CorsGrant<'_>>) -> Result<(), Unavailable> {
    for (name, is_there) in RESPONSE_NAMES.into_iter().zip(head.cors) {
        match grant.and_then(|grant| grant.headers().find(|(granted, _)| *granted == name)) {
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
    /// Names count in any case: one that is not seen here is a header of the backend's that stays.
    fn add(&mut self, name: &[u8], value: &[u8]) {
        const CORS: &[u8] = b"access-control-";
        let is = |it: &str| name.eq_ignore_ascii_case(it.as_bytes());
        if is(":status") {
            self.is_switching = value == b"101";
        } else if is(headers::VARY) {
            self.varies |= headers::varies_by_origin(value);
        } else if is(headers::SET_COOKIE) {
            self.sets_cookies = true;
        } else if name.get(..CORS.len()).is_some_and(|it| it.eq_ignore_ascii_case(CORS)) {
            for (is_there, it) in self.cors.iter_mut().zip(RESPONSE_NAMES) {
                *is_there |= is(it);
            }
        }
    }

    fn has_cors(&self, name: &str) -> bool {
        RESPONSE_NAMES
            .iter()
            .zip(self.cors)
            .any(|(it, is_there)| is_there && *it == name)
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
