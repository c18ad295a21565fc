//! Where a key was written, so that a fix can name the place to change.

use super::django::Settings;
use super::object_reader::ObjectReader;

/// Where the keys of a policy were written. [`Default`] is a policy with every key at the top, and no settings.
#[derive(Debug, Default)]
pub struct Provenance {
    /// Which of Django's settings were read.
    pub settings: Settings,
    /// For each entry of `policies` the [`KEYS`] that it gives itself, by their bits.
    entries: Vec<u8>,
}

/// The keys that an entry of `policies` inherits unless it gives them, each with its bit. The two lists of origins
/// replace each other.
const KEYS: [(&str, u8); 7] = [
    ("allowed_origins", 1),
    ("allowed_origin_regexes", 1),
    ("allowed_hosts", 2),
    ("websocket", 4),
    ("hosts", 8),
    ("csrf", 16),
    ("cors", 32),
];

impl Provenance {
    /// Notes the keys that the next entry of `policies` gives.
    pub(super) fn add_entry(&mut self, section: &ObjectReader<'_>) {
        let given = KEYS.iter().filter(|(key, _)| section.has(key));
        self.entries.push(given.fold(0, |bits, (_, bit)| bits | bit));
    }

    /// Returns the entry of `policies` that gives a key to the rules of an entry, or to those outside (`None`); `None`
    /// for a key that stands outside. The key of a section stands where the section does.
    #[must_use]
    pub fn giver(&self, rules: Option<usize>, key: &str) -> Option<usize> {
        let bits = self.entries.get(rules?)?;
        let is_given = |(name, bit): &(&str, u8)| key.starts_with(name) && bits & bit != 0;
        rules.filter(|_| KEYS.iter().any(is_given))
    }

    /// Returns the setting of Django that a key came from, for the rules of an entry of `policies` or for those outside.
    #[must_use]
    pub fn setting(&self, rules: Option<usize>, key: &str) -> Option<&'static str> {
        match self.giver(rules, key) {
            Some(_) => None,
            None => self.settings.of(key),
        }
    }

    /// Returns the place to write a key that holds for the rules of an entry of `policies`, or for those outside: the
    /// one it was read from. A key that overrides a setting would take away what the setting lists.
    #[must_use]
    pub fn place(&self, rules: Option<usize>, key: &str) -> String {
        if let Some(entry) = self.giver(rules, key) {
            return ["policies[", &entry.to_string(), "].", key].concat();
        }
        let place = match self.settings.of(key) {
            None => key,
            // While this is set, the list is not read.
            Some("CORS_ALLOW_ALL_ORIGINS") => "CORS_ALLOWED_ORIGINS, without CORS_ALLOW_ALL_ORIGINS,",
            // This stands for hosts only while there are none.
            Some("DEBUG") => {
                "ALLOWED_HOSTS beside .localhost, 127.0.0.1 and [::1], which DEBUG lists only while it is empty"
            }
            Some(setting) => setting,
        };
        place.to_owned()
    }
}
