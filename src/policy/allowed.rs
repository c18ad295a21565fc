//! The origins that a policy allows, and what it allows them.

use std::sync::Arc;

use super::finding::{Allow, Deny};
use super::origin::{NoOrigin, Origin};
use super::request::{Request, Source};
use super::set::{Match, Mismatch, OriginSet};

/// The origins that a policy allows.
#[derive(Debug, Default)]
pub struct Origins {
    /// The patterns.
    pub set: Arc<OriginSet>,
    /// Whether pages may read with credentials.
    pub credentials: bool,
    /// The risks that the operator takes on purpose.
    pub dangerous: DangerousOptions,
}

/// The risks that an operator takes on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DangerousOptions {
    /// `dangerously_allow_null_origin`.
    pub null_origin: bool,
    /// `dangerously_allow_any_origin_with_credentials`.
    pub any_origin_with_credentials: bool,
    /// `dangerously_allow_insecure_origins`.
    pub insecure_origins: bool,
}

impl Origins {
    /// Whether all may read everything, so that the answer is a literal `*`.
    #[must_use]
    pub fn is_literal_any(&self) -> bool {
        self.set.is_any() && !self.credentials
    }

    /// Whether an expression may also allow plain HTTP from other machines.
    #[must_use]
    pub fn allow_insecure(&self) -> bool {
        self.dangerous.insecure_origins || !self.credentials
    }

    /// By which rule a page of this origin may read, or why it may not.
    pub fn find(&self, source: &Source<'_>) -> Result<Allow, Deny> {
        match source {
            Source::Missing => Err(Deny::OriginMissing),
            Source::None(NoOrigin::Malformed) => Err(Deny::OriginMalformed),
            Source::None(NoOrigin::Null) if self.is_literal_any() => Ok(Allow::Any),
            Source::None(NoOrigin::Null) if !self.dangerous.null_origin => Err(Deny::OriginNull),
            Source::None(NoOrigin::Null) if self.set.is_any() => Ok(Allow::Any),
            Source::None(NoOrigin::Null) => Ok(Allow::OriginNull),
            Source::Origin(origin) => match self.set.find(origin) {
                Some(found) => self.allow(found, origin),
                None => Err(match self.set.mismatch(origin) {
                    Some(Mismatch::Port) => Deny::PortMismatch,
                    Some(Mismatch::Scheme) => Deny::SchemeMismatch,
                    None => Deny::OriginNotAllowed,
                }),
            },
        }
    }

    /// Whether an entry lets pages of this origin do what always carries their visitors' cookies, which is to write and
    /// to open WebSockets; `None` if no entry counts for that.
    pub fn admit(&self, origin: &Origin<'_>, request: &Request<'_>) -> Option<Result<Allow, Deny>> {
        let found = match self.set.find_credentialed(origin) {
            // What grants reading alone otherwise.
            None if self.dangerous.any_origin_with_credentials => self.set.find_any(origin),
            found => found,
        };
        // Programs choose their own schemes, so that such an origin counts by its exact entry alone.
        let found = found.filter(|found| *found != Match::Regex || origin.is_web())?;
        // Any program on the visitor's machine can be a loopback origin, so that somebody has to have written it down.
        let is_written = || matches!(found, Match::Listed | Match::Pattern) && origin.is_loopback();
        match self.refuse_downgrade(origin, request) {
            Err(reason) if !is_written() => Some(Err(reason)),
            _ => Some(self.allow(found, origin)),
        }
    }

    /// Refuses a page of `http` that asks a request of `https`.
    pub fn refuse_downgrade(&self, origin: &Origin<'_>, request: &Request<'_>) -> Result<(), Deny> {
        match request.is_downgraded_by(origin) && !self.dangerous.insecure_origins {
            true => Err(Deny::SchemeMismatch),
            false => Ok(()),
        }
    }

    fn allow(&self, found: Match, origin: &Origin<'_>) -> Result<Allow, Deny> {
        match found {
            Match::Any => Ok(Allow::Any),
            Match::Listed => Ok(Allow::Listed),
            Match::Pattern => Ok(Allow::Pattern),
            Match::Regex if self.credentials && !origin.is_web() => Err(Deny::OriginNotAllowed),
            Match::Regex if origin.is_insecure() && !self.allow_insecure() => Err(Deny::SchemeMismatch),
            Match::Regex => Ok(Allow::Regex),
        }
    }
}
