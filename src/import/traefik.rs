//! Traefik's `headers` middlewares and the routers that have them: labels of containers, dynamic files, custom resources.

mod entries;
mod headers;
mod rule;
mod sources;

use manifests::yaml::documents;

use super::imported::Imported;
use sources::Sources;

/// Makes a policy of Compose files, dynamic files or manifests, each with its name.
#[must_use]
pub fn import_traefik(files: &[(String, String)]) -> Imported {
    let mut notes = Vec::new();
    let mut sources = Sources::default();
    for (name, text) in files {
        match documents(text) {
            Ok(nodes) => nodes.iter().for_each(|node| sources.read(node)),
            Err(problem) => {
                notes.push(format!(
                    "{name}: {problem}; a dynamic file in TOML is to be written as YAML first"
                ));
                return Imported::none(notes);
            }
        }
    }
    let policy = entries::policy(&sources, &mut notes).map(|it| it.to_string());
    Imported::of_rules(policy, "Traefik lets", notes)
}
