//! Who may change something: cross-site request forgery, recognised by what browsers say of a request and no script can
//! (Fetch Metadata §2.4 `Sec-Fetch-Site`, then `Origin`). The procedure is that of Go's `http.CrossOriginProtection`,
//! with origins to trust and with the scheme, which a proxy knows. `Referer` is not read: pages can leave it out.

use super::{CheckInput, MissingOrigin, Mode};
use crate::finding::{Allow, Deny};
use crate::origin::NoOrigin;
use crate::path::{self, PathPattern};
use crate::request::{Field, Source};
use crate::set::OriginSet;

/// The `csrf` section.
#[derive(Debug)]
pub struct Csrf {
    /// `mode`.
    pub mode: Mode,
    /// `trusted_origins`.
    pub trusted: OriginSet,
    /// `exempt_paths`.
    pub exempt_paths: Vec<PathPattern>,
    /// `missing_origin`.
    pub missing_origin: MissingOrigin,
}

impl Csrf {
    /// Whether a request may be made by the page behind it.
    pub(crate) fn check(&self, input: &CheckInput<'_, '_>) -> Result<Allow, Deny> {
        let CheckInput { request, origins, .. } = input;
        let received = &request.received;
        if is_safe(received.method) || path::any_covers(&self.exempt_paths, &request.path) {
            return Ok(Allow::Off);
        }
        // Only the page itself, or a person at the address bar, makes a browser say one of these.
        if let Field::One(b"same-origin" | b"none") = received.fetch_site {
            return Ok(Allow::SameHost);
        }
        let origin = match &request.source {
            Source::Origin(origin) => origin,
            Source::None(NoOrigin::Malformed) => return Err(Deny::OriginMalformed),
            Source::None(NoOrigin::Null) => return Err(Deny::OriginNull),
            Source::Missing => {
                return match (received.fetch_site, self.missing_origin) {
                    (Field::Absent, MissingOrigin::Allow) => Ok(Allow::OriginMissing),
                    (Field::Absent, MissingOrigin::Reject) => Err(Deny::OriginMissing),
                    _ => Err(Deny::CrossSiteWrite),
                };
            }
        };
        if let Some(admitted) = origins.admit(origin, request) {
            return admitted;
        }
        if self.trusted.find_credentialed(origin).is_some() {
            return origins.refuse_downgrade(origin, request).map(|()| Allow::Listed);
        }
        // A browser that says where the request comes from, and not from here, knows better than the bytes.
        if received.fetch_site == Field::Absent && request.is_at(origin) {
            // A scheme that cannot be read counts as `https`, as in a downgrade.
            return match request.scheme.unwrap_or(b"https") == origin.scheme {
                true => Ok(Allow::SameHost),
                false => Err(Deny::SchemeMismatch),
            };
        }
        Err(Deny::CrossSiteWrite)
    }
}

/// RFC 9110 §9.2.1.
fn is_safe(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}
