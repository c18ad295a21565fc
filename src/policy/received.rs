//! What was received: the fields of a request that a policy reads, as they came.

use super::forwarding::{Forwarding, Line};
use super::headers;
use super::path::without_query;
use super::read_header::{ReadHeader, Spelling};

/// What was found under one header name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<'a> {
    /// No line.
    #[default]
    Absent,
    /// One line, with its bytes as received; some proxies join several lines with commas before they get here.
    One(&'a [u8]),
    /// Two or more lines, or one whose name is spelled in another way: no value may be picked from them.
    Many,
}

/// The fields of a request, borrowed. [`Request`](super::request::Request) is what they mean.
#[derive(Clone, Debug, Default)]
pub struct Received<'a> {
    /// The method; empty if there was none.
    pub method: &'a [u8],
    /// The path of the request target, without the query; empty for `CONNECT`.
    pub path: &'a [u8],
    /// `:scheme`; empty if the proxy does not tell.
    pub scheme: &'a [u8],
    /// `:authority` or `Host`; [`Field::Many`] if both are there and differ.
    pub authority: Field<'a>,
    /// `Origin`.
    pub origin: Field<'a>,
    /// `Upgrade`, or `:protocol` of an extended CONNECT (RFC 8441 §4).
    pub upgrade: Field<'a>,
    /// `Access-Control-Request-Method`.
    pub request_method: Field<'a>,
    /// The lines of `Access-Control-Request-Headers`; a list may come in several (RFC 9110 §5.3).
    pub request_headers: Vec<&'a [u8]>,
    /// `Access-Control-Request-Private-Network`.
    pub request_private_network: Field<'a>,
    /// `Content-Type`.
    pub content_type: Field<'a>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Field<'a>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Field<'a>,
    /// `Sec-WebSocket-Key`.
    pub websocket_key: Field<'a>,
    /// `X-Forwarded-Host` and `Forwarded`.
    pub forwarding: Forwarding<'a>,
    /// `X-Forwarded-Proto`.
    pub forwarded_proto: Field<'a>,
}

/// What stands for `Access-Control-Request-Headers` in another spelling: no list of names.
const ANOTHER_SPELLING: &[u8] = b"(another spelling)";

/// Picks the facts out of a request's fields, which come one by one. Names are in lower case, as HTTP/2 has them and
/// proxies hand them on. Another spelling counts as one more line of the header: it can make a value unreadable, and never
/// supplies one.
#[derive(Debug, Default)]
pub struct Reader<'a> {
    received: Received<'a>,
    respelled_host: Field<'a>,
    is_repeated: bool,
}

impl<'a> Reader<'a> {
    /// Reads one field.
    #[inline]
    pub fn add(&mut self, name: &'a [u8], value: &'a [u8]) {
        if name.first() == Some(&b':') {
            self.add_pseudo(name, value);
        } else if ReadHeader::may_be(name)
            && let Some((header, spelling)) = ReadHeader::meant_by(name)
        {
            self.add_header(header, spelling, (name, value));
        }
    }

    /// Fields that no other spelling stands for (RFC 9113 §8.3).
    #[inline]
    fn add_pseudo(&mut self, name: &[u8], value: &'a [u8]) {
        let received = &mut self.received;
        // A match of the names themselves would compare byte by byte.
        match name.len() {
            5 if name == b":path" => received.path = without_query(value),
            7 if name == b":method" => received.method = value,
            7 if name == b":scheme" => received.scheme = value,
            9 if name == b":protocol" => {
                self.is_repeated |= received.upgrade != Field::Absent;
                received.upgrade.add(value);
            }
            10 if name == b":authority" => {
                self.is_repeated |= received.authority != Field::Absent;
                received.authority.add_unless_same(value);
            }
            _ => {}
        }
    }

