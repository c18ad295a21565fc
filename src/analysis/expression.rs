//! One expression: what it matches, and what of that its author spelled.

use regex_syntax::ast::Ast;
use regex_syntax::ast::parse::Parser;

use super::automaton::{Automaton, TooLarge};
use super::letters::{language, symbols_of};
use super::search::{Found, Goal, search};
use super::suffixes::site;
use super::witness::{matches, nicer, read};
use policy::pattern::OriginRegex;

/// How much may be done for the expressions of a policy, in states visited. One that people write takes some thousands.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    whole: u64,
    /// For their alternatives, one by one.
    pub(super) alternatives: u64,
}

/// For one expression.
const MAX_WORK: u64 = 4_000_000;

impl Default for Budget {
    /// Some seconds at most.
    fn default() -> Self {
        Self {
            whole: 40_000_000,
            alternatives: 20_000_000,
        }
    }
}

/// What an expression matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Only origins whose scheme and registrable domain its author spelled.
    Named,
    /// Others too.
    Outside {
        /// What is open.
        what: Outside,
        /// One that is matched, as short as may be and easy to read.
        origin: String,
        /// An expression that matches less and only what was spelled.
        instead: Option<String>,
        /// The same with the ports that `instead` leaves out.
        with_ports: Option<String>,
    },
    /// Only what its author spelled, but more sites than they wrote down one by one.
    Many {
        /// How many, or at least that.
        sites: usize,
        /// An origin of one.
        origin: String,
    },
    /// Only origins of sockets, which no page has.
    Socket {
        /// One of them.
        origin: String,
    },
    /// No origin that there can be.
    Never {
        /// An expression that matches what was probably meant.
        instead: Option<String>,
    },
    /// It could not be decided.
    Unknown,
}

/// What an author left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The scheme.
    Scheme,
    /// The address.
    Address,
    /// The name that somebody registers under this public suffix or top-level name.
    Site {
        /// The suffix.
        suffix: String,
    },
    /// Names below this domain, some of which belong to others than its owner.
    Below {
        /// The domain.
        domain: String,
    },
}

/// An expression in the forms that an analysis needs.
pub struct Expression {
    pub(super) text: String,
    pub(super) ast: Ast,
    pub(super) regex: OriginRegex,
    automaton: Automaton,
}

/// More sites than this are many, if they are more than the words that they were put together from.
const MANY: usize = 12;

impl Expression {
    /// Reads an expression; `None` is one that does not load.
    #[must_use]
    pub fn read(text: &str) -> Option<Result<Self, TooLarge>> {
        let regex = OriginRegex::parse(text).ok()?;
        let Ok(ast) = Parser::new().parse(text) else {
            return Some(Err(TooLarge));
        };
        let automaton = language(&ast).map_err(|_| TooLarge).and_then(|it| Automaton::new(&it));
        Some(automaton.map(|automaton| Self {
            text: text.to_owned(),
            ast,
            regex,
            automaton,
        }))
    }

    /// Whether the automaton matches an origin; `None` where it cannot tell.
    pub fn is_match(&mut self, origin: &str) -> Option<bool> {
        read(&mut self.automaton, origin).ok().map(|it| it.is_matched)
    }

    /// Whether an origin is one that the author spelled, by reading it alone; `None` where it cannot tell.
    pub fn is_named(&mut self, origin: &str) -> Option<bool> {
        read(&mut self.automaton, origin).ok().map(|it| it.is_named)
    }

    /// The verdict, without what to write instead, and an origin that is matched where all were spelled.
    pub(super) fn judge(&mut self, budget: &mut Budget) -> Result<(Judgement, Option<String>), TooLarge> {
        let before = self.automaton.work;
        let found = search(&mut self.automaton, Goal::Outside, MAX_WORK.min(budget.whole));
        let verdict = found.and_then(|mut it| {
            let any = it.any.take_if(|_| it.outside.is_none());
            Ok((self.verdict(it, any.clone())?, any))
        });
        budget.whole = budget.whole.saturating_sub(self.automaton.work - before);
        verdict
    }

    fn verdict(&mut self, found: Found, any: Option<String>) -> Result<Judgement, TooLarge> {
        let (instead, with_ports) = (None, None);
        Ok(match found {
            Found {
                outside: Some(origin), ..
            } => {
                // The module has the last word.
                if !matches(&self.regex, &origin) {
                    return Err(TooLarge);
                }
                let origin = nicer(&mut self.automaton, &self.text, &self.regex, &origin)?;
                let what = self.what_is_open(&origin)?;
                Judgement::Outside {
                    what,
                    origin,
                    instead,
                    with_ports,
                }
            }
            Found {
                lent: Some((domain, origin)),
                ..
            } => Judgement::Outside {
                what: Outside::Below {
                    domain: domain.to_string(),
                },
                origin,
                instead,
                with_ports,
            },
            Found { is_cut: true, .. } => Judgement::Unknown,
            Found { sites, socket, .. } => match (any, socket) {
                (Some(origin), _) if !matches(&self.regex, &origin) => Judgement::Unknown,
                (Some(origin), _) if sites.len() > MANY && sites.len() > words(&self.ast) => Judgement::Many {
                    sites: sites.len(),
                    origin,
                },
                (Some(_), _) => Judgement::Named,
                (None, Some(origin)) => Judgement::Socket { origin },
                (None, None) => Judgement::Never { instead },
            },
        })
    }

    fn what_is_open(&mut self, origin: &str) -> Result<Outside, TooLarge> {
        let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        if rest.starts_with('[') {
            return Ok(Outside::Address);
        }
        let host = rest.split(':').next().unwrap_or_default();
        if host.parse::<std::net::Ipv4Addr>().is_ok() {
            return Ok(Outside::Address);
        }
        if super::witness::is_site_named(&mut self.automaton, origin)? {
            return Ok(Outside::Scheme);
        }
        let own = site(host);
        let suffix = own.split_once('.').map_or(own, |(_, suffix)| suffix);
        Ok(Outside::Site {
            suffix: suffix.to_owned(),
        })
    }
}

/// How many words an author wrote as alternatives of each other, members of classes among them.
fn words(ast: &Ast) -> usize {
    match ast {
        Ast::Alternation(alternation) => alternation.asts.iter().map(|it| words(it).max(1)).sum(),
        Ast::Concat(concat) => concat.asts.iter().map(words).sum(),
        Ast::Group(group) => words(&group.ast),
        Ast::Repetition(repetition) => words(&repetition.ast).max(1) + 1,
        Ast::ClassBracketed(_) => symbols_of(ast, false).map_or(0, |it| it.len()),
        _ => 0,
    }
}
