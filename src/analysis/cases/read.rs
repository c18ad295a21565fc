//! Reads the cases of a file.

use serde_json::{Map, Value};

use super::expectation::{Expectation, Holds};
use super::{Case, Problem, Suite, request};

const KEYS: [&str; 14] = [
    "name",
    "request",
    "expect",
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

impl Suite {
    /// Reads a file, which is a list of cases or has one under `cases`.
    ///
    /// # Errors
    ///
    /// Every problem, with its place.
    pub fn read(file: &Value) -> Result<Self, Vec<Problem>> {
        let (path, cases) = match file {
            Value::Object(object) => ("cases", object.get("cases").and_then(Value::as_array)),
            other => ("", other.as_array()),
        };
        let Some(cases) = cases else {
            return Err(vec![problem(
                "",
                "there are no cases: write a list of them under `cases`",
            )]);
        };
        let mut suite = Self::default();
        let mut problems = Vec::new();
        for (at, case) in cases.iter().enumerate() {
            let mut reader = Reader {
                path: format!("{path}[{at}]"),
                problems: Vec::new(),
            };
            match reader.read(case) {
                Some(_) if case.get("only_envoy").is_some() => suite.skipped += 1,
                Some(case) => suite.cases.push(case),
                None => {}
            }
            problems.append(&mut reader.problems);
        }
        match (problems.is_empty(), suite.cases.is_empty() && suite.skipped == 0) {
            (false, _) => Err(problems),
            (true, true) => Err(vec![problem(path, "there is no case here")]),
            (true, false) => Ok(suite),
        }
    }
}

fn problem(path: &str, message: &str) -> Problem {
    Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

struct Reader {
    path: String,
    problems: Vec<Problem>,
}

impl Reader {
    /// Reads a case; `None` where something is wrong with it.
    fn read(&mut self, case: &Value) -> Option<Case> {
        let Value::Object(case) = case else {
            self.say("", "a case has a `request` and what to `expect`");
            return None;
        };
        for key in case.keys().filter(|it| !KEYS.contains(&it.as_str())) {
            self.say(
                key,
                &format!("there is no such key; write one of {}", KEYS[..9].join(", ")),
            );
        }
        let exchange = match case.get("request") {
            Some(Value::String(line)) => self.hold("request", request::parse(line)),
            Some(Value::Array(_)) => {
                let lines = self.lines(case, "request")?;
                self.hold("request", request::of_lines(&lines))
            }
            _ => {
                self.say(
                    "request",
                    "a case has a `request`: a line such as `GET https://api.example/ from https://app.example`",
                );
                None
            }
        };
        let mut exchange = exchange?;
        for key in ["backend", "proxy"] {
            if let Some(response) = self.response(case, key) {
                exchange.response = response;
            }
        }
        let expectation = self.expectation(case)?;
        let name = case
            .get("name")
            .and_then(Value::as_str)
            .or_else(|| case.get("request")?.as_str());
        self.problems.is_empty().then(|| Case {
            name: name.unwrap_or_default().to_owned(),
            path: self.path.clone(),
            exchange,
            expectation,
        })
    }

    fn expectation(&mut self, case: &Map<String, Value>) -> Option<Expectation> {
        let mut holds = Vec::new();
        for key in ["expect", "finding"] {
            for word in self.words(case, key) {
                holds.extend(self.hold(key, Holds::parse(&word)));
            }
        }
        let answer = self.response(case, "answer");
        let is_told = answer.is_some();
        let expectation = Expectation {
            answer,
            body: case.get("body").and_then(Value::as_str).map(str::to_owned),
            is_forwarded: is_told.then(|| case.contains_key("backend") || case.contains_key("proxy")),
            forwarded: self.headers(case, "forwarded"),
            not_forwarded: self
                .words(case, "not_forwarded")
                .iter()
                .map(|it| it.to_ascii_lowercase())
                .collect(),
            holds,
        };
        let says = ["expect", "finding", "answer", "body", "forwarded", "not_forwarded"];
        if !says.iter().any(|key| case.contains_key(*key)) {
            self.say(
                "",
                "nothing is expected: write `expect: allowed`, `refused`, `read` or a finding",
            );
            return None;
        }
        Some(expectation)
    }

    /// A string, or a list of some.
    fn words(&mut self, case: &Map<String, Value>, key: &str) -> Vec<String> {
        match case.get(key) {
            None => Vec::new(),
            Some(Value::String(word)) => vec![word.clone()],
            Some(_) => self.lines(case, key).unwrap_or_default(),
        }
    }

    fn lines(&mut self, case: &Map<String, Value>, key: &str) -> Option<Vec<String>> {
        let lines = case.get(key)?.as_array().map(|items| {
            let texts = items.iter().map(|it| match it {
                Value::Number(number) => Some(number.to_string()),
                other => other.as_str().map(str::to_owned),
            });
            texts.collect::<Option<Vec<_>>>()
        });
        let lines = lines.flatten();
        if lines.is_none() {
            self.say(key, "this is no list of lines");
        }
        lines
    }

    fn headers(&mut self, case: &Map<String, Value>, key: &str) -> Vec<crate::explain::Line> {
        let lines = self.words(case, key);
        lines
            .iter()
            .filter_map(|it| self.hold(key, request::header(it)))
            .collect()
    }

    fn response(&mut self, case: &Map<String, Value>, key: &str) -> Option<Vec<crate::explain::Line>> {
        let lines = match case.get(key)? {
            Value::Number(status) => vec![status.to_string()],
            _ => self.words(case, key),
        };
        self.hold(key, request::response(&lines))
    }

    fn hold<T>(&mut self, key: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.say(key, &message)).ok()
    }

    fn say(&mut self, key: &str, message: &str) {
        let path = if key.is_empty() {
            self.path.clone()
        } else {
            format!("{}.{key}", self.path)
        };
        self.problems.push(problem(&path, message));
    }
}
