//! Imported policies against Django, django-cors-headers and Channels under the settings that they were made of: of projects
//! that are put together in the usual ways, asked by the script itself, and generated ones. A policy allows what Django
//! allows, or less where the import said so.
//!
//! Long: what is generated, beside the reasons for which the two sides may differ.
//!
//! `./build.sh test` names Python with these packages in `ORIGIN_GATE_PYTHON`.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use import::Imported;
use policy::Policy;
use policy::origin::Origin;
use policy::verdict::{Action, AllowOrigin, ResponseCors};
use serde_json::{Value, json};

use crate::random::Random;

struct Project {
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// A part of what the import says.
    part: &'static str,
}

const PROJECTS: [Project; 5] = [
    Project {
        name: "environ",
        variables: &[],
        part: "left out: CORS_ALLOWED_ORIGINS[1]: `https://*.vercel.app`",
    },
    Project {
        name: "decouple",
        variables: &[],
        part: "its flag `re.VERBOSE` has no counterpart here",
    },
    Project {
        name: "configurations",
        variables: &[
            ("DJANGO_SECRET_KEY", "only here"),
            ("DJANGO_ALLOWED_HOSTS", "api.example,.shop.example"),
            (
                "DJANGO_CORS_ALLOWED_ORIGINS",
                "https://shop.example,https://app.example",
            ),
        ],
        part: "USE_X_FORWARDED_HOST",
    },
    Project {
        name: "shop",
        variables: &[
            ("CORS_ALLOWED_ORIGINS", "https://shop.example,https://www.shop.example"),
            ("CSRF_TRUSTED_ORIGINS", "https://shop.example,https://api.shop.example"),
            ("ALLOWED_HOSTS", "localhost,127.0.0.1,api.shop.example,shop.example"),
        ],
        part: "`config.asgi.CorsOriginValidator` decides on WebSockets by code of its own",
    },
    Project {
        name: "market",
        variables: &[],
        part: "note: https://partner.example: one list serves CORS and WebSockets",
    },
];

struct Case {
    /// What the script printed.
    answer: Value,
    /// What came of it.
    policy: Value,
    notes: Vec<String>,
}

#[derive(Clone, Debug)]
struct Question {
    kind: &'static str,
    host: &'static str,
    origin: Option<&'static str>,
    path: &'static str,
}

