//! What of the middleware does nothing any more behind the filter, and what still has its work.

use super::answer::Answer;

const SECURITY: &str = "django.middleware.security.SecurityMiddleware";

/// A line for each entry of MIDDLEWARE that the filter has to do with.
pub(crate) fn notes(answer: &Answer) -> Vec<String> {
    let entries = answer.middleware();
    let mut notes: Vec<_> = entries.iter().filter_map(|(name, kind)| note(name, kind)).collect();
    if !entries.is_empty() && !entries.iter().any(|(_, kind)| *kind == "csrf") {
        notes.push(
            "MIDDLEWARE: there is no CsrfViewMiddleware, so that Django checks no writes; `\"csrf\": { \"mode\": \"enforce\" }` \
             refuses those of other sites"
                .to_owned(),
        );
    }
    notes
}

fn note(name: &str, kind: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let text = match kind {
        "cors" => "does nothing any more: Origin Gate replaces its headers; take it out",
        "csrf" => "is still needed: its token guards what reaches Django past the filter",
        _ if lower.contains("cors") => {
            "seems to set CORS headers, which Origin Gate replaces; take it out if it does nothing else"
        }
        _ if lower.contains("csrf") => {
            "seems to change which writes Django checks; `csrf` here knows nothing of it: see `csrf.exempt_paths`"
        }
        _ if name == SECURITY => "is still needed: it sets headers and redirects that Origin Gate does not",
        _ => return None,
    };
    Some(format!("MIDDLEWARE: `{name}` {text}"))
}
