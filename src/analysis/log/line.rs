//! What one line of an access log says of a request.

use std::borrow::Cow;

use policy::headers;
use policy::request::Request;

/// What a line may say, of a request or of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// The method.
    Method,
    /// `:scheme`.
    Scheme,
    /// `Host` or `:authority`.
    Authority,
    /// The path, perhaps with a query.
    Path,
    /// `Origin`.
    Origin,
    /// `Upgrade`.
    Upgrade,
    /// `Access-Control-Request-Method`.
    RequestMethod,
    /// `Access-Control-Request-Headers`.
    RequestHeaders,
    /// `Access-Control-Request-Private-Network`.
    RequestPrivateNetwork,
    /// `Sec-Fetch-Site`.
    FetchSite,
    /// `Sec-Fetch-Mode`.
    FetchMode,
    /// `Sec-Fetch-Dest`.
    FetchDest,
    /// `Content-Type`.
    ContentType,
    /// `X-Forwarded-Host`.
    ForwardedHost,
    /// `X-Forwarded-Proto`.
    ForwardedProto,
    /// `Forwarded`.
    Forwarded,
    /// What the filter found, `<check>:<outcome>:<reason>`.
    Finding,
    /// The status of the answer.
    Status,
    /// Envoy's details of the answer.
    Details,
    /// When the request came.
    Time,
    /// `Access-Control-Allow-Origin` of the answer.
    AllowOrigin,
}

impl Name {
    /// Every one.
    pub const ALL: [Self; 21] = [
        Self::Method,
        Self::Scheme,
        Self::Authority,
        Self::Path,
        Self::Origin,
        Self::Upgrade,
        Self::RequestMethod,
        Self::RequestHeaders,
        Self::RequestPrivateNetwork,
        Self::FetchSite,
        Self::FetchMode,
        Self::FetchDest,
        Self::ContentType,
        Self::ForwardedHost,
        Self::ForwardedProto,
        Self::Forwarded,
        Self::Finding,
        Self::Status,
        Self::Details,
        Self::Time,
        Self::AllowOrigin,
    ];

