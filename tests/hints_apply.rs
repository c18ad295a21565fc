//! What a hint offers can be done, and helps, and does no more than it says: each entry is added where the hint says, and
//! the same request asked again, and others that it does not name.
//!
//! Long: what a policy can lack, key by key, each with the entry that mends it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use advice::Domains;
use analysis::explain::{Exchange, explain};
use analysis::is_public_suffix;
use config::Loaded;
use policy::host::{Authority, Host};
use policy::origin::Origin;
use policy::pattern::{HostPattern, OriginHosts, OriginPattern};
use policy::request::{Field, Request};
use policy::verdict::{Check, Deny, Finding, Outcome};
use serde_json::{Value, json};

/// A policy in JSON; before it the settings of the environment, one a line.
const POLICIES: [&str; 29] = [
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example", "1.2.3.4"], "cors": {"allow_credentials": true}, "csrf": {}}"#,
    r#"{"allowed_origins": ["https://example.com", "capacitor://localhost", "http://plain.test:81"], "allowed_hosts": ["api.example"], "csrf": {}}"#,
    r#"{"allowed_origins": ["wss://example.com", "wss://app.example"], "csrf": {"trusted_origins": ["https://pay.test"]}}"#,
    r#"{"allowed_origins": ["https://github.io", "https://vercel.app", "https://co.zw", "https://s3.amazonaws.com", "https://github.io."]}"#,
    r#"{"allowed_origins": ["https://*.app.example:8443", "https://pr-*-x.example.com"], "cors": {"allow_credentials": true}}"#,
    r#"{"allowed_origins": ["http://127.0.0.1:*", "https://[::1]", "https://example.com."], "cors": {"allow_credentials": true}}"#,
    r#"{"allowed_hosts": ["github.io", "co.zw", "1.2.3.4", "www.shop.test", "shop.api.example"], "csrf": {"mode": "report_only"}}"#,
    r#"{"allowed_hosts": ["api.example"], "websocket": {"same_host": false, "allowed_hosts": false}, "csrf": {}, "cors": {"mode": "report_only"}}"#,
    r#"{"allowed_origin_regexes": ["http://r[0-9]\\.example", "https://app\\.example"], "allowed_hosts": ["api.example"], "cors": {"allow_credentials": true}, "csrf": {}}"#,
    r#"{"allowed_origins": ["http://app.example", "https://example.com"], "cors": {"allow_credentials": true}, "dangerously_allow_insecure_origins": true}"#,
    // Lists of its own, inherited lists, and lists that another policy with credentials shares.
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "csrf": {},
        "policies": [{"match": {"path_prefixes": ["/api"]}, "allowed_origins": ["https://example.com"], "allowed_hosts": ["www.shop.test", "api.example"]}]}"#,
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "csrf": {"trusted_origins": ["https://example.com"]},
        "hosts": {"exempt_paths": ["/healthz"]},
        "policies": [{"match": {"path_prefixes": ["/none"]}, "cors": {"allow_credentials": true}},
                     {"match": {"path_prefixes": ["/api"]}, "csrf": {}, "hosts": {}, "websocket": {"missing_origin": "reject"}, "cors": {"allow_headers": ["accept"]}}]}"#,
    r#"{"allowed_hosts": ["api.example"], "policies": [{"match": {"path_prefixes": ["/api"]}, "csrf": {"missing_origin": "reject"}}]}"#,
    r#"{"allowed_hosts": ["api.example"], "cors": {"allow_methods": ["GET"], "allow_headers": ["accept"]}, "hosts": {"forwarded_host": "check"}}"#,
    r#"{"allowed_hosts": ["api.example"], "hosts": {"mode": "report_only", "forwarded_host": "check"}, "cors": {"allow_methods": ["*"], "allow_headers": ["*"]}}"#,
    r#"{"allowed_origins": ["*"], "cors": {"allow_methods": ["PUT"], "presets": ["grpc_web"]}, "csrf": {}}"#,
    r#"{"allowed_origins": ["https://localhost", "https://a.b.c.example.com"], "csrf": {"missing_origin": "reject", "trusted_origins": ["https://app.example", "http://example.com:81"]}}"#,
    r#"{"allowed_origins": ["capacitor://app.example", "ionic://localhost:1"], "websocket": {"missing_origin": "reject"}}"#,
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": [".api.example"], "csrf": {"mode": "report_only"}, "cors": {"allow_credentials": true, "upstream_headers": "keep"}}"#,
    r#"{"allowed_hosts": ["*"], "allowed_origins": ["https://app.example"], "dangerously_allow_null_origin": true}"#,
    // Entries that cover everybody, or that hold an origin which may not act all the same.
    r#"{"allowed_origins": ["https://*.com", "https://pre-*.test"], "allowed_hosts": ["api.example"], "csrf": {}}"#,
    r#"{"allowed_origins": ["https://*.com:*", "https://www.q.com"], "allowed_hosts": ["api.example"], "csrf": {"mode": "report_only"}}"#,
    r#"{"allowed_origins": ["http://b.example", "http://localhost:3000"], "allowed_hosts": ["api.example"], "csrf": {"trusted_origins": ["http://t.example", "http://[::1]:1"]}}"#,
    r#"{"allowed_origins": ["*"], "allowed_hosts": ["api.example"], "cors": {"allow_credentials": true}, "csrf": {}, "dangerously_allow_any_origin_with_credentials": true}"#,
    r#"{"allowed_hosts": ["api.example", "b.example"], "websocket": {"allowed_hosts": true}, "csrf": {}, "cors": {"allow_credentials": true}, "dangerously_allow_insecure_origins": true}"#,
    // The same sections twice, and lists of Django's.
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "csrf": {"missing_origin": "reject"},
        "cors": {}, "hosts": {}, "websocket": {"missing_origin": "reject"},
        "policies": [{"match": {"path_prefixes": ["/api"]}, "allowed_origins": ["https://app.example"],
            "allowed_hosts": ["api.example"], "csrf": {"missing_origin": "reject"}, "cors": {}, "hosts": {},
            "websocket": {"missing_origin": "reject"}}]}"#,
    "CORS_ALLOWED_ORIGINS=https://app.example,http://plain.test
