//! The rule of a router: which hosts and paths are its.

/// What a rule asks for, in one of its alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alternative {
    /// `None` for all hosts.
    pub(super) hosts: Option<Vec<String>>,
    /// `None` for all paths.
    pub(super) prefixes: Option<Vec<String>>,
    /// What neither hosts nor prefixes say.
    pub(super) other: Option<String>,
}

/// The alternatives of a rule; `None` if it cannot be read.
pub(super) fn alternatives(rule: &str) -> Option<Vec<Alternative>> {
    let mut reader = Reader { rest: rule.trim() };
    let found = reader.any()?;
    reader.rest.is_empty().then_some(found)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// `a || b`
    fn any(&mut self) -> Option<Vec<Alternative>> {
        let mut found = self.all()?;
        while self.take("||") {
            found.extend(self.all()?);
        }
        Some(found)
    }

    /// `a && b`
    fn all(&mut self) -> Option<Vec<Alternative>> {
        let mut found = self.one()?;
        while self.take("&&") {
            let next = self.one()?;
            found = found
                .iter()
                .flat_map(|one| next.iter().map(|other| both(one, other)))
                .collect();
        }
        Some(found)
    }

    /// `(…)`, or a matcher.
    fn one(&mut self) -> Option<Vec<Alternative>> {
        if self.take("(") {
            let found = self.any()?;
            return self.take(")").then_some(found);
        }
        let (name, rest) = self.rest.split_once('(')?;
        self.rest = rest.trim_start();
        let mut values = Vec::new();
        loop {
            let quote = self.rest.chars().next().filter(|it| matches!(it, '`' | '"'))?;
            let (value, rest) = self.rest.get(1..)?.split_once(quote)?;
            values.push(value.to_owned());
            self.rest = rest.trim_start();
            if self.take(")") {
                return Some(vec![matcher(name.trim(), values)]);
            }
            self.take(",").then_some(())?;
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }
}

fn matcher(name: &str, values: Vec<String>) -> Alternative {
    match name {
        "Host" => Alternative {
            hosts: Some(values.iter().map(|it| it.to_ascii_lowercase()).collect()),
            ..Alternative::default()
        },
        "PathPrefix" => Alternative {
            prefixes: Some(values),
            ..Alternative::default()
        },
        name => Alternative {
            other: Some(name.to_owned()),
            ..Alternative::default()
        },
    }
}

fn both(one: &Alternative, other: &Alternative) -> Alternative {
    // Two hosts, or two prefixes, at once are no list.
    let list = |one: &Option<Vec<String>>, other: &Option<Vec<String>>| match (one, other) {
        (Some(_), Some(_)) => Err("a part that is there twice".to_owned()),
        (one, other) => Ok(one.clone().or_else(|| other.clone())),
    };
    let (hosts, prefixes) = (list(&one.hosts, &other.hosts), list(&one.prefixes, &other.prefixes));
    let twice = hosts.as_ref().err().or(prefixes.as_ref().err()).cloned();
    Alternative {
        other: one.other.clone().or_else(|| other.other.clone()).or(twice),
        hosts: hosts.unwrap_or_default(),
        prefixes: prefixes.unwrap_or_default(),
    }
}
