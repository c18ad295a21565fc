//! Who may change something: cross-site request forgery, told apart by what browsers say of a request and no script can
//! (Fetch Metadata §2.4 `Sec-Fetch-Site`, then `Origin`). The procedure is that of Go's `http.CrossOriginProtection`,
//! with origins to trust and with the scheme, which a proxy knows. `Referer` is not read: pages can leave it out.

use super::path::{self, PathPattern};
use super::request::{Field, RequestHead, Source};
use super::set::OriginSet;
use super::verdict::{Mode, Reason};

/// The `csrf` section.
#[derive(Debug)]
pub struct Csrf {
    /// `mode`.
    pub mode: Mode,
    /// `trusted_origins`.
    pub trusted: OriginSet,
    /// `exempt_paths`.
    pub exempt_paths: Vec<PathPattern>,
    /// `missing_origin` is `allow`.
    pub missing_origin: bool,
}

impl Csrf {
    /// Whether a request may be made by the page behind it; `found` is what `allowed_origins` says of that page.
    pub(super) fn admit(
        &self,
        head: &RequestHead<'_>,
        source: &Source<'_>,
        found: Result<Reason, Reason>,
    ) -> Result<(), Reason> {
        if is_safe(head.method) || path::any_covers(&self.exempt_paths, head.path) {
            return Ok(());
        }
        // Only the page itself, or a person at the address bar, makes a browser say one of these.
        if let Field::One(b"same-origin" | b"none") = head.fetch_site {
            return Ok(());
        }
        match (found, source) {
            (Ok(_), _) => Ok(()),
            (Err(_), Source::Origin(origin)) if self.trusted.find(origin).is_some() => Ok(()),
            // A browser that says where the request comes from, and not from here, knows better than the bytes.
            (Err(_), Source::Origin(origin)) if head.fetch_site == Field::Absent && source.is_target_of(head) => {
                if head.scheme() == Some(origin.scheme) {
                    Ok(())
                } else {
                    Err(Reason::SchemeMismatch)
                }
            }
            (Err(_), Source::Origin(_)) => Err(Reason::CrossSiteWrite),
            (Err(_), Source::Missing) if head.fetch_site != Field::Absent => Err(Reason::CrossSiteWrite),
            (Err(_), Source::Missing) if self.missing_origin => Ok(()),
            (Err(reason), Source::Missing | Source::None(_)) => Err(reason),
        }
    }
}

/// RFC 9110 §9.2.1.
fn is_safe(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}
