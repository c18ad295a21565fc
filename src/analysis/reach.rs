//! What a policy permits, over all requests at once.
//!
//! A policy tells requests apart by finitely many things, so that some requests stand for all others: for each set of entries
//! that some origin matches and no other, one such origin, and likewise for hosts, paths, methods and names. They are made of
//! the entries (`Universe`); what becomes of each, [`Policy::decide`] says, as it does in the proxy. Nothing here matches a
//! pattern in a way of its own.

mod expressions;
mod names;
mod origins;
mod permission;
mod places;
mod question;

use config::{ConfigErrors, Entry, Environment, Loaded};
use policy::Policy;
use policy::rules::Rules;

pub(crate) use origins::{OriginClass, Pattern, host_of};
pub use permission::{Answer, Permission};
pub(crate) use places::{LookedAt, Place, Places};
use question::Names;
pub use question::{Ask, Question};

use crate::automaton::TooLarge;

/// A policy with what its author wrote.
#[derive(Debug)]
pub struct Subject {
    /// The policy; `None` is no filter at all.
    pub loaded: Option<Loaded>,
    /// Every string of every list.
    pub entries: Vec<Entry>,
    /// The text, in JSON.
    pub configuration: Vec<u8>,
    /// What `django_env` reads.
    pub environment: Vec<(String, String)>,
}

impl Subject {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// Those of [`config::load_with`].
    pub fn read(configuration: &[u8], environment: &Environment) -> Result<Self, ConfigErrors> {
        Ok(Self {
            loaded: Some(config::load_with(configuration, environment)?),
            entries: config::entries(configuration, environment),
            configuration: configuration.to_vec(),
            environment: environment.to_vec(),
        })
    }

    /// No filter: everything is permitted, and what pages may read is the backend's to say.
    #[must_use]
    pub fn none() -> Self {
        Self {
            loaded: None,
            entries: Vec::new(),
            configuration: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.loaded.as_ref().map(|it| &it.policy)
    }

    /// The lists of origins that rules use, by the entry of `policies` that they are of.
    pub(crate) fn lists(&self, rules: Option<usize>) -> [String; 3] {
        ["allowed_origins", "allowed_origin_regexes", "csrf.trusted_origins"].map(|list| self.list(rules, list))
    }

    /// The list of a name that rules use.
    pub(crate) fn list(&self, rules: Option<usize>, name: &str) -> String {
        let provenance = self.loaded.as_ref().map(|it| &it.provenance);
        match provenance.and_then(|it| it.giver(rules, name)) {
            Some(at) => format!("policies[{at}].{name}"),
            None => name.to_owned(),
        }
    }

    /// Every set of rules, with its entry of `policies`; those outside come last.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (Option<usize>, &Rules)> {
        self.policy().into_iter().flat_map(|policy| {
            let scoped = policy.scoped.iter().enumerate().map(|(at, it)| (Some(at), &it.rules));
            scoped.chain([(None, &policy.rules)])
        })
    }
}

/// The requests that stand for all others, where these policies are asked.
pub(crate) struct Universe {
    pub origins: Vec<OriginClass>,
    pub places: Places,
    pub methods: Names,
    pub headers: Names,
}

impl Universe {
    /// # Errors
    ///
    /// [`TooLarge`] if the expressions of the policies have too many states together.
    pub(crate) fn of(subjects: &[&Subject]) -> Result<Self, TooLarge> {
        Ok(Self {
            origins: origins::classes(subjects)?,
            places: Places::of(subjects),
            methods: question::methods(subjects),
            headers: question::headers(subjects),
        })
    }

    /// The same permission; for a name that stands for others, with these.
    pub(crate) fn shown(&self, permission: Permission) -> Permission {
        match permission {
            Permission::Method(name) => Permission::Method(self.methods.shown(name)),
            Permission::Header(name) => Permission::Header(self.headers.shown(name)),
            other => other,
        }
    }
}

/// An entry of `policies`, with its name if it has one.
pub(crate) fn named(policy: &Policy, entry: usize) -> String {
    match policy.scoped.get(entry).and_then(|it| it.name.as_ref()) {
        Some(name) => format!("policies[{entry}] ({})", name.escape_debug()),
        None => format!("policies[{entry}]"),
    }
}
