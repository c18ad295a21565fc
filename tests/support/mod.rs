//! The corpus in `tests/cases`: what a policy makes of a request, and what the client then sees. Every runner reads it
//! through here, and holds what it saw to the same expectation.
//!
//! Long: the one reader of the corpus, and the one comparison; all runners share both.

#![allow(dead_code, clippy::allow_attributes, reason = "no runner uses all of it")]

pub(crate) mod fake;
pub(crate) mod stream;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use config::Loaded;
use filter::DROPPED_COOKIES;
use serde_json::Value;

/// The policies and cases of one file.
pub(crate) struct Suite {
    pub file: String,
    pub policy: String,
    /// What stands in the VM's environment.
    pub environment: Vec<(String, String)>,
    pub cases: Vec<Case>,
}

/// One request, and everything that must come of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub name: String,
    pub method: String,
    pub target: String,
    /// In order, repeated ones and all. Strings are Latin-1: one character is one byte.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What the backend answers; `None` if it must not be reached.
    pub backend: Option<Response>,
    /// The status of a response that the proxy makes itself, behind the filter.
    pub proxy: Option<u16>,
    /// What the backend sees; a value of `*` is any but an empty one.
    pub forwarded: Vec<(String, Vec<u8>)>,
    pub not_forwarded: Vec<String>,
    pub answer: Response,
    pub body: Option<String>,
    /// `<check>:<outcome>:<reason>`.
    pub finding: String,
    /// Whether the answer counts as one that sets a cookie which browsers drop.
    pub drops_cookies: bool,
    pub envoy: Envoy,
}

/// How a case fares on a real Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Envoy {
    /// As anywhere.
    Same,
    /// Envoy refuses the request before any filter sees it.
    Refuses(u16),
    /// A client cannot send it, or Envoy does not hand it on as it is.
    CannotSay,
    /// Only there: Envoy does something to the request first.
    Only,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
}

/// What a runner saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub answer: Response,
    pub body: String,
    /// The headers that the backend got; `None` if it was not reached.
    pub forwarded: Option<Vec<(String, Vec<u8>)>>,
    pub finding: Option<String>,
}

/// Everything under `tests/cases`, in order.
pub(crate) fn corpus() -> Vec<Suite> {
    let mut paths: Vec<_> = fs::read_dir(cases_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
    paths.sort();
    paths.iter().flat_map(|path| read_file(path)).collect()
}

pub(crate) fn cases_dir() -> PathBuf {
    root().join("tests/cases")
}

/// The project's folder, from whichever package in it.
pub(crate) fn root() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders.find(|it| it.join("tests/cases").is_dir()).unwrap().to_owned()
}

fn read_file(path: &Path) -> Vec<Suite> {
    let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let text = fs::read_to_string(path).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    match value.get("rows") {
        Some(rows) => read_rows(&file, &value["policies"], rows.as_array().unwrap()),
        None => {
            let cases = value["cases"]
                .as_array()
                .unwrap()
                .iter()
                .map(|case| read_case(&file, case))
                .collect();
            vec![Suite {
                policy: value["policy"].to_string(),
                environment: environment(&value),
                file,
                cases,
            }]
        }
    }
}

/// The cells of `tests/matrix.json`: who answers a request, and what a page may read of it, for each kind of origin.
pub(crate) fn matrix() -> Suite {
    let path = root().join("tests/matrix.json");
    let value: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut cases = Vec::new();
    for row in value["rows"].as_array().unwrap() {
        for (origin, who) in value["origins"].as_object().unwrap() {
            cases.push(read_cell(row, origin, who));
        }
    }
    Suite {
        file: "matrix".to_owned(),
        policy: value["policy"].to_string(),
        environment: Vec::new(),
        cases,
    }
}

