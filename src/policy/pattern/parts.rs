//! An entry of `allowed_origins` before anything of it is copied.

use super::{OriginHosts, OriginPattern, Ports, is_single_label, origins};
use crate::error::{OriginError, PatternError};
use crate::host::is_loopback;

/// An entry of `allowed_origins` other than `*` before anything of it is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginParts<'a> {
    /// The scheme, in lower case.
    pub scheme: &'a [u8],
    /// The hosts.
    pub hosts: HostPart<'a>,
    /// The ports.
    pub ports: Ports,
}

/// The host part of [`OriginParts`]: what [`OriginHosts`] owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPart<'a> {
    /// [`OriginHosts::One`].
    One(&'a [u8]),
    /// [`OriginHosts::Subdomains`].
    Subdomains(&'a [u8]),
    /// [`OriginHosts::Labels`].
    Labels {
        /// What the label begins with.
        prefix: &'a [u8],
        /// What the label ends with.
        suffix: &'a [u8],
        /// The labels after it.
        domain: &'a [u8],
    },
}

impl<'a> OriginParts<'a> {
    /// Reads one entry of `allowed_origins`; `None` is `*`.
    ///
    /// # Errors
    ///
    /// Those of [`OriginPattern::parse`].
    pub fn parse(entry: &'a str) -> Result<Option<Self>, PatternError<OriginError>> {
        if entry == "*" {
            return Ok(None);
        }
        origins::parse(entry.as_bytes())
            .map(Some)
            .map_err(|reason| PatternError {
                reason,
                instead: origins::meant(entry).find(|it| it != entry && origins::parse(it.as_bytes()).is_ok()),
            })
    }

    /// Whether this is `https` on one host, which says just what it grants.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.scheme == b"https" && !self.has_wildcard()
    }

    /// Whether there is a wildcard in the host.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        !matches!(self.hosts, HostPart::One(_))
    }

    /// Whether the pattern covers everything under one label (`https://*.com`), which is to say strangers' sites.
    /// `.localhost` is the machine's own (RFC 6761 §6.3).
    #[must_use]
    pub fn covers_single_label(&self) -> bool {
        self.hosts.cover_single_label()
    }

    /// Whether the scheme is a socket's, which no page has.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        matches!(self.scheme, b"ws" | b"wss")
    }

    /// Whether the origins come over plain HTTP from another machine, where anybody on the path may write their pages.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        let (HostPart::One(host) | HostPart::Subdomains(host) | HostPart::Labels { domain: host, .. }) = self.hosts;
        self.scheme == b"http" && !is_loopback(host)
    }
}

impl From<Option<OriginParts<'_>>> for OriginPattern {
    fn from(parts: Option<OriginParts<'_>>) -> Self {
        match parts {
            None => Self::Any,
            Some(OriginParts { scheme, hosts, ports }) => Self::Of {
                scheme: scheme.into(),
                hosts: hosts.into(),
                ports,
            },
        }
    }
}

impl HostPart<'_> {
    pub(crate) fn cover_single_label(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Subdomains(domain) | Self::Labels { domain, .. } => is_single_label(domain),
        }
    }
}

impl From<HostPart<'_>> for OriginHosts {
    fn from(hosts: HostPart<'_>) -> Self {
        match hosts {
            HostPart::One(host) => Self::One(host.into()),
            HostPart::Subdomains(domain) => Self::Subdomains(domain.into()),
            HostPart::Labels { prefix, suffix, domain } => Self::Labels {
                prefix: prefix.into(),
                suffix: suffix.into(),
                domain: domain.into(),
            },
        }
    }
}
