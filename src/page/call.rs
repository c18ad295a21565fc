//! What is asked of the core.

use analysis::evidence::{Evidence, Facts};
use analysis::input::{Input, policies};
use serde_json::Value;

/// The fields of a call.
pub(crate) struct Call<'a>(&'a Value);

/// The name of what is pasted, where the command has that of a file.
const NAME: &str = "the policy";

impl<'a> Call<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(value)
    }

    /// A text; `None` if there is none, or if it is empty.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str().filter(|it| !it.is_empty())
    }

    /// The policies of a text, under the variables of the call.
    pub(crate) fn policies(&self, key: &str) -> Result<Vec<Input>, String> {
        let text = self.text(key).unwrap_or_default();
        policies(NAME, text.as_bytes().to_vec(), &self.variables()?)
    }

    /// The variables that `django_env` reads, as a `.env` file has them.
    fn variables(&self) -> Result<Vec<(String, String)>, String> {
        let Some(text) = self.text("variables") else {
            return Ok(Vec::new());
        };
        let variables = import::environment(text).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(|it| format!("variables: {it}")).collect();
            problems.join("\n")
        })?;
        Ok(variables.into_iter().collect())
    }

    /// What is said of a request by its parts.
    pub(crate) fn facts(&self) -> Facts {
        let owned = |key| self.text(key).map(str::to_owned);
        let lines = |key| {
            let lines = self.text(key).unwrap_or_default().lines().map(str::trim);
            lines.filter(|it| !it.is_empty()).map(str::to_owned).collect()
        };
        Facts {
            host: owned("host"),
            origin: owned("origin"),
            method: owned("method"),
            path: owned("path"),
            scheme: owned("scheme"),
            websocket: self.0.get("websocket") == Some(&Value::Bool(true)),
            headers: lines("headers"),
            status: self.text("status").and_then(|it| it.parse().ok()),
            response: lines("response"),
            ..Facts::default()
        }
    }

    /// What was pasted.
    pub(crate) fn evidence(&self) -> Option<Evidence<'a>> {
        let curl = self.text("curl").map(Evidence::Curl);
        let console = self.text("console").map(Evidence::Console);
        curl.or(console).or(self.text("log").map(Evidence::Log))
    }
}
