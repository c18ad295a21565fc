//! The codes of what `check` finds beyond the reader of policies, which has a closed list of its own.

macro_rules! codes {
    ($($name:ident = $code:literal: $text:literal,)+) => {
        $(pub(super) const $name: &str = $code;)+

        /// Each code, and what the finding says in general.
        pub const CODES: &[(&str, &str)] = &[$(($code, $text),)+];
    };
}

codes! {
    KEEP_MISSING = "keep_missing":
        "an `EnvoyExtensionPolicy` without `on_refused_update: keep`: a later policy with an error can answer 503 to every request",
    KEEP_NAME_SHARED = "keep_name_shared":
        "two Wasm filters of one Envoy configuration (a document of a file) say `keep` and have one plugin `name`; an error",
    ORIGIN_MATCHES_NOTHING = "origin_matches_nothing":
        "a wildcard with which every name is longer than a name may be",
    PATH_OTHER_LETTERS = "path_other_letters":
        "a prefix of `policies` with letters that are no ASCII, of which the filter knows no other spelling",
    PUBLIC_SUFFIX = "public_suffix":
        "a wildcard or a `.domain` over a public suffix, under which anybody registers names, or over a domain that has some below \
         it (`amazonaws.com`)",
    REGEX_ALTERNATIVE = "regex_alternative_matches_nothing":
        "an expression with an alternative, at the top or in a group, by which no origin is matched; the warning shows it",
    REGEX_BARE_DOT = "regex_bare_dot":
        "an expression with a `.` between letters, which matches other names of the same site",
    REGEX_MANY_SITES = "regex_many_sites":
        "an expression that spells out more than a dozen sites, and more than the words that it is made of",
    REGEX_NOTHING = "regex_matches_nothing": "an expression that matches no origin that a browser can send",
    REGEX_OPEN_ADDRESS = "regex_open_address":
        "an expression that matches addresses that it does not spell, loopback addresses aside",
    REGEX_OPEN_SCHEME = "regex_open_scheme": "an expression that spells the site and leaves the scheme open",
    REGEX_OPEN_SITE = "regex_open_site":
        "an expression that matches a site whose registrable domain it does not spell; the warning shows one",
    REGEX_UNDECIDED = "regex_undecided": "an expression that is too complex to decide",
}