#[test]
#[ignore = "needs Python with Django: ./build.sh test"]
fn imported_policies_allow_what_django_allows_or_say_so() {
    // Long: asks, answers, and what they come to.
    let mut random = Random(11);
    let projects = PROJECTS.iter().map(|Project { name, variables, part }| {
        let case = import(&ask_project(name, variables)).unwrap_or_else(|notes| panic!("{name}: {notes:#?}"));
        assert!(
            case.notes.iter().any(|it| it.contains(part)),
            "{name}: {:#?}",
            case.notes
        );
        (case, 300)
    });
    let mut cases: Vec<_> = projects.collect();
    let mut refused = 0;
    while cases.len() < 205 {
        match import(&random.answer()) {
            Ok(case) => cases.push((case, 20)),
            Err(notes) => {
                refused += 1;
                assert!(!notes.is_empty());
            }
        }
    }
    let mut asked = Vec::new();
    for (case, count) in &cases {
        asked.extend((0..*count).map(|_| (case, random.question(case))));
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for ((case, question), django) in asked.iter().zip(ask_django(&asked)) {
        let filter = is_allowed(case, question);
        let why = match (filter, django == "allowed") {
            (true, true) => Some("both allow"),
            (false, false) => Some("both refuse"),
            (true, false) => more(case, question),
            (false, true) => less(case, question),
        };
        match why {
            Some(why) => *counts.entry(why).or_default() += 1,
            None => wrong.push(format!(
                "{question:?}: Django {django}, the policy {filter}\n{}\n{:#}\n{:#?}",
                case.answer, case.policy, case.notes
            )),
        }
    }
    println!(
        "{} pairs of {} settings, {refused} more gave no policy: {counts:#?}",
        asked.len(),
        cases.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ without a reason, as\n{}",
        wrong.len(),
        wrong[0]
    );
    assert!(asked.len() >= 5000);
}

/// Expressions of whatever Python may read otherwise: none matches more here.
#[test]
#[ignore = "needs Python with Django: ./build.sh test"]
fn expressions_match_no_more_than_in_django() {
    const ORIGINS: [&str; 8] = [
        "https://a",
        "https://ab",
        "https://aab",
        "https://b-a",
        "https://z",
        "https://a.b",
        "https://1",
        "https://ba",
    ];
    let mut random = Random(3);
    let mut asked = Vec::new();
    let mut cases = Vec::new();
    while cases.len() < 1500 {
        let mut answer = random.answer();
        answer["cors"]["CORS_ALLOWED_ORIGINS"] = json!([]);
        answer["cors"]["CORS_ALLOW_ALL_ORIGINS"] = json!(false);
        answer["cors"]["CORS_URLS_REGEX"] = json!("^.*$");
        answer["cors"]["CORS_ALLOWED_ORIGIN_REGEXES"] = json!([random.expression()]);
        cases.extend(import(&answer));
    }
    for case in &cases {
        asked.extend(ORIGINS.map(|origin| {
            let question = Question {
                kind: "cors",
                host: "api.example",
                origin: Some(origin),
                path: "/",
            };
            (case, question)
        }));
    }
    let mut both = 0;
    for ((case, question), django) in asked.iter().zip(ask_django(&asked)) {
        let filter = is_allowed(case, question);
        both += usize::from(filter && django == "allowed");
        // What Python cannot read is no setting of anybody's.
        let regexes = &case.answer["cors"]["CORS_ALLOWED_ORIGIN_REGEXES"];
        assert!(
            !filter || django != "refused",
            "{regexes} matches {:?} here alone",
            question.origin
        );
    }
    println!("{} pairs, {both} match on both sides", asked.len());
    assert!(both > 2000);
}

/// Where a policy may allow more: no browser sends it, or what Django's side refuses stays there and was named.
fn more(case: &Case, question: &Question) -> Option<&'static str> {
    let origin = question.origin.unwrap_or_default();
    let entries = case.policy.get("policies").map_or(&case.policy, |it| &it[0]);
    let expressions = texts(&entries["allowed_origin_regexes"]);
    let named = |note: &String| {
        note.contains("one list serves CORS and WebSockets")
            && (note.contains(origin) || expressions.iter().any(|it| note.contains(it)))
    };
    let is_named = case.notes.iter().any(named);
    let allows_all = case.answer["cors"]["CORS_ALLOW_ALL_ORIGINS"] == true;
    match question.kind {
        "cors" if allows_all && Origin::parse(origin.as_bytes()).is_err() => {
            Some("more: a literal `*` for what is no origin")
        }
        "channels" if is_named => {
            Some("more: a WebSocket that the application's validator refuses, which the import names")
        }
        _ if is_written_out(origin) => Some("more: a default port that no browser writes out"),
        _ => None,
    }
}

/// Where it allows less.
fn less(case: &Case, question: &Question) -> Option<&'static str> {
    let origin = question.origin.unwrap_or_default();
    let said = |part: &str| case.notes.iter().any(|it| it.contains(part));
    let setting = match question.kind {
        "hosts" => "left out: ALLOWED_HOSTS",
        "cors" | "credentials" => "left out: CORS_",
        "csrf" => "left out: CSRF_TRUSTED_ORIGINS",
        _ => "left out: ALLOWED_HOSTS",
    };
    let is_other_path = question.path != "/" && case.policy.get("policies").is_some();
    match question.kind {
        "channels" | "csrf" if origin.starts_with("http://") => Some("less: a page of http on a host of https"),
        "channels" if Origin::parse(origin.as_bytes()).is_ok_and(|it| it.port.is_some() || it.is_loopback()) => {
            Some("less: a WebSocket from another port, or of the visitor's own machine")
        }
        "channels" if texts(&case.policy["allowed_hosts"]).contains(&"*") => {
            Some("less: `*` of hosts is no list of pages")
        }
        _ if !question
            .origin
            .is_none_or(|it| Origin::parse(it.as_bytes()).is_ok_and(|it| it.text == origin.as_bytes())) =>
        {
            Some("less: what is no origin of a browser")
        }
        "cors" | "credentials" if said("django-cors-headers does not look for its end") => {
            Some("less: an expression without an end, as a warning says")
        }
        "cors" | "credentials" if is_other_path => Some("less: a path that is not below the prefix however it is read"),
        _ if said(setting) => Some("less: an entry that was left out, as a note says"),
        _ => None,
    }
}

