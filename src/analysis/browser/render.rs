//! What becomes of a request in the browser, in words and as JSON.

use serde_json::{Value, json};

use super::Visit;
use crate::explain::{Color, Colors, row};
use policy::text::printable;
use policy::verdict::{Deny, Outcome};

impl Visit {
    /// For people, with what else there is to say of the request.
    #[must_use]
    pub fn text(&self, colors: Colors, notes: &[String]) -> String {
        let decisive = self.decisive();
        decisive.text_with(colors, &self.headline(), &self.browser(notes))
    }

    /// For programs.
    #[must_use]
    pub fn json(&self, notes: &[String]) -> Value {
        let mut json = self.decisive().json();
        let Some(fields) = json.as_object_mut() else {
            return json;
        };
        fields.insert("fix".to_owned(), json!(self.fix()));
        fields.insert(
            "preflight".to_owned(),
            json!(self.preflight.as_ref().map(|it| {
                json!({
                    "finding": it.finding.to_string(),
                    "allowed": it.is_allowed(),
                    "fix": it.hint.as_ref().map(|it| &*it.fix),
                })
            })),
        );
        fields.insert(
            "page".to_owned(),
            json!({
                "gets_answer": self.page.gets_answer,
                "trouble": self.page.trouble,
                "console": self.page.console,
                "notes": self.page.notes,
            }),
        );
        fields.insert("notes".to_owned(), json!(notes));
        json
    }

    /// The word for the outcome, its colour, and what happens.
    #[must_use]
    pub fn headline(&self) -> (&'static str, Color, String) {
        let (word, color, what) = self.decisive().headline();
        let is_allowed = self.decisive().is_allowed();
        if let Some(Deny::MethodNotAllowed | Deny::HeaderNotAllowed) = self.refused_preflight() {
            let what = "The browser asks first, with OPTIONS, misses what it asked for in the answer's lists, and does not \
                        send the request.";
            return (word, color, what.to_owned());
        }
        if self.refused_preflight().is_some() {
            let what = "The browser asks first, with OPTIONS, is refused, and does not send the request.";
            return (word, color, what.to_owned());
        }
        if is_allowed && self.page.gets_answer == Some(false) {
            let what = match self.page.fix {
                Some(_) => "The filter lets the request through, and the browser keeps the answer from the page.",
                None => "The browser keeps the answer from the page.",
            };
            return ("unreadable", Color::Red, what.to_owned());
        }
        (word, color, what)
    }

    fn browser(&self, notes: &[String]) -> String {
        let mut rows = String::new();
        if let Some(preflight) = &self.preflight {
            let word = match preflight.finding.outcome {
                Outcome::Rejected(_) => "refused",
                Outcome::Allowed(_) | Outcome::WouldReject(_) => "allowed",
            };
            rows += &row(
                "first",
                &format!("a preflight (OPTIONS): {word}  {}", preflight.finding),
            );
            if !preflight.is_allowed()
                && !self.explanation.is_allowed()
                && preflight.finding != self.explanation.finding
            {
                rows += &row("", preflight.why);
            }
        }
        if let Some(console) = &self.page.console {
            rows += &row("console", &printable(console));
        }
        if let Some(fix) = &self.page.fix {
            rows += &row("fix", fix);
        }
        for note in self.page.notes.iter().chain(notes) {
            rows += &row("note", &printable(note));
        }
        if rows.is_empty() {
            rows
        } else {
            format!("\nin the browser\n{rows}")
        }
    }
}