CORS_ALLOW_METHODS=GET
CORS_ALLOW_HEADERS=accept
ALLOWED_HOSTS=api.example,shop.test,.shop.api.example
CSRF_TRUSTED_ORIGINS=https://pay.test
{\"django_env\": true, \"csrf\": {\"mode\": \"enforce\"}}",
    "CORS_ALLOWED_ORIGINS=https://app.example,https://q.com:82
ALLOWED_HOSTS=[\"api.example\"]
CORS_ALLOW_CREDENTIALS=1
{\"django_env\": true, \"csrf\": {\"trusted_origins\": [\"https://pay.test\"]}, \"policies\": [
    {\"match\": {\"path_prefixes\": [\"/api\"]}, \"allowed_origins\": [\"https://app.example\"], \"cors\": {}}]}",
    "CORS_ALLOW_ALL_ORIGINS=1
DEBUG=1
CSRF_TRUSTED_ORIGINS=https://pay.test
{\"django_env\": true, \"csrf\": {}}",
];

const ORIGINS: [&str; 51] = [
    "",
    "null",
    "https://app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example.",
    "https://app.example/",
    "https://APP.example",
    "app.example",
    "https://www.app.example",
    "https://a.b.app.example:8443",
    "http://other.example",
    "http://other.example:8080",
    "https://other.test/",
    "https://example.com",
    "http://example.com:82",
    "https://a.example.com:8443",
    "http://a.example.com",
    "https://a.example.com.",
    "https://x.pr-1-x.example.com",
    "https://pr-1-y.example.com",
    "https://b.b.c.example.com",
    "https://x.pay.test:81",
    "capacitor://localhost:8080",
    "capacitor://a.app.example",
    "ionic://localhost",
    "wss://app.example",
    "file://app.example",
    "data://x",
    "chrome-extension://abcdef",
    "https://evil.github.io",
    "https://evil.github.io.",
    "https://evil.vercel.app:1",
    "https://x.co.zw",
    "https://b.s3.amazonaws.com",
    "https://api.example",
    "http://api.example",
    "https://[::1]:1",
    "http://r1.example",
    "http://b.example",
    "http://b.example:8080",
    "http://t.example",
    "http://localhost:3000",
    "http://[::1]:1",
    "http://api.example:8080",
    "http://x.example:443",
    "https://q.com",
    "http://q.com",
    "https://q.com:81",
    "https://pre-a.test",
    "http://evil.test",
];

/// Nothing in [`POLICIES`] says that these are the operator's.
const STRANGERS: [&str; 6] = [
    "https://q.com",
    "http://q.com",
    "https://q.com:81",
    "https://pre-a.test",
    "http://evil.test",
    "http://localhost:3000",
];

const HOSTS: [&str; 13] = [
    "api.example",
    "api.example:8443",
    "x.github.io",
    "a.co.zw.",
    "A.1.2.3.4",
    "1.2.3.5:80",
    "[fd00::7]",
    "shop.test",
    "www.shop.api.example",
    "other.example",
    "*.api.example",
    "api.example:99999",
    "https://api.example/",
];

const PATHS: [&str; 4] = ["/", "/api/x", "/api/", "/healthz"];

/// What else a request has: its lines.
const KINDS: [&[&str]; 19] = [
    &[":method: GET"],
    &[":method: GET", "upgrade: websocket"],
    &[":method: POST"],
    &[":method: POST", "sec-fetch-site: cross-site"],
    &[":method: POST", ":scheme: http"],
    &[":method: POST", "x-forwarded-proto: gopher"],
    &[":method: GET", "upgrade: websocket", ":scheme: http"],
    &[":method: GET", "upgrade: websocket", "x-forwarded-proto: gopher"],
    &[":method: OPTIONS", "access-control-request-method: PUT"],
    &[":method: OPTIONS", "access-control-request-method: patch"],
    &[":method: OPTIONS", "access-control-request-method: TRACE"],
    &[":method: OPTIONS", "access-control-request-method: *"],
    &[":method: OPTIONS", "access-control-request-method: PURGE"],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: x-a, accept,x-b",
        "access-control-request-headers: x-c",
    ],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: x-a,cookie",
    ],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: Sec-Fetch-Site,access-control-allow-origin",
    ],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: *",
    ],
    &[":method: GET", "x-forwarded-host: evil.example"],
    &[":method: GET", "x-forwarded-host: api.example, proxy.internal"],
];