fn is_written_out(origin: &str) -> bool {
    origin.ends_with(":443") || origin.ends_with(":80")
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn is_allowed(case: &Case, question: &Question) -> bool {
    let mut policy = case.policy.clone();
    let part = policy.as_object_mut().unwrap();
    if question.kind == "csrf" {
        // Switched on, and with the list that Django has for it alone.
        for key in ["allowed_origins", "allowed_origin_regexes", "cors", "policies"] {
            part.remove(key);
        }
        part.entry("csrf").or_insert_with(|| json!({}))["mode"] = json!("enforce");
    }
    let policy: Policy = config::load(policy.to_string().as_bytes()).unwrap().policy;
    let mut fields: Vec<(&[u8], &[u8])> = vec![
        (b":method", if question.kind == "csrf" { b"POST" } else { b"GET" }),
        (b":path", question.path.as_bytes()),
        (b":scheme", b"https"),
        (b":authority", question.host.as_bytes()),
    ];
    fields.extend(question.origin.map(|it| (&b"origin"[..], it.as_bytes())));
    if question.kind == "channels" {
        fields.push((b"upgrade", b"websocket"));
    }
    let head = fields.into_iter().collect();
    match (policy.decide(&head).action, question.kind) {
        (Action::Forward(forward), "cors" | "credentials") => {
            matches!(forward.response, ResponseCors::Replace(grant)
                if grant.origin != AllowOrigin::Withheld && (question.kind == "cors" || grants_credentials(case)))
        }
        (Action::Forward(_), _) => true,
        (Action::Reply(_), _) => false,
    }
}

fn grants_credentials(case: &Case) -> bool {
    let entry = case.policy.get("policies").map_or(&case.policy, |it| &it[0]);
    entry["cors"]["allow_credentials"] == true
}

fn import(answer: &Value) -> Result<Case, Vec<String>> {
    // The mark comes first, as the script prints it.
    let text = answer.to_string();
    let text = format!("{{\"origin_gate_django\": 1, {}", text.strip_prefix('{').unwrap());
    let Imported { policy, notes } = import::import_django(&[("settings.json".to_owned(), text)]);
    match policy {
        Some(policy) => Ok(Case {
            answer: answer.clone(),
            policy: serde_json::from_str(&policy).unwrap(),
            notes,
        }),
        None => Err(notes),
    }
}

fn python() -> Command {
    Command::new(env::var("ORIGIN_GATE_PYTHON").expect("ORIGIN_GATE_PYTHON names Python: run ./build.sh test"))
}

/// What a project's own `manage.py shell` makes of the script, with whatever it prints besides.
fn ask_project(name: &str, variables: &[(&str, &str)]) -> Value {
    let mut process = python()
        .args(["-B", "-W", "ignore", "manage.py", "shell"])
        .current_dir(crate::root().join("tests/django/projects").join(name))
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(import::SCRIPT.as_bytes())
        .unwrap();
    let done = process.wait_with_output().unwrap();
    assert!(done.status.success(), "{name}");
    let text = String::from_utf8(done.stdout).unwrap();
    let line = text
        .lines()
        .find(|it| it.contains("origin_gate_django"))
        .unwrap_or_else(|| panic!("{name}: {text}"));
    let mut answer: Value = serde_json::from_str(line).unwrap();
    assert_eq!(answer["problems"], json!([]), "{name}");
    answer.as_object_mut().unwrap().remove("origin_gate_django");
    answer
}

fn ask_django(asked: &[(&Case, Question)]) -> Vec<String> {
    let lines = asked.iter().map(|(case, question)| {
        let mut settings = json!({
            "ALLOWED_HOSTS": case.answer["settings"]["ALLOWED_HOSTS"],
            "DEBUG": case.answer["settings"]["DEBUG"],
            "CSRF_TRUSTED_ORIGINS": case.answer["settings"]["CSRF_TRUSTED_ORIGINS"],
        });
        for (name, value) in case.answer["cors"].as_object().unwrap() {
            settings[name] = value.clone();
        }
        json!({
            "kind": question.kind, "settings": settings, "host": question.host, "origin": question.origin,
            "path": question.path, "secure": true,
        })
        .to_string()
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    let mut process = python()
        .args(["-B", "-W", "ignore"])
        .arg(crate::root().join("tests/django/oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let done = process.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers: Vec<_> = String::from_utf8(done.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(answers.len(), asked.len());
    answers
}

/// Settings, and questions about them.
impl Random {
    fn some<T: Copy>(&mut self, of: &[T], most: usize) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| self.one(of)).collect()
    }

    fn expression(&mut self) -> Value {
        // Long: the parts that it is made of.
        const PARTS: &[&str] = &[
            "a",
            "b",
            "z",
            "[ab]",
            "[^a]",
            "[a-]",
            "[-a]",
            "[--a]",
            "[^--a]",
            "[[:alpha:]]",
            "[^[:alpha:]]",
            "[a[:digit:]]",
            "[[a]",
            "[a-z&&[^b]]",
            "[Z-b]",
            "[^A-z]",
            r"\w",
            r"\W",
            r"\d",
            r"\D",
            r"\s",
            r"\S",
            r"\<",
            r"\>",
            r"\b",
            r"\B",
            r"\b{start}",
            r"\A",
            r"\Z",
            r"\z",
            r"\.",
            r"\-",
            r"\x61",
            "{2}",
            "{1,}",
            "{,2}",
            "{1, 2}",
            "{ 1}",
            "+",
            "*",
            "?",
            "+?",
            "++",
            "*+",
            "?+",
            "{2}+",
            "(",
            ")",
            "|",
            ".",
            "(?i)",
            "(?:",
            "(?i:",
            "(?-i:",
            "(?x)",
            "(?s)",
            "(?m)",
            "(?P<n>",
            "(?>",
            "#",
            " ",
            "^",
            "$",
            "A",
            "B",
            "[A-Z]",
            "[]a]",
            "[^]a]",
            r"[\w.-]",
            r"[^\W]",
            "()",
            "",
        ];
        const PLAIN: &[&str] = &[
            "a",
            "[ab]+",
            "[a-z]",
            r"\w*",
            "-?",
            ".*",
            "(a|b)",
            "(?:a|b-)*",
            "[^.]",
            "b?",
        ];
        let count = 1 + self.below(4);
        let parts = (0..count).map(|_| {
            let of = if self.below(3) == 0 { PARTS } else { PLAIN };
            self.one(of)
        });
        let parts: String = parts.collect();
        let close = if parts.matches('(').count() > parts.matches(')').count() {
            ")"
        } else {
            ""
        };
        let start = self.one(&["^https://", "^https://", "https:..", ".*"]);
        let pattern = [start, &parts, close, self.one(&["$", "", "$"])].concat();
        let pattern = if pattern.contains("(?i)") || pattern.contains("(?x)") {
            // Python has these at the beginning alone.
            let rest = pattern.replace("(?i)", "").replace("(?x)", "");
            format!("{}{rest}", if pattern.contains("(?x)") { "(?x)" } else { "(?i)" })
        } else {
            pattern
        };
        let flags: &[&str] = self.one(&[&[], &[], &["IGNORECASE"]]);
        json!({ "pattern": pattern, "flags": flags })
    }

    fn answer(&mut self) -> Value {
        // Long: the parts that it is made of.
        const HOSTS: &[&str] = &[
            "api.example",
            "shop.example",
            ".shop.example",
            "*",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "*.x.example",
            "x.example:80",
            "X.example",
            "app.example.",
        ];
        const ORIGINS: &[&str] = &[
            "https://app.example",
            "https://shop.example",
            "https://shop.example:8443",
            "http://localhost:3000",
            "http://shop.example",
            "null",
            "*",
            "https://*.shop.example",
            "https://*.vercel.app",
            "http://localhost:*",
            "https://shop-*.vercel.app",
            "https://app.example:443",
            "https://App.example",
            "https://app.example/",
            "app.example",
            "//app.example",
            "https://app.example/path",
            "capacitor://localhost",
            "https://*",
            "https://*.com",
        ];
        let mut expressions: Vec<Value> = Vec::new();
        for _ in 0..self.below(3) {
            let pattern = self.one(&[
                r"^https://\w+\.shop\.example$",
                r"^https://app\.example$",
                r"^https://app\.example",
                r"https://.*\.vercel\.app$",
                r"^HTTPS://APP\.example$",
                r"^https://[a-z]+\.shop\.example\Z",
                r"^https?://localhost(:\d+)?$",
                r"^(?:https://app\.example|https://shop\.example:8443)$",
                r"^https://(?!evil)\w+\.example$",
                r"^https://app|shop\.example$",
                r"^https:// app \.example$",
                ".*",
                r"^https://[[:alpha:]]+\.example$",
                r"^https://[a-z&&[^a]]+\.example$",
            ]);
            expressions.push(match self.below(4) {
                0 => json!({ "pattern": pattern, "flags": self.some(&["IGNORECASE", "VERBOSE", "MULTILINE"], 2) }),
                _ => json!(pattern),
            });
        }
        let cors = json!({
            "CORS_ALLOWED_ORIGINS": self.some(ORIGINS, 5),
            "CORS_ALLOWED_ORIGIN_REGEXES": expressions,
            "CORS_ALLOW_ALL_ORIGINS": self.below(8) == 0,
            "CORS_ALLOW_CREDENTIALS": self.below(2) == 0,
            "CORS_ALLOW_HEADERS": config::DEFAULT_HEADERS,
            "CORS_ALLOW_METHODS": config::DEFAULT_METHODS,
            "CORS_URLS_REGEX": self.one(&["^.*$", "^.*$", "^/api/.*$", "^/(api|auth)/", "^/api", "^/api(/|$)"]),
        });
        let mut hosts = self.some(HOSTS, 3);
        hosts.push("api.example");
        json!({
            "settings": { "ALLOWED_HOSTS": hosts, "DEBUG": false, "CSRF_TRUSTED_ORIGINS": self.some(&ORIGINS[..18], 4) },
            "cors": cors,
            "middleware": [{ "name": "corsheaders.middleware.CorsMiddleware", "kind": "cors" }],
            "asgi": { "application": "a.asgi", "is_known": true, "validators": [
                { "class": "OriginValidator", "is_own_code": false, "is_allowed_hosts": true, "origins": hosts },
            ] },
        })
    }

    fn question(&mut self, case: &Case) -> Question {
        // Long: the parts that it is made of.
        const HOSTS: &[&str] = &[
            "api.example",
            "shop.example",
            "a.shop.example",
            "x.example",
            "evil.example",
            "localhost:8000",
            "127.0.0.1",
            "[::1]",
            "app.example.",
        ];
        let is_by_hosts = case.answer["asgi"]["validators"][0]["is_allowed_hosts"] == true;
        let kinds = ["hosts", "cors", "cors", "credentials", "csrf", "channels"];
        let kind = self.one(&kinds[..if is_by_hosts { 6 } else { 5 }]);
        let allowed = texts(&case.answer["settings"]["ALLOWED_HOSTS"]);
        let plain = allowed
            .iter()
            .find(|it| !it.starts_with(['.', '*']))
            .map(|it| &*(*it).to_owned().leak());
        let known = if allowed.contains(&"api.example") {
            "api.example"
        } else {
            plain.unwrap()
        };
        let listed: Vec<&'static str> = ["cors", "settings"]
            .iter()
            .flat_map(|part| case.answer[part].as_object().unwrap().values())
            .flat_map(texts)
            .map(|it| &*it.to_owned().leak())
            .collect();
        let origin = match self.below(2) {
            0 if !listed.is_empty() => self.one(&listed),
            _ => self.one(&[
                "https://app.example",
                "https://shop.example",
                "https://a.shop.example",
                "https://shop.example:8443",
                "http://localhost:3000",
                "http://shop.example",
                "null",
                "https://a.vercel.app",
                "https://shop-1.vercel.app",
                "https://app.example:443",
                "https://app.example.evil",
                "https://evil.example",
                "https://a.com",
                "https://www.shop.example",
                "https://partner.example",
                "capacitor://localhost",
                "HTTPS://app.example",
                "https://api.example",
                "https://x.example",
                "https://pr1.preview.example.com",
                "https://a.pages.example.evil",
                "https://z.a.example",
            ]),
        };
        let is_asked_of_all = matches!(kind, "hosts" | "channels" | "csrf");
        Question {
            kind,
            // For what comes after the check of hosts, a host that passes it.
            host: if kind == "hosts" { self.one(HOSTS) } else { known },
            origin: if kind == "hosts" || (kind == "channels" && self.below(9) == 0) {
                None
            } else {
                Some(origin)
            },
            path: if is_asked_of_all {
                "/"
            } else {
                self.one(&[
                    "/",
                    "/api",
                    "/api/",
                    "/api/x",
                    "/apix",
                    "/auth/y",
                    "/API/x",
                    "/api/../x",
                    "/api//x",
                ])
            },
        }
    }
}
