//! What a fix offers, read from its words, and the policy or the request that does it.

use super::requests::{Lines, head};
use serde_json::{Value, json};

/// The entries that a fix offers, each with the list that it is for.
pub(super) fn offers(fix: &str) -> Vec<(String, Vec<String>)> {
    // Long: a grammar of the words of fixes, one arm for each.
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
pub(super) fn parts(policy: &str) -> (&str, &str) {
    policy.split_at(policy.find('{').unwrap())
}

/// The same policy without a setting, and with another.
pub(super) fn with_setting(policy: &str, without: &str, setting: &str) -> String {
    let (settings, json) = parts(policy);
    let others = settings.lines().filter(|it| !it.starts_with(&format!("{without}=")));
    let lines = others.chain([setting]).map(|it| format!("{it}\n"));
    lines.collect::<String>() + json
}

/// The policy with entries added to a list, which begins as its default.
pub(super) fn with(policy: &str, list: &str, entries: &[String]) -> String {
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

/// The request as its page is to send it by a fix, and the policy as it is to be by that fix, where it says more than
/// what is to be added to a list.
pub(super) fn done(policy: &str, lines: &Lines, fix: &str) -> Option<(String, Lines)> {
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
