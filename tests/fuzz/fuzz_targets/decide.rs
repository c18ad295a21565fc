//! Requests of any fields under a policy with everything in it: one of the findings that there are, and headers that
//! could not end or begin another.

#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::request::Request;
use policy::verdict::{Action, AllowOrigin, Finding, ResponseCors};

const POLICY: &str = r#"{
    "allowed_origins": ["https://app.example", "https://*.preview.example", "https://shop-*-acme.vercel.example", "http://localhost:*"],
    "allowed_origin_regexes": ["https://pr-[0-9]+\\.example"],
    "allowed_hosts": ["api.example", ".shop.example", "[::1]"],
    "cors": {"allow_credentials": true, "allow_methods": ["*"], "allow_headers": ["*"], "presets": ["mcp"]},
    "hosts": {"exempt_paths": ["/healthz", "/probes/"], "forwarded_host": "check"},
    "csrf": {"trusted_origins": ["https://trusted.example"], "exempt_paths": ["/api/"]},
    "policies": [
        {"match": {"hosts": ["cdn.example"], "path_prefixes": ["/public/"]}, "allowed_origins": ["*"], "cors": {}},
        {"match": {"path_prefixes": ["/watch"]}, "cors": {"mode": "report_only"}, "websocket": {"mode": "report_only"}}
    ]
}"#;

fuzz_target!(|text: &[u8]| {
    thread_local! {
        static LOADED: config::Loaded = config::load(POLICY.as_bytes()).unwrap();
    }
    let fields = text.split(|&byte| byte == b'\n').filter_map(|line| {
        let at = line.iter().skip(1).position(|&byte| byte == b':')? + 1;
        Some((&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])))
    });
    let head: Request<'_> = fields.collect();
    LOADED.with(|loaded| {
        let verdict = loaded.policy.decide(&head);
        assert!(Finding::all().any(|it| it == verdict.finding));
        match verdict.action {
            Action::Reply(reply) => {
                for (name, value) in &reply.render().headers {
                    assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')), "{name}: {value:?}");
                }
            }
            Action::Forward(forward) => {
                if let ResponseCors::Replace(grant) | ResponseCors::Keep(grant) = forward.response
                    && let AllowOrigin::Named(origin) = grant.origin
                {
                    assert!(origin.iter().all(u8::is_ascii_graphic));
                }
            }
        }
    });
});