type Lines = Vec<(String, Vec<u8>)>;

fn request(host: &str, path: &str, origin: &str, kind: &[&str]) -> Lines {
    let line = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let more = kind.iter().map(|it| it.split_once(": ").unwrap());
    let mut lines = vec![line(":authority", host), line(":path", path)];
    lines.extend((!origin.is_empty()).then(|| line("origin", origin)));
    lines.extend(more.map(|(name, value)| line(name, value)));
    if !kind.iter().any(|it| it.starts_with(":scheme")) {
        lines.push(line(":scheme", "https"));
    }
    lines
}

fn head(lines: &Lines) -> Request<'_> {
    lines
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_slice()))
        .collect()
}

/// The entries that a fix offers, each with the list that it is for.
fn offers(fix: &str) -> Vec<(String, Vec<String>)> {
    let mut offers = Vec::new();
    let mut last_list = String::new();
    let words: Vec<&str> = fix.split(' ').collect();
    let is_list = |word: &str| {
        [
            "allowed_",
            "csrf.",
            "cors.",
            "hosts.",
            "websocket.",
            "policies[",
            "ALLOWED_",
            "CORS_",
            "CSRF_",
        ]
        .iter()
        .any(|it| word.starts_with(it))
    };
    for (at, word) in words.iter().enumerate() {
        match *word {
            "to" if words.get(at + 1).is_some_and(|it| is_list(it)) => {
                let begins = |word: &&str| matches!(*word, "add" | "else" | "check,");
                let from = words[..at].iter().rposition(begins).unwrap() + 1;
                let list = words[at + 1].trim_end_matches([',', ';', ':']);
                let beside = words.get(at + 1..at + 3) == Some(&["ALLOWED_HOSTS", "beside"]);
                let beside = words.iter().skip(at + 3).take_while(|it| beside && **it != "which");
                let entries = words[from..at].iter().chain(beside.filter(|it| **it != "and"));
                let entries = entries.map(|it| it.trim_end_matches(',').to_owned());
                offers.push((list.to_owned(), entries.collect()));
                last_list = list.to_owned();
            }
            "set" if words.get(at + 1).is_some_and(|it| is_list(it)) => {
                let value = words[at + 3].trim_end_matches(',').to_owned();
                offers.push((words[at + 1].to_owned(), vec![value]));
            }
            // The second list of "trusted (to write) or allowed (to read too)" takes the same.
            "or" if words.get(at + 1).is_some_and(|it| is_list(it)) => {
                let (_, entries) = offers.last().unwrap().clone();
                offers.push((words[at + 1].trim_end_matches([',', ';']).to_owned(), entries));
            }
            "or" if words
                .get(at + 1)
                .is_some_and(|it| it.contains("*") || it.starts_with('.')) =>
            {
                offers.push((last_list.clone(), vec![words[at + 1].to_owned()]));
            }
            _ => {}
        }
    }
    offers
}

