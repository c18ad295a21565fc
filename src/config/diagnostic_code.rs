//! What can be wrong with a configuration, or in it but perhaps not meant: a closed list, each with a code that does not
//! change and the words for a person. Where the words depend on the place, those here say what they are about.

use policy::error::{HostError, OriginError, PathError};

macro_rules! codes {
    ($($variant:ident = $code:literal: $text:literal,)+) => {
        /// What is wrong with a configuration, or perhaps not meant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DiagnosticCode {
            $(#[doc = $text] $variant,)+
        }

        impl DiagnosticCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The message for the operator.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    PathEverything = "path_everything": "this is every path; name those that are meant",
    AnyAmongHeaders = "list_any_among_others": "`*` stands alone in its list; remove it, or the other entries",
    AnyAmongHosts = "hosts_any_among_others": "every host is allowed; the other entries only serve `websocket.allowed_hosts`",
    AnyAmongOrigins = "origins_any_among_others": "`*` covers every origin; remove it, or the other entries",
    AnyBesideRegexes = "origins_any_beside_regexes": "`*` covers every origin; remove it, or the regular expressions",
    AnyExposed = "expose_any_with_credentials":
        "with `cors.allow_credentials` browsers take `*` for a header of that name; list the headers",
    AnySocket = "origins_any_websocket":
        "with `*` the page of any site may open a WebSocket here, with its visitors' cookies; list the origins, or \
         see that the backend authenticates sockets without cookies",
    AnyTrusted = "csrf_any_trusted": "this would trust every site; list the origins, or leave `csrf` out",
    AnyWithCredentials = "origins_any_with_credentials":
        "with `cors.allow_credentials` every site could act and read as its visitors; list the origins, or set \
         `dangerously_allow_any_origin_with_credentials`",
    AnyWrites = "origins_any_csrf":
        "with `*` the page of any site may write here, so that `csrf` refuses next to nothing; list the origins",
    Choice = "choice_unknown": "one of a few values is expected",
    CompiledAlone = "compiled_alone": "this stands alone; compile the other keys with the policy",
    CompiledBroken = "compiled_broken":
        "`origin-gate compile` did not write this, or it was cut off or changed since; compile the policy again",
    CompiledOrigin = "compiled_origin":
        "these are no canonical origins in order; compile the policy again",
    CompiledVersion = "compiled_version":
        "another version wrote this; compile the policy again",
    CorsOff = "cors_off": "the filter neither adds nor removes CORS headers here: the backend's own go out as they are",
    CorsReportsOnly = "cors_report_only_grants": "this is about reading alone: the listed origins already may",
    CsrfOff = "csrf_off": "any page may write here, with its visitors' cookies, though `csrf` is on outside",
    DangerousCredentials = "dangerous_any_origin_with_credentials": "every site can act and read as its visitors",
    DangerousInsecure = "dangerous_insecure_origins":
        "anyone on a visitor's network path can impersonate them",
    DangerousNull = "dangerous_null_origin": "any site can send `Origin: null`, from a sandboxed frame",
    DebugOn = "debug_on": "every response tells why it is as it is: switch this off in production",
    DjangoDebug = "django_debug": "it is on: Django shows its settings to whoever causes an error",
    DjangoLiteral = "django_literal":
        "Django takes this as it is written, and no browser sends it, so that it lets nobody in there; remove it, or list \
         what is meant in the policy itself",
    DjangoMissing = "django_settings_missing":
        "the environment has none of Django's settings: see `vm_config.environment_variables`",
    DjangoName = "django_name": "this looks like one of Django's settings, and is not read under this name",
    DjangoRegex = "django_regex":
        "Python reads this otherwise; write it without `[:name:]`, `[--`, `\\<`, `\\>`, `\\b{`, possessive repetitions, `#` \
         and white space",
    DjangoRegexEnd = "django_regex_end":
        "django-cors-headers does not look for its end, so there it allows every origin that only begins like \
         this; here it must match the whole origin",
    DjangoAnyList = "django_any_list":
        "beside credentials browsers take the `*` that Django sends for a name, and allow nothing by it; here \
         whatever is asked for is granted by name; list the names",
    DjangoUrls = "django_urls_regex":
        "django-cors-headers keeps CORS to these paths; here it is for all: use `policies`",
    DjangoValue = "django_value": "a setting's value does not have its form",
    Empty = "configuration_empty": "the configuration says nothing",
    EmptyHosts = "hosts_empty": "an empty list would refuse every request; leave the key out to switch the check off",
    EmptyOrigins = "origins_empty": "an empty list allows no origin; leave the key out if that is meant",
    EntryIdle = "policy_changes_nothing":
        "this entry changes nothing: it has no key but `match`, and no later entry is for any of its requests",
    ExemptElsewhere = "exempt_outside_match": "this is below no `path_prefixes` of its entry, and so has no effect",
    ExemptFromNothing = "exempt_from_nothing": "has no effect without `allowed_hosts`",
    ForwardedUnchecked = "forwarded_host_unchecked": "there is no `allowed_hosts` to check against",
    HeaderCovered = "header_covered": "a prefix covers this already; remove one",
    HeaderForbidden = "header_forbidden": "browsers let no script set this header; remove it",
    HeaderProtocol = "header_of_cors": "this is a header of the CORS protocol itself; remove it",
    HeaderUnreadable = "header_unreadable": "browsers let no script read this header; remove it",
    HostAddress = "host_address":
        "with `websocket.allowed_hosts`, whoever has this address on a visitor's network may open a WebSocket here",
    HostAscii = "host_not_ascii": "requests carry the ASCII form of a name; write its labels as `xn--…`",
    HostBrackets = "host_brackets": "an IPv6 address stands in brackets",
    HostMalformed = "host_malformed": "a host is labels of 1 to 63 of `a-z`, `0-9`, `-` and `_`, 253 bytes in all",
    HostPath = "host_path": "a host is a name or an address, without a path or an address range",
    HostPort = "host_port": "the port of a request is ignored; list the host without one",
    HostRootDot = "host_root_dot": "the trailing dot of a request is dropped before it is compared",
    HostScheme = "host_scheme": "a host has no scheme",
    HostSingleLabel = "host_single_label":
        "this covers every name under one top-level name; put your own domain here",
    HostsOff = "hosts_off": "every host is let through here, whatever `allowed_hosts` lists",
    HostSubdomains = "address_subdomains": "an IP address has no subdomains",
    HostWildcard = "host_wildcard": "a leading `.` stands for the domain and every subdomain; `*.` is for origins",
    InsecureWithCredentials = "origin_insecure_with_credentials":
        "with `cors.allow_credentials` who sits on a visitor's network path could act and read as them; write \
         `https`, or set `dangerously_allow_insecure_origins`",
    KeyIdle = "key_without_effect": "this has no effect",
    KeyRepeated = "key_repeated": "the key is given twice; keep one",
    KeyUnknown = "key_unknown": "there is no such key",
    MatchEmpty = "match_empty": "an empty list matches nothing; leave the key out for all",
    MatchHidden = "match_hidden": "every plain request for this goes to an earlier entry; move this one up, or remove it",
    MatchMissing = "match_missing":
        "an entry says for which `hosts` or `path_prefixes` it is; what holds everywhere stands outside `policies`",
    MatchRefused = "match_refused":
        "`allowed_hosts` of this entry lacks this host, so that each of its requests is refused; list it there",
    MatchRepeated = "match_repeated":
        "an entry before this one has the same `match`, so that this one never applies; remove one",
    MaxAgeCut = "max_age_cut": "Chromium keeps a preflight for 7200 seconds at most",
    MethodCase = "method_case": "the method is in the wrong case",
    MethodForbidden = "method_forbidden": "browsers let no script use this method; remove it",
    NameMalformed = "name_malformed": "a name is letters, digits and any of ``!#$%&'*+-.^_`|~``; one entry is one name",
    NameWildcard = "name_wildcard":
        "a `*` ends a name in `allow_headers`, after a `-`, as in `mcp-param-*`; elsewhere list each name",
    NotJson = "configuration_not_json": "the configuration is not JSON",
    NotPolicy = "configuration_not_object": "the configuration is no object",
    NotStruct = "configuration_not_struct": "it is neither JSON nor a `google.protobuf.Struct`",
    OriginAddress = "origin_address": "whoever is given this address next can be it; list a name",
    OriginAscii = "origin_not_ascii": "browsers send the ASCII form of a name; write its labels as `xn--…`",
    OriginBrackets = "origin_brackets": "an IPv6 address stands in brackets, without a zone",
    OriginCovered = "origin_covered": "a wildcard covers this already; remove one",
    OriginEmptyLabel = "origin_empty_label": "a host has no empty label",
    OriginHostMissing = "origin_host_missing": "the host is missing",
    OriginList = "origin_list": "one entry is one origin; list each by itself",
    OriginLoopback = "origin_loopback": "any program on the visitor's machine can be it; for development only",
    OriginMapped = "origin_mapped_address": "no site is served from an IPv4-mapped address; list the IPv4 address",
    OriginNetwork = "origin_network_address": "whoever has this address on a visitor's network can be it; list a name",
    OriginNull = "origin_null":
        "any site can send `null`, from a sandboxed frame or a `data:` page; if that is meant, set \
         `dangerously_allow_null_origin`",
    OriginOpaque = "origin_opaque": "pages of this scheme have no origin of their own; browsers send `null` for them",
    OriginPath = "origin_path": "an origin ends after the host or port: no path, not even `/`, no query",
    OriginPort = "origin_port": "a port is 1 to 65535 without leading zeros, or `*` for every port",
    OriginScheme = "origin_scheme": "a scheme is lower-case letters, digits, `+`, `-` and `.`",
    OriginSchemeMissing = "origin_scheme_missing": "an origin begins with a scheme",
    OriginSingleLabel = "origin_single_label":
        "this covers every site under one top-level name; put your own domain after the wildcard",
    OriginSocket = "origin_socket_scheme":
        "browsers never send this: the origin of a WebSocket is its page's, `http` or `https`",
    OriginSpace = "origin_space": "an origin has no white space or control characters; one entry is one origin",
    OriginSpelling = "origin_spelling":
        "browsers send a host in one spelling: lower case, addresses in their short form",
    OriginUser = "origin_user": "an origin has no user information",
    PathAmbiguous = "path_ambiguous":
        "backends read `//`, `/../`, `;`, `\\` and encoded separators in more than one way; write the plain path",
    PathAscii = "path_not_ascii": "a path is compared as it is sent: printable ASCII, other bytes percent-encoded",
    PathQuery = "path_query": "only the path is compared; leave the query out",
    PathSlash = "path_slash": "a path begins with `/`",
    PresetUnknown = "preset_unknown": "there is no such preset",
    PrivateNetwork = "private_network_given_up":
        "browsers have given this header up: Chromium asks the visitor instead (Local Network Access); remove it",
    PrivateNetworkAny = "private_network_any":
        "with `*` an old browser lets any site reach into this server's network, and those of today ask the visitor \
         instead (Local Network Access); remove it",
    Rebinding = "dns_rebinding":
        "without names in `allowed_hosts` a site can point its own name at this server and pass for the same host \
         (DNS rebinding); list the hosts that are yours",
    RegexAscii = "regex_not_ascii": "browsers send origins in ASCII; write `xn--…` for other letters",
    RegexEmpty = "regex_empty": "no origin is empty; remove it, or write what it should match",
    RegexMalformed = "regex_malformed": "not a regular expression",
    RegexTotal = "regex_total_size":
        "from here on the expressions of this policy add up to more than 65536 characters, counted repetitions \
         written out, and an origin that is not listed is held against every one; list the origins in \
         `allowed_origins`, or make one expression of several",
    Repeated = "repeated": "this is given twice; remove one",
    SectionResets = "section_resets":
        "this replaces the whole outer section, and what it leaves out goes back to its default; repeat what should stay",
    StructDepth = "configuration_too_deep": "its `google.protobuf.Struct` is nested too deep",
    StructText = "configuration_not_utf8": "a string in its `google.protobuf.Struct` is not UTF-8",
    TenantSockets = "websocket_across_hosts": "`policies` keep hosts apart, and this does not",
    TypeBool = "type_bool": "`true` or `false` is expected here",
    TypeList = "type_list": "a list of strings is expected here",
    TypeNumber = "type_number": "a whole number is expected",
    TypeObject = "type_object": "an object is expected here",
    TypeObjects = "type_objects": "a list of objects is expected here",
    TypeString = "type_string": "a string is expected here",
    WebSocketOff = "websocket_off": "any page may open a WebSocket here, with its visitors' cookies",
    WildcardDomain = "wildcard_domain_missing": "a wildcard needs a domain after it",
    WildcardInner = "wildcard_not_leftmost": "a wildcard may only be the leftmost label",
    WildcardLiteral = "wildcard_literal":
        "a `*` inside a label follows a literal that ends in `-`, as in `shop-*`; elsewhere it would match names \
         that anybody can register",
    WildcardMany = "wildcard_repeated": "a host has at most one `*`",
    WildcardScheme = "wildcard_scheme":
        "wildcards are for `http` and `https`; list origins of other schemes one by one",
}

impl From<OriginError> for DiagnosticCode {
    fn from(error: OriginError) -> Self {
        match error {
            OriginError::AddressSubdomains => Self::HostSubdomains,
            OriginError::Ascii => Self::OriginAscii,
            OriginError::Brackets => Self::OriginBrackets,
            OriginError::EmptyLabel => Self::OriginEmptyLabel,
            OriginError::HostMalformed => Self::HostMalformed,
            OriginError::HostMissing => Self::OriginHostMissing,
            OriginError::List => Self::OriginList,
            OriginError::Mapped => Self::OriginMapped,
            OriginError::Null => Self::OriginNull,
            OriginError::Opaque => Self::OriginOpaque,
            OriginError::Path => Self::OriginPath,
            OriginError::Port => Self::OriginPort,
            OriginError::Scheme => Self::OriginScheme,
            OriginError::SchemeMissing => Self::OriginSchemeMissing,
            OriginError::Space => Self::OriginSpace,
            OriginError::Spelling => Self::OriginSpelling,
            OriginError::User => Self::OriginUser,
            OriginError::WildcardDomain => Self::WildcardDomain,
            OriginError::WildcardInner => Self::WildcardInner,
            OriginError::WildcardLiteral => Self::WildcardLiteral,
            OriginError::WildcardMany => Self::WildcardMany,
            OriginError::WildcardScheme => Self::WildcardScheme,
        }
    }
}

impl From<HostError> for DiagnosticCode {
    fn from(error: HostError) -> Self {
        match error {
            HostError::AddressSubdomains => Self::HostSubdomains,
            HostError::Ascii => Self::HostAscii,
            HostError::Brackets => Self::HostBrackets,
            HostError::Malformed => Self::HostMalformed,
            HostError::Path => Self::HostPath,
            HostError::Port => Self::HostPort,
            HostError::RootDot => Self::HostRootDot,
            HostError::Scheme => Self::HostScheme,
            HostError::Wildcard => Self::HostWildcard,
        }
    }
}

impl From<PathError> for DiagnosticCode {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Ambiguous => Self::PathAmbiguous,
            PathError::Ascii => Self::PathAscii,
            PathError::Everything => Self::PathEverything,
            PathError::Query => Self::PathQuery,
            PathError::Slash => Self::PathSlash,
        }
    }
}
