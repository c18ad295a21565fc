//! Requests of whose parts none is made of the policies.

use analysis::reach::{Ask, Question};

use crate::chance::Chance;

const NAMES: [&str; 20] = [
    "a.example",
    "b.a.example",
    "x.a.example",
    "x.b.a.example",
    "shop-a.a.example",
    "shop-a-x.a.example",
    "shop-x.a.example",
    "shop-q-x.a.example",
    "shop--x.a.example",
    "pr-7.a.example",
    "api.example",
    "q.example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "evil.test",
    "a.example.",
    "b.example",
    "c.a.example",
    "00000000-0000-0000-0000-000000000000",
];

const HOSTS: [&str; 9] = [
    "api.example",
    "a.example",
    "q.a.example",
    "localhost",
    "[::1]",
    "evil.test",
    "a.example.",
    "b.a.example",
    "example",
];

const PATHS: [&str; 16] = [
    "/",
    "/q",
    "/api",
    "/api/",
    "/api/q",
    "/api/admin/q",
    "/public/q",
    "/public",
    "/healthz",
    "/API/q",
    "/public/..%2fapi/q",
    "/api/%2e%2e/q",
    "/api/admin/%2e%2e/%2e%2e/public/q",
    "/a.json",
    "/api/v1;x",
    "/q/%252e%252e/api/admin/q",
];

pub(super) fn question(chance: &mut Chance) -> Question {
    let scheme = *chance.pick(&["https", "https", "http", "capacitor", "moz-extension", "q"]);
    let name = *chance.pick(&NAMES);
    let port = *chance.pick(&["", "", ":8443", ":3000", ":9"]);
    let origin = match chance.below(12) {
        0 => None,
        1 => Some("null".to_owned()),
        2 => Some("https://A.example".to_owned()),
        _ => Some(format!("{scheme}://{name}{port}")),
    };
    let host = match chance.below(4) {
        0 => Some(format!("{name}{port}")),
        1 if chance.below(4) == 0 => None,
        _ => Some(format!("{}{}", chance.pick(&HOSTS), chance.pick(&["", "", ":8443"]))),
    };
    let ask = ask(chance);
    let origin = match &ask {
        // A page sends these with its origin.
        Ask::Method(_) | Ask::Header(_) | Ask::PrivateNetwork => origin.or(Some("null".to_owned())),
        Ask::Forwarded(..) => None,
        _ => origin,
    };
    Question {
        ask,
        origin,
        host,
        scheme: ["https", "http"][chance.at(2)],
        path: (*chance.pick(&PATHS)).to_owned(),
    }
}

fn ask(chance: &mut Chance) -> Ask {
    const SITES: [Option<&str>; 5] = [
        None,
        Some("same-origin"),
        Some("none"),
        Some("same-site"),
        Some("cross-site"),
    ];
    match chance.below(9) {
        0 | 1 => Ask::Socket,
        2 => Ask::Write(*chance.pick(&SITES)),
        3 => Ask::Method((*chance.pick(&["PUT", "DELETE", "PATCH", "QUERY", "put"])).to_owned()),
        4 => Ask::Header((*chance.pick(&["x-a", "x-b", "x-q", "x-q-1", "y-a-b", "y-a-", "content-type"])).to_owned()),
        5 => Ask::PrivateNetwork,
        6 => {
            let value = (*chance.pick(&["a.example", "evil.test", "a b", "localhost"])).to_owned();
            match chance.below(3) {
                0 => Ask::Forwarded("forwarded", format!("host={value}")),
                1 => Ask::Forwarded("x_forwarded_host", value),
                _ => Ask::Forwarded("x-forwarded-host", value),
            }
        }
        _ => Ask::Read,
    }
}
