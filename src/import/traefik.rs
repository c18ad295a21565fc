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
    match entries::policy(&sources, &mut notes) {
        Ok(policy) => match config::convert_json(policy.to_string().as_bytes()) {
            Ok(converted) => {
                notes.push(
                    "note: Traefik lets every page open WebSockets; here the page's own host and its allowed origins may (set \
                     `websocket.mode` to `off` for what was)"
                        .to_owned(),
                );
                Imported::of(converted, notes)
            }
            Err(errors) => {
                notes.extend(errors);
                Imported::none(notes)
            }
        },
        Err(problem) => {
            notes.push(problem);
            Imported::none(notes)
        }
    }
}