    /// The field's name in the access log of `envoy/`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Scheme => "scheme",
            Self::Authority => "authority",
            Self::Path => "path",
            Self::Origin => "origin",
            Self::Upgrade => "upgrade",
            Self::RequestMethod => "access_control_request_method",
            Self::RequestHeaders => "access_control_request_headers",
            Self::RequestPrivateNetwork => "access_control_request_private_network",
            Self::FetchSite => "sec_fetch_site",
            Self::FetchMode => "sec_fetch_mode",
            Self::FetchDest => "sec_fetch_dest",
            Self::ContentType => "content_type",
            Self::ForwardedHost => "x_forwarded_host",
            Self::ForwardedProto => "x_forwarded_proto",
            Self::Forwarded => "forwarded",
            Self::Finding => "origin_gate",
            Self::Status => "status",
            Self::Details => "details",
            Self::Time => "start_time",
            Self::AllowOrigin => "access_control_allow_origin",
        }
    }

    /// The request's field of HTTP that this is, as proxies name it.
    #[must_use]
    pub const fn field(self) -> Option<&'static str> {
        Some(match self {
            Self::Method => ":method",
            Self::Scheme => ":scheme",
            Self::Authority => ":authority",
            Self::Path => ":path",
            Self::Origin => headers::ORIGIN,
            Self::Upgrade => headers::UPGRADE,
            Self::RequestMethod => headers::REQUEST_METHOD,
            Self::RequestHeaders => headers::REQUEST_HEADERS,
            Self::RequestPrivateNetwork => headers::REQUEST_PRIVATE_NETWORK,
            Self::FetchSite => headers::SEC_FETCH_SITE,
            Self::FetchMode => headers::SEC_FETCH_MODE,
            Self::FetchDest => "sec-fetch-dest",
            Self::ContentType => headers::CONTENT_TYPE,
            Self::ForwardedHost => headers::X_FORWARDED_HOST,
            Self::ForwardedProto => headers::X_FORWARDED_PROTO,
            Self::Forwarded => headers::FORWARDED,
            Self::Finding | Self::Status | Self::Details | Self::Time | Self::AllowOrigin => return None,
        })
    }

    /// Whether the filter publishes this as received only where it came in several lines or in another spelling.
    const fn is_single(self) -> bool {
        matches!(
            self,
            Self::Origin
                | Self::Upgrade
                | Self::RequestMethod
                | Self::RequestPrivateNetwork
                | Self::FetchSite
                | Self::FetchMode
                | Self::ContentType
        )
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What a line says of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Logged<'a> {
    /// The log does not have the field.
    #[default]
    Unlogged,
    /// The request or its answer did not have it.
    Absent,
    /// The value, in the bytes that were received.
    Value(Cow<'a, [u8]>),
}

/// What one line of an access log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine<'a> {
    values: [Logged<'a>; Name::ALL.len()],
    /// The fields whose value is the one that was received, where the log has another beside it: a set of [`Name::bit`].
    received: u32,
    /// Whether what a request does not have is left out, as programs that write JSON do.
    is_sparse: bool,
}

impl<'a> LogLine<'a> {
    /// Reads a line of any format that there is.
    #[must_use]
    pub fn read(line: &'a [u8]) -> Option<Self> {
        let line = line.trim_ascii();
        super::json::read(line).or_else(|| super::text::read(line))
    }

    /// What it says of a field.
    #[must_use]
    pub fn get(&self, name: Name) -> &Logged<'a> {
        self.values.get(name as usize).unwrap_or(&Logged::Unlogged)
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: Name) -> Option<&[u8]> {
        match self.get(name) {
            Logged::Value(value) => Some(value),
            Logged::Unlogged | Logged::Absent => None,
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.value(Name::Status)?).ok()?.parse().ok()
    }

    /// Says what a field is.
    pub fn set(&mut self, name: Name, value: Logged<'a>) {
        if let Some(slot) = self.values.get_mut(name as usize) {
            *slot = value;
        }
    }

    /// Says what a field was before it was edited, which stands for the other value that the log has.
    pub(super) fn set_received(&mut self, name: Name, value: Logged<'a>) {
        if matches!(value, Logged::Value(_)) {
            self.set(name, value);
            self.received |= name.bit();
        }
    }

    pub(super) fn is_received(&self, name: Name) -> bool {
        self.received & name.bit() != 0
    }

    /// A line of a format in which what a request does not have is left out.
    pub(super) fn sparse() -> Self {
        Self {
            is_sparse: true,
            ..Self::default()
        }
    }

    /// Which fields such a line says something of: a set of [`Name::bit`].
    pub(super) fn logged(&self) -> u32 {
        let bits = Name::ALL.iter().zip(&self.values);
        bits.filter(|(_, value)| self.is_sparse && **value != Logged::Unlogged)
            .fold(0, |bits, (name, _)| bits | name.bit())
    }

    /// Takes fields for absent, of which such a line says nothing and others of its log do.
    pub(super) fn complete(&mut self, logged: u32) {
        if !self.is_sparse {
            return;
        }
        for (name, value) in Name::ALL.iter().zip(&mut self.values) {
            if *value == Logged::Unlogged && logged & name.bit() != 0 {
                *value = Logged::Absent;
            }
        }
    }

    /// The request's fields, pseudo-headers first. A header that came in several lines has no value that the filter picks, so
    /// that it comes twice here.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        Name::ALL.into_iter().zip(&self.values).flat_map(|(name, value)| {
            let line = match (name.field(), value) {
                (Some(field), Logged::Value(value)) => Some((field, &**value)),
                _ => None,
            };
            let again = line.filter(|_| name.is_single() && self.is_received(name));
            line.into_iter().chain(again)
        })
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        self.fields().map(|(name, value)| (name.as_bytes(), value)).collect()
    }
}
