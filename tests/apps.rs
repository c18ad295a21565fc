//! What apps and extensions send for an origin, as the page on policies has it.

use serde_json::Value;

use crate::documents::document;

/// Each row of the table: what is to be listed loads, and then this origin may read, by that entry; what is in no list may not.
#[test]
fn apps_and_extensions_are_listed_as_the_page_says() {
    let page = document("docs/policy.md");
    let (_, section) = page.split_once("\n## Apps and extensions\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let quoted = |cell: &str| cell.split('`').nth(1).map(str::to_owned);
    let mut tried = 0;
    for row in section.lines().filter(|it| it.starts_with("| ") && it.contains('`')) {
        let cells: Vec<_> = row.split(" | ").collect();
        let (origin, entry) = (quoted(cells[1]).unwrap(), quoted(cells[2]));
        let is_regex = cells[2].contains("allowed_origin_regexes");
        let list = if is_regex {
            "allowed_origin_regexes"
        } else {
            "allowed_origins"
        };
        let other = if is_regex {
            r"https://other\.test"
        } else {
            "https://other.test"
        };
        let mut policy = serde_json::Map::new();
        policy.insert(
            list.to_owned(),
            entry.iter().map(String::as_str).chain([other]).collect(),
        );
        let loaded =
            config::load(Value::Object(policy).to_string().as_bytes()).unwrap_or_else(|it| panic!("{row}: {it}"));
        let lines = [
            (":method", "GET"),
            (":path", "/"),
            (":authority", "api.example"),
            ("origin", &*origin),
        ];
        let head = lines
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let finding = loaded.policy.decide(&head).finding.to_string();
        let expected = match (&entry, is_regex) {
            (None, _) => "cors:rejected:origin_null",
            (_, true) => "cors:allowed:regex",
            (_, false) => "cors:allowed:listed",
        };
        assert_eq!(finding, expected, "{row}");
        tried += 1;
    }
    assert_eq!(tried, 9);
}
