//! `envoy.type.matcher.v3.StringMatcher`, and Istio's `StringMatch`.

use manifests::Node;
use regex_lite::{Regex, escape};

/// What a matcher matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// Everything. The filter asks each matcher for `*`, too.
    Any,
    /// One text.
    Text(String),
    /// The texts of an expression, from their beginning to their end.
    Expression(String),
    /// It cannot be said: why.
    Unknown(String),
}

impl Matched {
    pub(super) fn read(matcher: &Node) -> Self {
        let folds = matcher.get_any(&["ignore_case", "ignoreCase"]) == Some(&Node::Bool(true));
        let text = |key| matcher.text(key);
        if let Some(exact) = text("exact") {
            return match exact {
                "*" => Self::Any,
                // Browsers send no capitals.
                exact if folds => Self::Text(exact.to_ascii_lowercase()),
                exact => Self::Text(exact.to_owned()),
            };
        }
        let expression = matcher
            .get_any(&["safe_regex", "safeRegex"])
            .and_then(|it| it.text("regex"));
        // Istio's is plain text.
        let expression = match (
            text("prefix"),
            text("suffix"),
            text("contains"),
            expression.or(text("regex")),
        ) {
            (Some(prefix), ..) => format!("{}.*", escape(prefix)),
            (_, Some(suffix), ..) => format!(".*{}", escape(suffix)),
            (_, _, Some(part), _) => format!(".*{}.*", escape(part)),
            (.., Some(expression)) => expression.to_owned(),
            _ => return Self::Unknown("a matcher that is no exact, prefix, suffix, contains or safe_regex".to_owned()),
        };
        let expression = if folds { format!("(?i){expression}") } else { expression };
        match Regex::new(&format!("^(?:{expression})$")) {
            Ok(regex) if regex.is_match("*") => Self::Any,
            Ok(_) => Self::Expression(expression),
            Err(error) => Self::Unknown(format!("the expression `{expression}`: {error}")),
        }
    }
}
