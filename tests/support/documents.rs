//! The documents for people.

use std::fs;
use std::path::Path;

pub(crate) fn document(path: &str) -> String {
    fs::read_to_string(crate::root().join(path)).unwrap()
}

/// Every document for people, by its path.
pub(crate) fn pages() -> Vec<String> {
    let root = crate::root();
    let files = ["", "docs/", "docs/migrate/"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        entries.map(move |it| format!("{folder}{}", it.unwrap().file_name().to_string_lossy()))
    });
    let mut pages: Vec<_> = files
        .filter(|it| Path::new(it).extension().is_some_and(|it| it == "md"))
        .collect();
    pages.sort();
    pages
}

/// The blocks of a kind, such as `json`.
pub(crate) fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts.map(|it| it.split("```").next().unwrap()).collect()
}
