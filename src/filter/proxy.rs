//! What a proxy has to offer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use policy::reply::LocalReply;

/// What the filter needs of a proxy, for the stream at hand. Nothing here panics: a call that the proxy refuses is an
/// error, and the filter decides what that means.
///
/// An edit takes the proxy for itself, so that nobody holds headers of it that are read in place: the edit may move or
/// free them.
pub trait Proxy {
    /// A header map, in the proxy's own memory where that can be read.
    type Headers<'a>: Headers
    where
        Self: 'a;

    /// The request's headers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the proxy does not hand them over.
    fn request_headers(&self) -> Result<Self::Headers<'_>, Unavailable>;

    /// Replaces a request header.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it cannot be done.
    fn set_request_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable>;

    /// Removes a request header, if it is there.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it cannot be done.
    fn remove_request_header(&mut self, name: &str) -> Result<(), Unavailable>;

    /// The response's headers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the proxy does not hand them over.
    fn response_headers(&self) -> Result<Self::Headers<'_>, Unavailable>;

    /// Replaces a response header.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it cannot be done.
    fn set_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable>;

    /// Adds a line to a response header.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it cannot be done.
    fn add_response_header(&mut self, name: &str, value: &[u8]) -> Result<(), Unavailable>;

    /// Removes a response header, if it is there.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it cannot be done.
    fn remove_response_header(&mut self, name: &str) -> Result<(), Unavailable>;

    /// Answers the request from here. `details` is for the access log. What the reply borrows of the request's headers is
    /// read before the proxy does anything to them, and not after.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it cannot be done.
    fn reply(&self, reply: &LocalReply<'_>, details: &str) -> Result<(), Unavailable>;

    /// Shows a value to the access log, under a name.
    fn publish(&self, name: &str, value: &[u8]);

    /// Counts one for the counter that [`FilterConfig::new`](super::FilterConfig::new) was given.
    fn count(&self, counter: u32);

    /// The time since any fixed moment.
    fn now(&self) -> Duration;

    /// Logs a line at the level `debug`, of which these are the pieces. It is asked for each page's request, and most often
    /// nobody reads it.
    fn debug(&self, line: &[&[u8]]) {
        log::debug!("{}", String::from_utf8_lossy(&line.concat()));
    }
}

/// A header map.
pub trait Headers {
    /// Visits each line in order, with its name and value.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if this is no header map after all; what was visited before that is void.
    fn visit<'h>(&'h self, visit: impl FnMut(&'h [u8], &'h [u8])) -> Result<(), Unavailable>;
}

/// The proxy did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proxy did not do what it was asked")
    }
}

impl Error for Unavailable {}