/// The settings before a policy, with a line break after each, and its JSON.
fn parts(policy: &str) -> (&str, &str) {
    policy.split_at(policy.find('{').unwrap())
}

/// The same policy without a setting, and with another.
fn with_setting(policy: &str, without: &str, setting: &str) -> String {
    let (settings, json) = parts(policy);
    let others = settings.lines().filter(|it| !it.starts_with(&format!("{without}=")));
    let lines = others.chain([setting]).map(|it| format!("{it}\n"));
    lines.collect::<String>() + json
}

/// The policy with entries added to a list, which begins as its default.
fn with(policy: &str, list: &str, entries: &[String]) -> String {
    let (settings, text) = parts(policy);
    if list.starts_with(|it: char| it.is_ascii_uppercase()) {
        let listed = settings.lines().find_map(|it| it.strip_prefix(&format!("{list}=")));
        let listed = listed.unwrap_or_default().replace(['[', ']', '"'], "");
        let all = [listed, entries.join(",")].join(",");
        return with_setting(policy, list, &format!("{list}={all}"));
    }
    let mut root: Value = serde_json::from_str(text).unwrap();
    let mut at = &mut root;
    for key in list.split('.') {
        at = match key.strip_prefix("policies[") {
            Some(index) => &mut at["policies"][index.trim_end_matches(']').parse::<usize>().unwrap()],
            None => &mut at[key],
        };
    }
    let key = list.rsplit('.').next().unwrap();
    if at.is_null() {
        *at = match key {
            "allow_methods" => json!(config::DEFAULT_METHODS),
            "allow_headers" => json!(config::DEFAULT_HEADERS),
            _ => json!([]),
        };
    }
    if key == "missing_origin" {
        *at = entries[0].as_str().into();
    } else {
        let list = at.as_array_mut().unwrap();
        list.extend(entries.iter().map(|it| Value::from(it.as_str())));
    }
    settings.to_owned() + &root.to_string()
}

thread_local! {
    /// Most offers are made to many requests.
    static LOADED: RefCell<HashMap<String, Rc<Result<Loaded, String>>>> = RefCell::default();
}

