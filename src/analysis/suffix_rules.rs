//! The public-suffix list as its rules are written, for where it is not compiled in.

use std::collections::BTreeMap;

use psl_types::{Info, List, Type};

/// Rules, each by the name that it is about: `co.uk` for `co.uk`, `ck` for `*.ck`, `www.ck` for `!www.ck`.
#[derive(Debug, Default)]
pub struct SuffixRules {
    names: BTreeMap<String, Name>,
}

/// What the rules say of a name.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    is_suffix: bool,
    /// Every name directly below it is a suffix.
    has_wildcard: bool,
    /// It is none, though a wildcard says so.
    is_exception: bool,
    /// Some rule is about names below it.
    has_longer: bool,
}

impl SuffixRules {
    /// Reads rules, one a line, in lower case and ASCII, as <https://publicsuffix.org/list/> describes them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut rules = Self::default();
        let lines = text.lines().map(str::trim);
        for rule in lines.filter(|it| !it.is_empty() && !it.starts_with("//")) {
            rules.add(rule);
        }
        rules
    }

    /// How many names there are rules for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn add(&mut self, rule: &str) {
        let name = match (rule.strip_prefix("*."), rule.strip_prefix('!')) {
            (Some(name), _) => {
                let known = self.name(name);
                (known.has_wildcard, known.has_longer) = (true, true);
                name
            }
            (None, Some(name)) => {
                self.name(name).is_exception = true;
                name
            }
            (None, None) => {
                self.name(rule).is_suffix = true;
                rule
            }
        };
        let mut rest = name;
        while let Some((_, above)) = rest.split_once('.') {
            self.name(above).has_longer = true;
            rest = above;
        }
    }

    fn name(&mut self, name: &str) -> &mut Name {
        self.names.entry(name.to_owned()).or_default()
    }
}

impl List for SuffixRules {
    /// The longest rule that matches, or else the last label, as the list's algorithm has it.
    fn find<'a, T>(&self, labels: T) -> Info
    where
        T: Iterator<Item = &'a [u8]>,
    {
        let mut info = Info { len: 0, typ: None };
        let known = |len| Info {
            len,
            typ: Some(Type::Icann),
        };
        let (mut name, mut above) = (String::new(), Name::default());
        for label in labels {
            let longer = match (std::str::from_utf8(label), name.is_empty()) {
                (Ok(label), true) => label.to_owned(),
                (Ok(label), false) => format!("{label}.{name}"),
                (Err(_), _) => return info,
            };
            let own = self.names.get(&longer).copied();
            // As in the compiled list, a wildcard is not about a name that has rules of its own.
            let is_suffix = own.map_or(above.has_wildcard, |it| it.is_suffix);
            if own.is_some_and(|it| it.is_exception) {
                return known(name.len());
            }
            match (is_suffix, name.is_empty()) {
                (true, _) => info = known(longer.len()),
                (false, true) => info.len = longer.len(),
                (false, false) => {}
            }
            (name, above) = (longer, own.unwrap_or_default());
            if !above.has_longer {
                break;
            }
        }
        info
    }
}
