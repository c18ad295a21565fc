//! What a policy answers.

pub use super::edits::{AllowOrigin, CorsGrant, RequestEdit, ResponseCors};
pub use super::finding::{Allow, Check, Deny, Finding, Outcome};
use super::forwarding::Unfit;
use super::reply::Reply;

/// The answer to one request: what to do, why, and which rules said so.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// Why.
    pub finding: Finding,
    /// The entry of `policies` whose rules decided; `None` for the rules outside it.
    pub by: Option<usize>,
    /// Where `hosts` speaks of a forwarded host, and not of the request's own: which one, and why.
    pub forwarded: Option<Box<Unfit<'a>>>,
    /// What to do.
    pub action: Action<'a>,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Action<'a> {
    /// It goes on, and its response is edited.
    Forward(Forward<'a>),
    /// The filter answers it.
    Reply(Reply<'a>),
}

/// The edits to a request that goes on, and to whatever response it gets.
#[derive(Clone, Debug, Default)]
pub struct Forward<'a> {
    /// Edits to the request.
    pub request: Vec<RequestEdit>,
    /// Edits to the response.
    pub response: ResponseCors<'a>,
    /// Whether the request asks for an upgrade: CORS has no part in a `101`.
    pub is_upgrade: bool,
    /// Whether a page of another site asks, for whose fetches browsers drop cookies that are not marked for it.
    pub is_cross_site: bool,
}
