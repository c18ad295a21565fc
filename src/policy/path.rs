//! Paths: which entries of a policy the path of a request may belong to, and which exemptions hold it.
//!
//! Backends read paths in many ways, and the filter does not know which backend stands behind it. A *reading* is one or
//! several of these steps, each at most once, in any order, decoding at most twice:
//!
//! | step | backends that take it |
//! |---|---|
//! | percent-decode | all; twice: a proxy or a rewrite in front of one that decodes again |
//! | fold ASCII case | IIS, ASP.NET Core, Express, Windows and macOS file systems |
//! | fold Unicode (NFKC, case) | .NET and Java applications that normalize names, HFS+, browsers' own URL parsers |
//! | take overlong UTF-8 for characters | old Tomcat, old IIS, hand-written decoders |
//! | take any byte for the rest of a character that `%c0` or `%c1` began | IIS before MS00-078, while it decodes |
//! | take `%uXXXX` for a character | IIS, ASP |
//! | resolve `.` and `..` | nginx, Tomcat, every static file server |
//! | merge slashes | nginx, Apache, Go's `ServeMux` |
//! | take `\` for `/` | IIS, Tomcat on request, Windows file systems |
//! | cut a segment at `;` | Tomcat, Jetty, Spring (path parameters) |
//! | cut a segment at `:` | IIS and NTFS (`::$DATA`, `:$I30:$INDEX_ALLOCATION`) |
//! | cut at NUL | what hands the path to C |
//! | cut at a control character | routes whose expression ends in `$` (Django, Rails) |
//! | cut at a decoded `?` or `#` | what parses a URL again after decoding it |
//! | drop dots or spaces at the end of a segment | Windows |
//! | drop or add a slash at the end | Django's `APPEND_SLASH`, Express, Flask |
//! | drop a format suffix | Django REST framework, Rails, old Spring |
//!
//! Compositions are not enumerated. `canonical` takes all steps that change single characters at once, as often as
//! they can be taken; `readings` splits what comes out into segments, and marks those that some reading leaves out.
//! Whatever a reading makes of a path is then found by walking the marked segments down a tree of prefixes
//! (`index`). `tests/paths.rs` enumerates compositions, and holds this to them.

mod canonical;
mod folds;
mod index;
mod pattern;
mod plain;
mod readings;
mod request_path;

pub use canonical::escape;
pub use folds::{Fold, fold};
pub use index::PathIndex;
pub use pattern::{PathPattern, PathPrefix, any_covers};
pub use request_path::RequestPath;

/// Whether a request is in the scope of an entry of `policies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// It is not.
    Outside,
    /// That depends on how the backend reads a host or path that has more than one reading.
    Ambiguous,
    /// It is.
    Inside,
}

/// The path of a request target.
pub(super) fn without_query(target: &[u8]) -> &[u8] {
    target
        .split(|&byte| byte == b'?' || byte == b'#')
        .next()
        .unwrap_or_default()
}
