//! Who may change something: cross-site request forgery, told apart by what browsers say of a request and no script can
//! (Fetch Metadata §2.4 `Sec-Fetch-Site`, then `Origin`). The procedure is that of Go's `http.CrossOriginProtection`,
//! with origins to trust and with the scheme, which a proxy knows. `Referer` is not read: pages can leave it out.

use super::origin::NoOrigin;
use super::path::{self, PathPattern};
use super::request::{Field, RequestHead, Source};
use super::rules::Origins;
use super::set::OriginSet;
use super::verdict::{Deny, MissingOrigin, Mode};

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
    pub(super) fn admit(&self, head: &RequestHead<'_>, source: &Source<'_>, origins: &Origins) -> Result<(), Deny> {
        if is_safe(head.method) || path::any_covers(&self.exempt_paths, head.path) {
            return Ok(());
        }
        // Only the page itself, or a person at the address bar, makes a browser say one of these.
        if let Field::One(b"same-origin" | b"none") = head.fetch_site {
            return Ok(());
        }
        let origin = match source {
            Source::Origin(origin) => origin,
            Source::None(NoOrigin::Malformed) => return Err(Deny::OriginMalformed),
            Source::None(NoOrigin::Null) => return Err(Deny::OriginNull),
            Source::Missing => {
                return match (head.fetch_site, self.missing_origin) {
                    (Field::Absent, MissingOrigin::Allow) => Ok(()),
                    (Field::Absent, MissingOrigin::Reject) => Err(Deny::OriginMissing),
                    _ => Err(Deny::CrossSiteWrite),
                };
            }
        };
        if let Some(admitted) = origins.admit(origin, head) {
            return admitted.map(|_| ());
        }
        if self.trusted.find_credentialed(origin).is_some() {
            return origins.refuse_downgrade(origin, head);
        }
        // A browser that says where the request comes from, and not from here, knows better than the bytes.
        if head.fetch_site == Field::Absent && source.is_target_of(head) {
            // A scheme that cannot be read counts as `https`, as in a downgrade.
            return match head.scheme().unwrap_or(b"https") == origin.scheme {
                true => Ok(()),
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