fn read_cell(row: &Value, origin: &str, who: &Value) -> Case {
    let text = |value: &Value, key: &str, default: &str| value[key].as_str().unwrap_or(default).to_owned();
    let headers_of = |value: &Value| strings(value).iter().map(|line| header(line)).collect::<Vec<_>>();
    let (status, finding) = match row["outcomes"][origin].as_str() {
        Some(outcome) => outcome.split_once(' ').unwrap(),
        None => ("", who["finding"].as_str().unwrap()),
    };
    let status: u16 = status
        .parse()
        .unwrap_or_else(|_| row["status"].as_u64().unwrap().try_into().unwrap());
    let mut headers = vec![("host".to_owned(), text(row, "host", "api.example").into_bytes())];
    headers.extend(
        strings(&who["lines"])
            .into_iter()
            .map(|line| ("origin".to_owned(), line.into_bytes())),
    );
    headers.extend(headers_of(&row["headers"]));
    if row["websocket"] == true {
        headers.push(("upgrade".to_owned(), b"websocket".to_vec()));
    }
    let is_own = row.get("outcomes").is_some() && (status == 204 || finding.contains(":rejected:"));
    let vary = if is_own {
        text(row, "vary", "Origin")
    } else {
        "Origin".to_owned()
    };
    let mut answer = vec![("vary".to_owned(), vary.into_bytes())];
    if let Some(granted) = who["granted"].as_str() {
        answer.push(("access-control-allow-origin".to_owned(), granted.into()));
        answer.push(("access-control-allow-credentials".to_owned(), b"true".to_vec()));
        answer.push(("access-control-expose-headers".to_owned(), b"x-total".to_vec()));
        answer.extend(headers_of(&row["granted"]));
    }
    if status == 101 {
        answer.clear();
    }
    let response = |headers| Response { status, headers };
    let is_envoys = row.get("details").is_some();
    Case {
        name: format!("{} - {origin}", row["name"].as_str().unwrap()),
        method: text(row, "method", "GET"),
        target: text(row, "path", "/"),
        headers,
        backend: (!is_own && !is_envoys).then(|| response(Vec::new())),
        proxy: (!is_own && is_envoys).then_some(status),
        answer: response(answer),
        finding: finding.to_owned(),
        ..get_case()
    }
}

fn environment(value: &Value) -> Vec<(String, String)> {
    let variables = value["environment"].as_object().into_iter().flatten();
    variables
        .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
        .collect()
}

impl Suite {
    /// The policy, under its environment.
    pub(crate) fn load(&self) -> Loaded {
        config::load_with(self.policy.as_bytes(), &self.environment)
            .unwrap_or_else(|errors| panic!("{}: {errors}", self.file))
    }
}

fn read_case(file: &str, value: &Value) -> Case {
    let name = value["name"].as_str().unwrap().to_owned();
    let known = [
        "name",
        "request",
        "backend",
        "proxy",
        "forwarded",
        "not_forwarded",
        "answer",
        "body",
        "finding",
        "drops_cookies",
        "envoy",
        "only_core",
        "only_envoy",
    ];
    for key in value.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "{file}: {name}: unknown key {key}");
    }
    let lines = strings(&value["request"]);
    let (method, target) = lines[0].split_once(' ').unwrap();
    Case {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: lines[1..].iter().map(|line| header(line)).collect(),
        backend: value.get("backend").map(response),
        proxy: value.get("proxy").map(|it| it.as_str().unwrap().parse().unwrap()),
        forwarded: strings(&value["forwarded"]).iter().map(|line| header(line)).collect(),
        not_forwarded: strings(&value["not_forwarded"])
            .iter()
            .map(|it| it.to_lowercase())
            .collect(),
        answer: response(&value["answer"]),
        body: value.get("body").map(|it| it.as_str().unwrap().to_owned()),
        finding: value["finding"].as_str().unwrap().to_owned(),
        drops_cookies: value.get("drops_cookies").is_some_and(|it| it.as_bool().unwrap()),
        envoy: match (value.get("envoy"), value.get("only_envoy")) {
            (Some(status), _) => Envoy::Refuses(status.as_str().unwrap().parse().unwrap()),
            (None, Some(_)) => Envoy::Only,
            (None, None) if value.get("only_core").is_some() => Envoy::CannotSay,
            (None, None) => Envoy::Same,
        },
        name,
    }
}

/// A table of values against policies: each mark is a case.
fn read_rows(file: &str, policies: &Value, rows: &[Value]) -> Vec<Suite> {
    // `serde_json` sorts the keys of an object; the marks of a row are in the order of the file.
    let order: &[&str] = if file == "origins" {
        &["exact", "subdomains", "ports"]
    } else {
        &["exact", "domain", "any"]
    };
    let suite = |(at, policy): (usize, &&str)| {
        let cases = rows.iter().map(|row| read_row(file, &strings(row), at)).collect();
        Suite {
            file: format!("{file}/{policy}"),
            policy: policies[*policy].to_string(),
            environment: Vec::new(),
            cases,
        }
    };
    assert_eq!(policies.as_object().unwrap().len(), order.len());
    order.iter().enumerate().map(suite).collect()
}

