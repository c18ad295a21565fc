//! `cors.presets`: the header lists that clients of a protocol need, by the protocol's name.

/// What a preset adds to `allow_headers` and `expose_headers`.
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// Headers that scripts send.
    pub allow: &'static [&'static str],
    /// Headers that scripts read.
    pub expose: &'static [&'static str],
}

/// Every preset.
pub const PRESETS: [Preset; 6] = [
    // Connect, "CORS": what the Connect protocol sends from a browser.
    Preset {
        name: "connect",
        allow: &[
            "content-type",
            "connect-protocol-version",
            "connect-timeout-ms",
            "x-user-agent",
        ],
        expose: &["content-encoding", "connect-content-encoding"],
    },
    // gRPC, "gRPC Web": request headers, and the status that trailers-only answers carry in headers.
    Preset {
        name: "grpc_web",
        allow: &["content-type", "grpc-timeout", "x-grpc-web", "x-user-agent"],
        expose: &["grpc-status", "grpc-message", "grpc-status-details-bin"],
    },
    // Model Context Protocol, "Streamable HTTP" (2025-03-26 to 2026-07-28) and "Authorization". A tool's own parameters are
    // headers of names that it chooses.
    Preset {
        name: "mcp",
        allow: &[
            "authorization",
            "content-type",
            "last-event-id",
            "mcp-method",
            "mcp-name",
            "mcp-param-*",
            "mcp-protocol-version",
            "mcp-session-id",
        ],
        expose: &["mcp-session-id", "www-authenticate"],
    },
    // RFC 9110 §10.2.3, draft-ietf-httpapi-ratelimit-headers, and the names in use before it.
    Preset {
        name: "rate_limit",
        allow: &[],
        expose: &[
            "retry-after",
            "ratelimit",
            "ratelimit-policy",
            "ratelimit-limit",
            "ratelimit-remaining",
            "ratelimit-reset",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ],
    },
    // W3C Trace Context, W3C Baggage, W3C Server Timing; B3 and Envoy's own request id.
    Preset {
        name: "tracing",
        allow: &["traceparent", "tracestate", "baggage", "b3", "x-request-id"],
        expose: &["traceresponse", "server-timing", "x-request-id"],
    },
    // RFC 9725 (WHIP) and draft-ietf-wish-whep: a session is made by POST, changed by PATCH and ended by DELETE.
    Preset {
        name: "whip",
        allow: &["authorization", "content-type", "if-match"],
        expose: &["accept-patch", "etag", "link", "location"],
    },
];
