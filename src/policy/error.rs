//! Why an entry that an operator lists is none: one type for each parser. They say what is wrong, in the terms of this
//! crate; what to change, and where, is for those who know the format that it was written in.

use std::error::Error;
use std::fmt;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $text] $variant,)+
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)+ })
            }
        }

        impl Error for $name {}
    )+};
}

errors! {
    /// Why an entry is no pattern of origins.
    OriginError {
        AddressSubdomains = "an IP address has no subdomains",
        Ascii = "not ASCII",
        Brackets = "an IPv6 address without brackets, or with a zone",
        EmptyLabel = "a label of the host is empty",
        HostMalformed = "not the grammar of a host",
        HostMissing = "the host is missing",
        List = "several origins in one entry",
        Mapped = "an IPv4-mapped address",
        Null = "an opaque origin, which any site can have",
        Opaque = "pages of this scheme have no origin of their own",
        Path = "something follows the host and port",
        Port = "not a port",
        Scheme = "not a scheme in lower case",
        SchemeMissing = "the scheme is missing",
        Space = "white space or a control character",
        Spelling = "not the spelling that browsers send",
        User = "user information",
        WildcardDomain = "a wildcard without a domain",
        WildcardInner = "a wildcard that is not in the leftmost label",
        WildcardLiteral = "a wildcard inside a label that follows no hyphen",
        WildcardMany = "more than one wildcard in the host",
        WildcardScheme = "a wildcard for a scheme other than http and https",
    }

    /// Why an entry is no pattern of hosts.
    HostError {
        AddressSubdomains = "an IP address has no subdomains",
        Ascii = "not ASCII",
        Brackets = "an IPv6 address without brackets",
        Malformed = "not the grammar of a host",
        Path = "a path or an address range",
        Port = "a port",
        RootDot = "a trailing dot",
        Scheme = "a scheme",
        Wildcard = "a wildcard of another dialect",
    }

    /// Why an entry is no path, or no prefix of paths.
    PathError {
        Ambiguous = "backends read this path in more than one way",
        Ascii = "not printable ASCII",
        Everything = "this is every path",
        Query = "a query or a fragment",
        Slash = "a path begins with a slash",
    }
}

/// Why an entry is no pattern, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError<E> {
    /// What is wrong.
    pub reason: E,
    /// The canonical form of what was probably meant.
    pub instead: Option<String>,
}

impl<E: fmt::Display> fmt::Display for PatternError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match &self.instead {
            Some(instead) => write!(f, "; perhaps `{instead}` is meant"),
            None => Ok(()),
        }
    }
}

impl<E: Error> Error for PatternError<E> {}

/// Why an entry is no regular expression over origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegexError {
    /// It has other letters than origins have.
    Ascii,
    /// No origin is empty.
    Empty,
    /// What its parser says.
    Malformed(&'static str),
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascii => "not ASCII",
            Self::Empty => "empty",
            Self::Malformed(message) => message,
        })
    }
}

impl Error for RegexError {}