/// The status and the finding that a mark stands for.
fn marked(is_origin: bool, mark: char) -> Option<(u16, &'static str)> {
    Some(match (is_origin, mark) {
        (true, 'L') => (200, "cors:allowed:listed"),
        (true, 'W') => (200, "cors:allowed:pattern"),
        (true, 'm') => (200, "cors:rejected:origin_malformed"),
        (true, 'n') => (200, "cors:rejected:origin_not_allowed"),
        (true, 'p') => (200, "cors:rejected:port_mismatch"),
        (true, 's') => (200, "cors:rejected:scheme_mismatch"),
        (true, '0') => (200, "cors:rejected:origin_null"),
        (false, 'A') => (200, "cors:allowed:origin_missing"),
        (false, 'm') => (421, "hosts:rejected:host_malformed"),
        (false, 'n') => (421, "hosts:rejected:host_not_allowed"),
        _ => return None,
    })
}

fn read_row(file: &str, row: &[String], at: usize) -> Case {
    let value = latin1(&row[0]);
    let mark = row[1].chars().nth(at).unwrap();
    let is_origin = file == "origins";
    let vary = ("vary".to_owned(), b"Origin".to_vec());
    let name = format!(
        "{} ({})",
        value.escape_ascii().to_string().chars().take(80).collect::<String>(),
        row[2]
    );
    let (status, finding) = marked(is_origin, mark).unwrap_or_else(|| panic!("{name}: unknown mark {mark}"));
    let (headers, granted) = if is_origin {
        let granted = matches!(mark, 'L' | 'W').then(|| ("access-control-allow-origin".to_owned(), value.clone()));
        let headers = vec![
            ("host".to_owned(), b"api.example".to_vec()),
            ("origin".to_owned(), value),
        ];
        (headers, granted)
    } else {
        (vec![("host".to_owned(), value)], None)
    };
    Case {
        name,
        method: "GET".to_owned(),
        target: "/".to_owned(),
        headers,
        backend: (status == 200).then(|| Response {
            status,
            headers: Vec::new(),
        }),
        proxy: None,
        forwarded: Vec::new(),
        not_forwarded: Vec::new(),
        answer: Response {
            status,
            headers: granted.into_iter().chain([vary]).collect(),
        },
        body: None,
        finding: finding.to_owned(),
        drops_cookies: false,
        envoy: match row.get(3).map(String::as_str) {
            None => Envoy::Same,
            Some("trimmed" | "not sent") => Envoy::CannotSay,
            Some(status) => Envoy::Refuses(status.parse().unwrap()),
        },
    }
}

fn response(lines: &Value) -> Response {
    let lines = strings(lines);
    Response {
        status: lines[0].parse().unwrap(),
        headers: lines[1..].iter().map(|line| header(line)).collect(),
    }
}

fn header(line: &str) -> (String, Vec<u8>) {
    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("not a header: {line}"));
    (name.to_lowercase(), latin1(value.strip_prefix(' ').unwrap_or(value)))
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|char| u8::try_from(u32::from(char)).expect("cases are Latin-1"))
        .collect()
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    value.as_array().map_or_else(Vec::new, |items| {
        items.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    })
}

/// A plain `GET` that the backend answers.
pub(crate) fn get_case() -> Case {
    Case {
        name: String::new(),
        method: "GET".to_owned(),
        target: "/".to_owned(),
        headers: Vec::new(),
        backend: Some(Response {
            status: 200,
            headers: Vec::new(),
        }),
        proxy: None,
        forwarded: Vec::new(),
        not_forwarded: Vec::new(),
        answer: Response::default(),
        body: None,
        finding: String::new(),
        drops_cookies: false,
        envoy: Envoy::Same,
    }
}

impl Case {
    /// The counters that it adds one to.
    pub(crate) fn counters(&self) -> Vec<String> {
        let [check, outcome, reason] = self.finding_parts();
        let decision = format!("origin_gate_decisions.check.{check}.outcome.{outcome}.reason.{reason}");
        let dropped = self.drops_cookies.then(|| DROPPED_COOKIES.to_owned());
        std::iter::once(decision).chain(dropped).collect()
    }

    /// What the access log has as the details of the filter's own answer.
    pub(crate) fn details(&self) -> String {
        let [check, _, reason] = self.finding_parts();
        format!("origin_gate{{{check}_{reason}}}")
    }