    #[inline]
    fn add_header(&mut self, header: ReadHeader, spelling: Spelling, line: Line<'a>) {
        let received = &mut self.received;
        let (_, value) = line;
        let is_first = match header {
            ReadHeader::XForwardedHost => add_line(&mut received.forwarding.hosts, line),
            ReadHeader::Forwarded => add_line(&mut received.forwarding.forwarded, line),
            ReadHeader::RequestHeaders => add_line(
                &mut received.request_headers,
                match spelling {
                    Spelling::Plain => value,
                    Spelling::Other => ANOTHER_SPELLING,
                },
            ),
            _ => {
                let Some(field) = received.field(header) else { return };
                let is_first = *field == Field::Absent;
                match (spelling, header) {
                    (Spelling::Plain, ReadHeader::Host) => field.add_unless_same(value),
                    (Spelling::Plain, _) => field.add(value),
                    (Spelling::Other, ReadHeader::Host) => self.respelled_host.add_unless_same(value),
                    (Spelling::Other, _) => *field = Field::Many,
                }
                is_first
            }
        };
        self.is_repeated |= !is_first || spelling == Spelling::Other;
    }

    /// Whether a header that decides something came in several lines or in another spelling, so that
    /// [`unclear`](Received::unclear) may name some.
    #[inline]
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// What was received, once all fields have been read.
    #[inline]
    #[must_use]
    pub fn finish(mut self) -> Received<'a> {
        // A host that is given twice, in the same bytes, is one host.
        if self.respelled_host != Field::Absent && self.respelled_host != self.received.authority {
            self.received.authority = Field::Many;
        }
        self.received
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for Received<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a [u8], &'a [u8])>>(fields: I) -> Self {
        let mut reader = Reader::default();
        for (name, value) in fields {
            reader.add(name, value);
        }
        reader.finish()
    }
}

impl<'a> Field<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::One(value),
            Self::One(_) | Self::Many => Self::Many,
        };
    }

    #[inline]
    fn add_unless_same(&mut self, value: &'a [u8]) {
        if *self != Self::One(value) {
            self.add(value);
        }
    }

    /// The value, if there is exactly one.
    #[inline]
    #[must_use]
    pub fn one(&self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Many => None,
        }
    }
}

