//! A difference in words, and as data.

use serde_json::{Value, json};

use super::{Cause, Change, Diff, Direction, Witness};
use crate::reach::Permission;
use policy::text::printable;
use policy::verdict::Finding;

/// So many are named in a sentence.
const FEW: usize = 20;

impl Diff {
    /// The lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (direction, heading) in [
            (Direction::Permits, "newly permitted"),
            (Direction::Refuses, "newly refused"),
        ] {
            let mut changes = self.changes.iter().filter(|it| it.direction == direction).peekable();
            if changes.peek().is_some() {
                text += &format!("{heading}\n");
            }
            changes.for_each(|change| text += &change.text());
        }
        if let Some(undecided) = &self.undecided {
            text += &format!("undecided: {undecided}\n");
        }
        for note in &self.notes {
            text += &format!("also changed: {}\n", printable(note));
        }
        match text.is_empty() {
            true => "both policies permit the same\n".to_owned(),
            false => text,
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "permits_more": self.permits_more(),
            "changes": self.changes.iter().map(Change::json).collect::<Vec<_>>(),
            "notes": self.notes,
            "undecided": self.undecided,
        })
    }
}

impl Change {
    /// What the change comes to, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let permissions: Vec<_> = self.permissions.keys().map(Permission::to_string).collect();
        let may = match self.direction {
            Direction::Permits => "may",
            Direction::Refuses => "may no longer",
        };
        let places: Vec<_> = self
            .places
            .iter()
            .filter(|it| !it.is_empty())
            .map(String::as_str)
            .collect();
        let places = match (places.as_slice(), self.is_ambiguous) {
            ([], false) => String::new(),
            (places, false) => format!(", {}", places.join(" and ")),
            (_, true) => ", on paths that backends read in several ways".to_owned(),
        };
        let whom: Vec<_> = self.whom.iter().take(FEW).map(String::as_str).collect();
        let more = match self.whom.len().saturating_sub(FEW) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more} {may} {}{places}", whom.join(", "), permissions.join(", "))
    }

    fn text(&self) -> String {
        let mut text = format!("  {}\n", printable(&self.sentence()));
        if let Some(cause) = &self.cause {
            text += &format!("    by {}\n", printable(&cause.to_string()));
        }
        let mut shown = Vec::new();
        for Witness { question, findings } in self.permissions.values() {
            if !shown.contains(&question) {
                let [old, new] = findings.map(word);
                text += &format!("    {}\n      {old} → {new}\n", printable(&question.to_string()));
                shown.push(question);
            }
        }
        text
    }

    fn json(&self) -> Value {
        let permissions = self.permissions.iter().map(|(it, witness)| {
            json!({
                "permission": it.code(),
                "name": it.name(),
                "witness": witness.json(),
            })
        });
        json!({
            "direction": match self.direction {
                Direction::Permits => "permits",
                Direction::Refuses => "refuses",
            },
            "message": self.sentence(),
            "whom": self.whom,
            "permissions": permissions.collect::<Vec<_>>(),
            "places": self.places.iter().filter(|it| !it.is_empty()).collect::<Vec<_>>(),
            "several_readings": self.is_ambiguous,
            "cause": self.cause.as_ref().map(Cause::json),
        })
    }
}

impl Witness {
    fn json(&self) -> Value {
        let [old, new] = self.findings.map(|it| it.map(|it| it.to_string()));
        let lines = self
            .question
            .lines()
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"));
        json!({
            "explain": self.question.to_string(),
            "request": lines.collect::<Vec<_>>(),
            "old": old,
            "new": new,
        })
    }
}

impl Cause {
    fn json(&self) -> Value {
        match self {
            Self::Entry(path, value) => json!({"path": path, "value": value}),
            Self::Key(path, old, new) => json!({"path": path, "old": old, "new": new}),
            Self::Setting(name) => json!({"path": name}),
        }
    }
}

fn word(finding: Option<Finding>) -> String {
    finding.map_or_else(|| "no policy".to_owned(), |it| it.to_string())
}
