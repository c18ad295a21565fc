//! What the core is asked, each as the command has it.

use std::fmt::Display;

use analysis::browser::Visit;
use analysis::diff::Diff;
use analysis::evidence::Facts;
use analysis::explain::Explainer;
use analysis::finding::Finding;
use analysis::input::{Input, check_all, compare};
use analysis::who::{Region, Who};
use serde_json::{Value, json};

use crate::call::Call;

/// Answers a call.
///
/// # Errors
///
/// Why there is no answer.
pub(crate) fn run(call: &Call<'_>) -> Result<Value, String> {
    match call.text("verb").unwrap_or_default() {
        "check" => Ok(checked(&call.policies("policy")?)),
        "who" => each(&call.policies("policy")?, |it| {
            it.who(call.text("on_host"), call.text("on_path"))
                .map(|who| table(&who))
        }),
        "explain" => explain(call),
        "diff" => {
            let diffs = compare(&call.policies("old")?, &call.policies("policy")?)?;
            Ok(json!({ "policies": diffs.iter().map(|(name, it)| difference(name, it)).collect::<Vec<_>>() }))
        }
        "suffixes" => Ok(json!({ "rules": load(call.text("rules").unwrap_or_default()) })),
        verb => Err(format!("there is no verb `{verb}`")),
    }
}

/// The answer for each policy, under its heading.
fn each(inputs: &[Input], answer: impl Fn(&Input) -> Result<Value, String>) -> Result<Value, String> {
    let answer = |it| answer(it).map(|value| headed(it, inputs.len() > 1, value));
    let answers: Vec<_> = inputs.iter().map(answer).collect::<Result<_, _>>()?;
    Ok(json!({ "policies": answers }))
}

fn headed(input: &Input, is_one_of_several: bool, mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        let heading = input.place.clone().filter(|_| is_one_of_several);
        fields.insert("heading".to_owned(), json!(heading));
    }
    value
}

/// The findings of each policy, each with what to write at its place.
fn checked(inputs: &[Input]) -> Value {
    let all = inputs.iter().zip(check_all(inputs)).map(|(input, checked)| {
        let source = input.source.as_deref().unwrap_or_default();
        let findings = checked.findings.iter().map(|it| finding(it, source));
        let findings: Vec<_> = findings.collect();
        let mut json = checked.json();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("findings".to_owned(), findings.into());
        }
        headed(input, inputs.len() > 1, json)
    });
    json!({ "policies": all.collect::<Vec<_>>() })
}

fn finding(finding: &Finding, source: &str) -> Value {
    let mut json = finding.json();
    if let Some(fields) = json.as_object_mut() {
        fields.insert("edit".to_owned(), json!(finding.edit(source)));
    }
    json
}

/// The table, with its permissions in words.
fn table(who: &Who) -> Value {
    let words = |region: &Region| {
        let rows = region.rows.iter().map(|row| texts(&row.permissions));
        rows.collect::<Vec<_>>()
    };
    let mut json = who.json();
    let regions = json.get_mut("regions").and_then(Value::as_array_mut);
    for (region, value) in who.regions.iter().zip(regions.into_iter().flatten()) {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("words".to_owned(), json!(words(region)));
        }
    }
    json
}

fn texts<'a, T: Display + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    items.into_iter().map(ToString::to_string).collect()
}

fn difference(name: &str, diff: &Diff) -> Value {
    let mut json = diff.json();
    if let Some(fields) = json.as_object_mut() {
        fields.insert("heading".to_owned(), json!(Some(name).filter(|it| !it.is_empty())));
    }
    json
}

/// What becomes of a request by each policy of the text.
fn explain(call: &Call<'_>) -> Result<Value, String> {
    let said = call.facts();
    let mut options = said.options();
    let facts = match call.evidence() {
        Some(evidence) => {
            options = [evidence.option(), options].join(" ").trim().to_owned();
            evidence.facts()?.overridden_by(said)
        }
        None => said,
    };
    let shared = facts.without_secrets();
    let asked = json!({ "options": options, "facts": shared.json() });
    if let Some(verdict) = &facts.verdict {
        return Ok(json!({ "asked": asked, "verdict": verdict.json() }));
    }
    let inputs = call.policies("policy")?;
    let mut answers = each(&inputs, |input| match input.explainer() {
        Ok(explainer) => visited(&explainer, &facts),
        Err(errors) => Ok(json!({ "errors": errors.errors.len() })),
    })?;
    if let Some(fields) = answers.as_object_mut() {
        fields.insert("asked".to_owned(), asked);
    }
    Ok(answers)
}

fn visited(explainer: &Explainer, facts: &Facts) -> Result<Value, String> {
    let (visit, notes): (Visit, _) = facts.clone().explain(explainer)?;
    let (word, _, what) = visit.headline();
    Ok(json!({
        "visit": visit.json(&notes),
        "succeeds": visit.succeeds(),
        "word": word,
        "what": what,
        "request": visit.explanation.json(),
        "preflight": visit.preflight.as_ref().map(|it| it.json()),
    }))
}

/// Takes the public-suffix list; how many names it has rules for.
#[cfg(target_arch = "wasm32")]
fn load(rules: &str) -> usize {
    let rules = analysis::SuffixRules::parse(rules);
    let count = rules.len();
    analysis::load_suffixes(rules);
    count
}

/// Elsewhere the list is compiled in.
#[cfg(not(target_arch = "wasm32"))]
fn load(rules: &str) -> usize {
    analysis::SuffixRules::parse(rules).len()
}