impl<'a> Received<'a> {
    /// Where a header is kept of which one line counts.
    #[inline]
    fn field(&mut self, header: ReadHeader) -> Option<&mut Field<'a>> {
        Some(match header {
            ReadHeader::ContentType => &mut self.content_type,
            ReadHeader::Host => &mut self.authority,
            ReadHeader::Origin => &mut self.origin,
            ReadHeader::RequestMethod => &mut self.request_method,
            ReadHeader::RequestPrivateNetwork => &mut self.request_private_network,
            ReadHeader::SecFetchMode => &mut self.fetch_mode,
            ReadHeader::SecFetchSite => &mut self.fetch_site,
            ReadHeader::SecWebSocketKey => &mut self.websocket_key,
            ReadHeader::Upgrade => &mut self.upgrade,
            ReadHeader::XForwardedProto => &mut self.forwarded_proto,
            ReadHeader::Forwarded | ReadHeader::RequestHeaders | ReadHeader::XForwardedHost => return None,
        })
    }

    /// The headers that came in several lines or in another spelling, of those that decide something.
    #[inline]
    pub fn unclear(&self) -> impl Iterator<Item = ReadHeader> + use<> {
        let is_many = |field: &Field<'_>| matches!(field, Field::Many);
        let is_list = !matches!(*self.request_headers, [] | [_]) || self.request_headers.contains(&ANOTHER_SPELLING);
        let Forwarding { hosts, forwarded } = &self.forwarding;
        let all = [
            (ReadHeader::Host, is_many(&self.authority)),
            (ReadHeader::Origin, is_many(&self.origin)),
            (ReadHeader::Upgrade, is_many(&self.upgrade)),
            (ReadHeader::RequestMethod, is_many(&self.request_method)),
            (
                ReadHeader::RequestPrivateNetwork,
                is_many(&self.request_private_network),
            ),
            (ReadHeader::ContentType, is_many(&self.content_type)),
            (ReadHeader::SecFetchMode, is_many(&self.fetch_mode)),
            (ReadHeader::SecFetchSite, is_many(&self.fetch_site)),
            (ReadHeader::XForwardedProto, is_many(&self.forwarded_proto)),
            (ReadHeader::RequestHeaders, is_list),
            (ReadHeader::XForwardedHost, is_unclear(hosts, headers::X_FORWARDED_HOST)),
            (ReadHeader::Forwarded, is_unclear(forwarded, headers::FORWARDED)),
        ];
        all.into_iter()
            .filter_map(|(header, is_unclear)| is_unclear.then_some(header))
    }

    /// Whether this is a CORS-preflight request (Fetch §3.2.2): `OPTIONS` with an `Origin` and a method to ask for.
    #[inline]
    #[must_use]
    pub fn is_preflight(&self) -> bool {
        self.method == b"OPTIONS"
            && self.origin != Field::Absent
            && !matches!(self.request_method, Field::Absent | Field::One(b""))
    }

    /// Whether the request says that it is gRPC, which Envoy answers in gRPC's own way.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        match self.content_type {
            Field::Absent => false,
            Field::One(value) => {
                let rest = value.strip_prefix(b"application/grpc");
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
            }
            Field::Many => true,
        }
    }

    /// Whether the browser says that it asks CORS nothing (Fetch §2.2.5 "mode", Fetch Metadata §2.3 and §2.4), in headers
    /// that no script sets: it shows the answer or keeps it from every page, or the page is of this very origin. An
    /// extension with leave for the host says `none`, and reads without CORS too. `websocket` comes without `Upgrade`
    /// where a proxy in front dropped that.
    #[must_use]
    pub fn asks_no_cors(&self) -> bool {
        const MODES: [&[u8]; 4] = [b"navigate", b"no-cors", b"same-origin", b"websocket"];
        match (self.fetch_mode, self.fetch_site) {
            (Field::Many, _) | (_, Field::Many) => false,
            (_, Field::One(b"same-origin" | b"none")) => true,
            // As nearly all say that come this far.
            (Field::Absent | Field::One(b"cors"), _) => false,
            (Field::One(mode), _) => MODES.contains(&mode),
        }
    }

    /// Whether this may be a form that a page sends (HTML §4.10.22.3 "Form submission algorithm"). A script can send the
    /// same.
    #[must_use]
    pub fn is_form(&self) -> bool {
        const TYPES: [&[u8]; 3] = [
            b"application/x-www-form-urlencoded",
            b"multipart/form-data",
            b"text/plain",
        ];
        let Field::One(value) = self.content_type else {
            return false;
        };
        // The type without its parameters (MIME Sniffing §4.4).
        let essence = headers::trim(value.split(|&byte| byte == b';').next().unwrap_or_default());
        self.method == b"POST" && TYPES.iter().any(|it| it.eq_ignore_ascii_case(essence))
    }

    /// Whether this opens a WebSocket (RFC 6455 §4.2.1, RFC 8441 §5). The method is not looked at: proxies upgrade
    /// requests of any. Where the field came twice, one `websocket` among the lines may win upstream, so both count.
    #[inline]
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        match self.upgrade {
            Field::Absent => false,
            Field::One(value) => headers::members(value).any(|member| member.eq_ignore_ascii_case(b"websocket")),
            Field::Many => true,
        }
    }
}

/// Adds a line; whether it is the first.
fn add_line<T>(lines: &mut Vec<T>, line: T) -> bool {
    lines.push(line);
    lines.len() == 1
}

/// Whether there are several lines, or one whose name is spelled in another way.
#[inline]
fn is_unclear(lines: &[Line<'_>], name: &str) -> bool {
    match lines {
        [] => false,
        [(spelled, _)] => *spelled != name.as_bytes(),
        _ => true,
    }
}
