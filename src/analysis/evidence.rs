//! What people have in hand when something is refused: a command, a browser's archive, a message of its console, a line of a
//! log. Each is read into what it says of a request; what it does not say is asked for by the name of its option.

mod address;
mod archive;
mod console;
mod curl;
mod har;
mod log;
mod options;
mod words;

use crate::browser::{Visit, visit};
use crate::explain::{Color, Colors, Exchange, Explainer, Scenario};
pub(crate) use address::asked_by;
use policy::text::printable;
use policy::verdict::Check;
use serde_json::{Value, json};

pub use archive::{Archive, explain_archive};

/// What is known of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The host, perhaps with a port.
    pub host: Option<String>,
    /// The origin of the page.
    pub origin: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path, perhaps with a query.
    pub path: Option<String>,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Whether it opens a WebSocket.
    pub websocket: bool,
    /// Whether it is known to be one of `XMLHttpRequest`.
    pub is_xhr: bool,
    /// Other headers, as `name: value`.
    pub headers: Vec<String>,
    /// The status of the backend's response, if it is known.
    pub status: Option<u16>,
    /// The headers of the backend's response, as `name: value`.
    pub response: Vec<String>,
    /// Options that would say what is missing, each with the reason to ask for it; the first that is not given is asked for.
    pub missing: Vec<(&'static str, &'static str)>,
    /// What else to say.
    pub notes: Vec<String>,
    /// What the browser said was wrong, as `console.json` names it.
    pub said: Option<&'static str>,
    /// What the filter had found.
    pub found: Option<String>,
    /// The whole answer, where no policy decides.
    pub verdict: Option<WithoutPolicy>,
}

/// What is wrong, and what to change, where no policy decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutPolicy {
    /// What it is, as `console.json` names it.
    pub code: &'static str,
    /// Why.
    pub what: &'static str,
    /// What to change.
    pub fix: String,
}

impl WithoutPolicy {
    /// For people.
    #[must_use]
    pub fn text(&self, colors: Colors) -> String {
        let Self { code, what, fix } = self;
        let word = colors.paint(Color::Red, "refused by the browser");
        format!("{word}  {code}\n\n  why      {what}\n  fix      {}\n", printable(fix))
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({ "allowed": false, "trouble": self.code, "why": self.what, "fix": self.fix })
    }
}

/// One of what people have in hand.
#[derive(Clone, Copy, Debug)]
pub enum Evidence<'a> {
    /// A command, as browsers copy it.
    Curl(&'a str),
    /// A message of a browser's console.
    Console(&'a str),
    /// A line of an access log, or of the filter's own log.
    Log(&'a str),
}

impl Evidence<'_> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what could be.
    pub fn facts(self) -> Result<Facts, String> {
        match self {
            Self::Curl(text) => curl::facts(text),
            Self::Console(text) => console::facts(text),
            Self::Log(line) => log::facts(line),
        }
    }
}

impl Facts {
    /// Adds a header.
    fn header(&mut self, name: &str, value: &str) {
        self.headers.push(format!("{name}: {value}"));
    }

    /// Whether there is a header.
    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|it| {
            let own = it.split(':').next().unwrap_or_default();
            own.trim().eq_ignore_ascii_case(name)
        })
    }

    /// Takes a header out of the others, as what decides by its own name does.
    fn take(&mut self, name: &str) -> Option<String> {
        let is_it = |line: &str| {
            line.split(':')
                .next()
                .is_some_and(|it| it.trim().eq_ignore_ascii_case(name))
        };
        let at = self.headers.iter().position(|it| is_it(it))?;
        let line = self.headers.remove(at);
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    }

    /// Asks for an option, if nothing else gives it.
    fn ask(&mut self, option: &'static str, why: &'static str) {
        self.missing.push((option, why));
    }
}

impl Facts {
    /// The request, what is not known of it being as usual.
    ///
    /// # Errors
    ///
    /// What could not be sent in any request.
    fn exchange(&self) -> Result<Exchange, String> {
        Scenario {
            host: self.host.as_deref(),
            origin: self.origin.as_deref(),
            method: self.method.as_deref().unwrap_or("GET"),
            path: self.path.as_deref().unwrap_or("/"),
            scheme: self.scheme.as_deref().unwrap_or("https"),
            websocket: self.websocket,
            headers: &self.headers,
            status: self.status,
            response: &self.response,
        }
        .exchange()
    }

    /// Puts what a person says beside it in place of what it says itself.
    #[must_use]
    pub fn overridden_by(mut self, said: Self) -> Self {
        for line in &said.headers {
            let name = line.split(':').next().unwrap_or_default().trim().to_owned();
            while self.take(&name).is_some() {}
        }
        self.headers.extend(said.headers);
        self.response.extend(said.response);
        Self {
            host: said.host.or(self.host),
            origin: said.origin.or(self.origin),
            method: said.method.or(self.method),
            path: said.path.or(self.path),
            scheme: said.scheme.or(self.scheme),
            websocket: said.websocket || self.websocket,
            status: said.status.or(self.status),
            ..self
        }
    }

    /// Follows the request through the filter and the browser, and says what else is to be said of it.
    ///
    /// # Errors
    ///
    /// What is missing, by the name of the option that gives it; or what could not be sent in any request.
    pub fn explain(mut self, explainer: &Explainer) -> Result<(Visit, Vec<String>), String> {
        let lacks = |option: &str| match option {
            "host" => self.host.is_none() && !self.has("host"),
            _ => self.origin.is_none() && !self.has("origin"),
        };
        let missing: Vec<_> = self
            .missing
            .iter()
            .copied()
            .filter(|(option, _)| lacks(option))
            .collect();
        let ask = |(option, why): &(&str, &str)| Err(format!("add --{option}: {why}"));
        if let Some(missing) = missing.iter().find(|(option, _)| *option == "host") {
            return ask(missing);
        }
        let mut visit = visit(explainer, &self.exchange()?, self.is_xhr)?;
        // Whoever asks for a host that is not served is refused, whichever page it is.
        let is_host = visit.explanation.finding.check == Check::Hosts && !visit.explanation.is_allowed();
        if let Some(missing) = missing.first().filter(|_| !is_host) {
            return ask(missing);
        }
        // Whoever gives the message has it already, and perhaps of another browser.
        visit.page.console = visit.page.console.filter(|_| self.said.is_none());
        let mut notes = std::mem::take(&mut self.notes);
        notes.extend(self.contradiction(&visit));
        Ok((visit, notes))
    }

    /// Where the policy would do something else than was seen.
    fn contradiction(&self, visit: &Visit) -> Option<String> {
        let now = visit.decisive().finding.to_string();
        match &self.found {
            Some(found) if *found != now => {
                return Some(format!(
                    "the line says {found}, and this policy {now}: the policy in force was another, or the line leaves out \
                     what decides"
                ));
            }
            _ => {}
        }
        let said = self.said.filter(|_| visit.succeeds())?;
        Some(format!(
            "the browser's message ({said}) does not come from this policy, which lets the page have the answer: either the \
             policy in force is another; or something in front of the filter answered (see \"An endpoint answers 403, and it \
             is not the filter\" in docs/troubleshooting.md); or the request had more to it: add --method and -H as the \
             browser's network panel shows them"
        ))
    }
}