fn load_anew(policy: &str) -> Result<Loaded, String> {
    let (settings, json) = parts(policy);
    let setting = |name: &str| {
        let value = settings.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    config::load_with(json.as_bytes(), &setting).map_err(|it| it.to_string())
}

fn load(policy: &str) -> Rc<Result<Loaded, String>> {
    let loads = || load_anew(policy);
    let mut known = LOADED.with_borrow_mut(std::mem::take);
    let loaded = Rc::clone(known.entry(policy.to_owned()).or_insert_with(|| Rc::new(loads())));
    LOADED.set(known);
    loaded
}

/// Why an offer is a bad one, if it is.
fn problem(policy: &str, lines: &Lines, before: Finding, list: &str, entries: &[String]) -> Option<String> {
    let changed = match list {
        "" => policy.to_owned(),
        list => with(policy, list, entries),
    };
    let loaded = load(&changed);
    let policy = match &*loaded {
        Ok(loaded) => &loaded.policy,
        Err(errors) => return Some(format!("does not load: {errors}")),
    };
    let mut head = head(lines);
    // What the page is to do, it does.
    if head.received.request_method.one() == Some(b"patch") {
        head.received.request_method = Field::One(b"PATCH");
    }
    let verdict = policy.decide(&head);
    let after = verdict.finding;
    // A preflight may go on to miss a method or a header; else what is offered is all that the check asks for.
    let (was, is) = (before.outcome.deny(), after.outcome.deny());
    let is_next = was != is
        && matches!(is, Some(Deny::MethodNotAllowed | Deny::HeaderNotAllowed))
        && was != Some(Deny::HeaderNotAllowed);
    let is_next = is_next || verdict.forwarded.is_some();
    let is_solved = after.outcome.is_allowed() || after.check != before.check || is_next;
    (!is_solved).then(|| format!("still {after}"))
}

/// The request as its page is to send it by a fix, and the policy as it is to be by that fix, where it says more than
/// what is to be added to a list.
fn done(policy: &str, lines: &Lines, fix: &str) -> Option<(String, Lines)> {
    let origin = head(lines)
        .received
        .origin
        .one()
        .map(|it| String::from_utf8_lossy(it).into_owned())?;
    let (scheme, rest) = origin.split_once("://")?;
    let set = |name: &str, value: &str| {
        let others = lines.iter().filter(|(it, _)| it != name).cloned();
        others
            .chain([(name.to_owned(), value.as_bytes().to_vec())])
            .collect::<Lines>()
    };
    let lines = match () {
        () if fix.contains("send X-Forwarded-Proto") => set("x-forwarded-proto", scheme),
        () if fix.contains("serve the page over https") => set(
            "origin",
            &format!("https://{}", rest.strip_suffix(":443").unwrap_or(rest)),
        ),
        () => lines.clone(),
    };
    let in_place = fix.split(" in place of `*`").next().filter(|it| *it != fix);
    let Some(in_place) = in_place else {
        return (fix.contains("X-Forwarded-Proto") || fix.contains("over https")).then(|| (policy.to_owned(), lines));
    };
    let entry = in_place.split("list ").nth(1)?.split(' ').next()?;
    if in_place.contains("CORS_ALLOWED_ORIGINS, without CORS_ALLOW_ALL_ORIGINS") {
        let setting = format!("CORS_ALLOWED_ORIGINS={entry}");
        return Some((with_setting(policy, "CORS_ALLOW_ALL_ORIGINS", &setting), lines));
    }
    let mut root: Value = serde_json::from_str(policy).unwrap();
    root["allowed_origins"] = json!([entry]);
    Some((root.to_string(), lines))
}

/// Why what a fix says besides its lists is wrong, if it is.
fn wrong(policy: &str, lines: &Lines, before: Finding, fix: &str) -> Option<String> {
    let (changed, lines) = done(policy, lines, fix)?;
    if fix.contains("over https and add") {
        // Any of the lists will do.
        let mut problems = offers(fix)
            .into_iter()
            .map(|(list, entries)| problem(&changed, &lines, before, &list, &entries));
        return problems.find_map(|it| it);
    }
    problem(&changed, &lines, before, "", &[])
}

/// What stays as it is, of a finding: the reason for a refusal may come to be another.
type Answer = (Check, bool, bool);

fn answer(policy: &str, lines: &Lines) -> Answer {
    let loaded = load(policy);
    let finding = loaded.as_ref().as_ref().unwrap().policy.decide(&head(lines)).finding;
    let outcome = finding.outcome;
    (
        finding.check,
        outcome.is_allowed(),
        matches!(outcome, Outcome::WouldReject(_)),
    )
}

/// Requests of which few are named by what is offered to any one.
fn bystanders() -> Vec<Lines> {
    let kinds = KINDS.iter().enumerate().filter(|(at, _)| [0, 1, 2, 8, 17].contains(at));
    let mut requests = Vec::new();
    for (_, kind) in kinds {
        for path in &PATHS[..2] {
            requests.extend(ORIGINS.map(|origin| request("api.example", path, origin, kind)));
        }
        for path in PATHS {
            requests.extend(HOSTS.map(|host| request(host, path, "https://app.example", kind)));
        }
    }
    requests
}

/// Whether what is added to a list is about a request.
fn names(list: &str, entries: &[String], lines: &Lines) -> bool {
    let head = head(lines);
    let origin = head.received.origin.one().and_then(|it| Origin::parse(it).ok());
    let is_asked = |field: Field<'_>, entry: &str| field.one() == Some(entry.as_bytes());
    let named = |entry: &String| match list.rsplit('.').next().unwrap() {
        "missing_origin" => origin.is_none(),
        "exempt_paths" => head.received.path == entry.as_bytes(),
        "allow_methods" | "CORS_ALLOW_METHODS" => is_asked(head.received.request_method, entry),
        "allow_headers" | "CORS_ALLOW_HEADERS" => !head.received.request_headers.is_empty(),
        "allowed_hosts" | "ALLOWED_HOSTS" => {
            let pattern = HostPattern::parse(entry).unwrap();
            let of = |host: &Host<'_>| pattern.matches(host);
            let is_text = |(name, value): &(String, Vec<u8>)| {
                name == "x-forwarded-host" && String::from_utf8_lossy(value).contains(entry.as_str())
            };
            let authority = head.received.authority.one().and_then(|it| Authority::parse(it).ok());
            authority.is_some_and(|it| of(&it.host))
                || origin.is_some_and(|it| of(&it.host))
                || lines.iter().any(is_text)
        }
        _ => origin.is_some_and(|it| OriginPattern::parse(entry).unwrap().matches(&it)),
    };
    entries.iter().any(named)
}

thread_local! {
    static BYSTANDERS: Vec<Lines> = bystanders();
    /// What they are answered.
    static ANSWERS: RefCell<HashMap<String, Rc<Vec<Answer>>>> = RefCell::default();
    /// What is known of an offer: many requests have the same.
    static MORE: RefCell<HashMap<String, Option<String>>> = RefCell::default();
}

/// The first request that an offer does not name and that it changes the answer to, if there is one.
fn more(policy: &str, list: &str, entries: &[String]) -> Option<String> {
    let changed = with(policy, list, entries);
    if let Some(known) = MORE.with_borrow(|it| it.get(&changed).cloned()) {
        return known;
    }
    let found = BYSTANDERS.with(|bystanders| {
        let known = ANSWERS.with_borrow(|it| it.get(policy).cloned());
        let before = known.unwrap_or_else(|| Rc::new(bystanders.iter().map(|it| answer(policy, it)).collect()));
        ANSWERS.with_borrow_mut(|it| it.insert(policy.to_owned(), Rc::clone(&before)));
        let mut others = bystanders
            .iter()
            .zip(&*before)
            .filter(|(it, _)| !names(list, entries, it));
        others.find_map(|(lines, before)| {
            let after = answer(&changed, lines);
            (after != *before).then(|| format!("changes {before:?} to {after:?} for {:?}", shown(lines)))
        })
    });
    MORE.with_borrow_mut(|it| it.insert(changed, found.clone()));
    found
}

fn shown(lines: &Lines) -> Vec<String> {
    let line = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", value.escape_ascii());
    lines.iter().map(line).collect()
}

/// Whether an entry lets everybody in who has a name under a public suffix.
fn is_for_strangers(entry: &str) -> bool {
    let domain = match OriginPattern::parse(entry) {
        Ok(OriginPattern::Of {
            hosts: OriginHosts::Subdomains(domain),
            ..
        }) => domain,
        // The machine's own.
        _ if entry == ".localhost" => return false,
        _ => match HostPattern::parse(entry) {
            Ok(HostPattern::Domain(domain)) => domain,
            _ => return false,
        },
    };
    is_public_suffix(&domain)
}

fn each_request(mut ask: impl FnMut(&str, &Lines)) {
    for policy in POLICIES {
        for kind in KINDS {
            for path in PATHS {
                // Only policies look at the path for an origin.
                for origin in ORIGINS.iter().filter(|_| PATHS[..2].contains(&path)) {
                    ask(policy, &request("api.example", path, origin, kind));
                }
                for host in HOSTS {
                    ask(policy, &request(host, path, "https://app.example", kind));
                }
            }
        }
    }
}

/// Whether a fix takes the origin of a stranger for the operator's.
fn hands_out(policy: &str, origin: &str, finding: Finding, fix: &str) -> bool {
    let host = origin
        .split_once("://")
        .map_or(origin, |(_, rest)| rest)
        .split(':')
        .next()
        .unwrap();
    let is_about_origin = !matches!(
        finding.outcome.deny(),
        Some(Deny::HostNotAllowed | Deny::HostMalformed | Deny::MethodNotAllowed | Deny::HeaderNotAllowed)
    );
    is_about_origin
        && STRANGERS.contains(&origin)
        && !policy.contains(host)
        && !fix.contains("yours")
        && (fix.contains("add ") || fix.contains("list "))
}

/// What is wrong with a fix, each under the words that tell it from others.
fn faults(policy: &str, lines: &Lines, finding: Finding, fix: &str, is_log: bool) -> Vec<(String, String)> {
    let origin = head(lines)
        .received
        .origin
        .one()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let mut faults = Vec::new();
    if hands_out(policy, &origin, finding, fix) {
        faults.push((
            fix.to_owned(),
            "a stranger's origin is taken for the operator's".to_owned(),
        ));
    }
    faults.extend(wrong(policy, lines, finding, fix).map(|it| (fix.to_owned(), it)));
    if fix.contains("over https and add") {
        return faults;
    }
    for (list, entries) in offers(fix) {
        let entries = match entries.join(" ").as_str() {
            "its path" | "the path" => vec![String::from_utf8_lossy(head(lines).received.path).into_owned()],
            _ => entries,
        };
        let strangers = entries.iter().any(|it| !is_log && is_for_strangers(it));
        let strangers = strangers.then(|| "lets strangers in".to_owned());
        let problem = problem(policy, lines, finding, &list, &entries).or(strangers);
        let problem = problem.or_else(|| more(policy, &list, &entries));
        faults.extend(problem.map(|it| (format!("{list} {entries:?}"), it)));
    }
    faults
}

#[test]
fn what_is_offered_loads_and_helps_and_does_no_more() {
    let mut problems = BTreeMap::new();
    let (mut told, mut offered) = (0, 0);
    each_request(|text, lines| {
        let loaded = load(text);
        let Loaded { policy, provenance, .. } = loaded.as_ref().as_ref().unwrap();
        let head = head(lines);
        let verdict = policy.decide(&head);
        let finding = verdict.finding;
        if finding.outcome.is_allowed() {
            return;
        }
        told += 1;
        let exchange = Exchange {
            request: lines.clone(),
            response: vec![(":status".to_owned(), b"200".to_vec())],
        };
        let in_log = advice::hint(policy, provenance, &verdict, &head, Domains::LITTLE);
        let in_log = in_log.fix.into_owned();
        let explained = explain(load_anew(text).unwrap(), &exchange).unwrap();
        let explained = explained.hint.unwrap().fix.into_owned();
        let in_log = Some(in_log).filter(|it| *it != explained);
        for (is_log, fix) in in_log.map(|it| (true, it)).into_iter().chain([(false, explained)]) {
            offered += offers(&fix).len();
            for (what, fault) in faults(text, lines, finding, &fix, is_log) {
                let first = format!("{text}\n  {lines:?}\n  {finding}: {fix}\n  {fault}");
                problems.entry(what).or_insert(first);
            }
        }
    });
    let shown: Vec<_> = problems.values().take(12).map(String::as_str).collect();
    assert!(
        problems.is_empty(),
        "{} of {offered} offers\n{}",
        problems.len(),
        shown.join("\n")
    );
    assert!(
        told > 10_000 && offered > 10_000,
        "only {offered} offers on {told} refusals"
    );
}