    fn finding_parts(&self) -> [&str; 3] {
        let parts: Vec<_> = self.finding.split(':').collect();
        parts.try_into().unwrap_or_else(|_| panic!("{}", self.finding))
    }

    /// The request as a proxy shows it to a filter.
    pub(crate) fn fields(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut fields = vec![(b":method".to_vec(), self.method.clone().into_bytes())];
        fields.push((b":path".to_vec(), self.target.clone().into_bytes()));
        fields.push((b":scheme".to_vec(), b"http".to_vec()));
        for (name, value) in &self.headers {
            let name = if name == "host" { ":authority" } else { name };
            fields.push((name.as_bytes().to_vec(), value.clone()));
        }
        fields
    }

    /// Where what was seen departs from what must be.
    pub(crate) fn differences(&self, seen: &Seen) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, want: String, got: String| differences.extend(difference(what, &want, &got));
        differ("status", self.answer.status.to_string(), seen.answer.status.to_string());
        // All of CORS and `Vary` is compared, so what a case does not name must be absent; of the rest, what it names.
        let names = self
            .answer
            .headers
            .iter()
            .chain(&seen.answer.headers)
            .map(|(name, _)| name.as_str());
        let named = |name: &str| self.answer.headers.iter().any(|(it, _)| it == name);
        let compared = names.filter(|name| name.starts_with("access-control-") || *name == "vary" || named(name));
        for name in compared.collect::<std::collections::BTreeSet<_>>() {
            differ(
                name,
                value_of(&self.answer.headers, name),
                value_of(&seen.answer.headers, name),
            );
        }
        // No cache may keep what the filter itself answers; what others answer is theirs to say.
        let caching = "cache-control";
        let want = match (&self.backend, self.proxy) {
            (None, None) => "no-store".to_owned(),
            (made, _) => value_of(made.as_ref().map_or(&[], |it| &it.headers), caching),
        };
        differ(caching, want, value_of(&seen.answer.headers, caching));
        if let Some(body) = &self.body {
            differ("body", body.clone(), seen.body.clone());
        }
        if let Some(finding) = &seen.finding {
            differ("finding", self.finding.clone(), finding.clone());
        }
        let reached = |it: bool| if it { "reached" } else { "not reached" }.to_owned();
        differ(
            "backend",
            reached(self.backend.is_some()),
            reached(seen.forwarded.is_some()),
        );
        if let Some(forwarded) = &seen.forwarded {
            differences.extend(self.forwarded_differences(forwarded));
        }
        differences
    }

    fn forwarded_differences(&self, forwarded: &[(String, Vec<u8>)]) -> impl Iterator<Item = String> {
        let changed = self.forwarded.iter().filter_map(|(name, want)| {
            let got = value_of(forwarded, name);
            let is_any = want == b"*" && got != ABSENT && !got.is_empty();
            let want = value_of(&self.forwarded, name);
            difference(&format!("forwarded {name}"), &want, &got).filter(|_| !is_any)
        });
        let kept = self.not_forwarded.iter();
        let kept = kept.filter_map(|name| difference(&format!("forwarded {name}"), ABSENT, &value_of(forwarded, name)));
        changed.chain(kept)
    }
}

fn difference(what: &str, want: &str, got: &str) -> Option<String> {
    (want != got).then(|| format!("{what}: expected {want}, got {got}"))
}

const ABSENT: &str = "(absent)";

/// The value of a header, its lines joined; white space in lists does not count.
fn value_of(headers: &[(String, Vec<u8>)], name: &str) -> String {
    let lines: Vec<_> = headers
        .iter()
        .filter(|(it, _)| it == name)
        .map(|(_, value)| value.as_slice())
        .collect();
    if lines.is_empty() {
        return ABSENT.to_owned();
    }
    let joined = lines.join(&b","[..]);
    let members: Vec<_> = joined
        .split(|&byte| byte == b',')
        .map(|it| it.trim_ascii().escape_ascii().to_string())
        .collect();
    members.join(", ")
}

/// Fails with every difference of every case.
pub(crate) fn report(failures: &BTreeMap<String, Vec<String>>, cases: usize) {
    let mut text = String::new();
    for (case, differences) in failures {
        text.push_str(&format!("\n{case}\n"));
        for difference in differences {
            text.push_str(&format!("    {difference}\n"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {cases} cases failed:\n{text}",
        failures.len()
    );
}
