//! What `check` says of expressions, and of wildcards that are longer than a name may be.

use std::collections::HashMap;

use super::Lint;
use super::codes::{
    ORIGIN_MATCHES_NOTHING, REGEX_ALTERNATIVE, REGEX_BARE_DOT, REGEX_MANY_SITES, REGEX_NOTHING, REGEX_OPEN_ADDRESS,
    REGEX_OPEN_SCHEME, REGEX_OPEN_SITE, REGEX_UNDECIDED,
};
use crate::{Budget, Judgement, Outside, dead_alternatives, is_public_suffix, judge, local_origins};
use config::DiagnosticCode;
use config::code_of_host;
use policy::host::{MAX_LABEL, MAX_NAME};
use policy::origin::Origin;
use policy::pattern::OriginHosts;
use policy::text::printable;

const NEVER: &str = "no origin that a browser sends matches this: an origin is a scheme, `://`, a host in lower case and \
                     any port but the scheme's default one, with nothing after it";
const BARE_DOT: &str = "`.` stands for any character, so that other names match too; write `\\.` for a dot";
const SPELL: &str = "write your own domain out, as in `https://([a-z0-9-]+\\.)*app\\.example`, or list the origins in \
                     `allowed_origins`";

/// The expressions of one policy: they share what may be spent on them, and one that stands in several places is judged
/// once.
#[derive(Default)]
pub(super) struct Expressions {
    budget: Budget,
    known: HashMap<String, Vec<Lint>>,
}

impl Expressions {
    /// What there is to say of an expression.
    pub(super) fn lints(&mut self, text: &str) -> Vec<Lint> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let verdict = judge(text, &mut self.budget);
        let matches_some = matches!(
            verdict,
            Some(Judgement::Named | Judgement::Many { .. } | Judgement::Outside { .. })
        );
        let dead = match matches_some {
            true => dead_alternatives(text, &mut self.budget),
            false => Vec::new(),
        };
        let whole = verdict.and_then(|verdict| lint(text, verdict));
        let lints: Vec<_> = whole
            .into_iter()
            .chain(dead_lint(text, &dead))
            .chain(local(text))
            .collect();
        self.known.insert(text.to_owned(), lints.clone());
        lints
    }
}

/// What there is to say of the visitor's own machine and of addresses that an expression spells: one warning a problem, as
/// for an entry of `allowed_origins`.
fn local(text: &str) -> Vec<Lint> {
    let mut lints: Vec<Lint> = Vec::new();
    for origin in local_origins(text) {
        let Some(code) = Origin::parse(origin.as_bytes())
            .ok()
            .and_then(|it| std::str::from_utf8(it.host.text()).ok())
            .and_then(code_of_host)
        else {
            continue;
        };
        if lints.iter().any(|it| it.code == code.code()) {
            continue;
        }
        let message = match code {
            DiagnosticCode::OriginLoopback => code.text().to_owned(),
            _ => format!("`{origin}` matches: {}", code.text()),
        };
        lints.push(Lint::new(code.code(), message));
    }
    lints
}

fn lint(text: &str, verdict: Judgement) -> Option<Lint> {
    Some(match verdict {
        Judgement::Named => Lint::new(REGEX_BARE_DOT, bare_dot(text)?),
        Judgement::Outside {
            what,
            origin,
            instead,
            with_ports,
        } => outside(text, &what, &origin, instead.as_deref(), with_ports.as_deref()),
        Judgement::Many { sites, origin } => Lint::new(
            REGEX_MANY_SITES,
            format!(
                "this spells out {sites} sites, `{origin}` among them, and strangers can have those that are not yours; \
                 list the origins in `allowed_origins`"
            ),
        ),
        Judgement::Socket { .. } => Lint::new(DiagnosticCode::OriginSocket.code(), DiagnosticCode::OriginSocket.text()),
        Judgement::Never { instead: None } => Lint::new(REGEX_NOTHING, NEVER),
        Judgement::Never { instead: Some(instead) } => {
            let message = format!("{NEVER}; write `{}`", printable(&instead));
            Lint::new(REGEX_NOTHING, message)
        }
        Judgement::Unknown => Lint::new(
            REGEX_UNDECIDED,
            "this is too complex to say which origins it matches: there may be some that you do not mean; write \
             several simple expressions, or list the origins in `allowed_origins`",
        ),
    })
}

/// The most alternatives that a warning shows.
const SHOWN: usize = 3;

fn dead_lint(text: &str, dead: &[String]) -> Option<Lint> {
    let shown = dead.iter().take(SHOWN).map(|it| match it.as_str() {
        "" => "an empty one".to_owned(),
        it => format!("`{}`", printable(it)),
    });
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if dead.len() > SHOWN {
        shown += &format!(" and {} more", dead.len() - SHOWN);
    }
    // `https://a|b\.example`: a person reads it as if the scheme were there twice.
    let is_split = dead.iter().any(|it| !it.contains("://")) && text.split("://").count() == 2;
    let why = match is_split
        && text
            .split('|')
            .next()
            .is_some_and(|it| it.contains("://") && !it.contains('('))
    {
        true => {
            "`|` divides the whole expression, so that each side has to be a whole origin: put the alternatives in \
             parentheses, as in `https://(a|b)\\.example`"
        }
        false => NEVER,
    };
    let begin = if dead.len() == 1 {
        "this alternative never matches"
    } else {
        "these alternatives never match"
    };
    (!dead.is_empty()).then(|| Lint::new(REGEX_ALTERNATIVE, format!("{begin}: {shown}; {why}")))
}

fn outside(text: &str, what: &Outside, origin: &str, instead: Option<&str>, with_ports: Option<&str>) -> Lint {
    let write = instead.map(|it| format!("write `{}`", printable(it)));
    let write = write.map(|write| match with_ports {
        Some(with_ports) => format!(
            "{write}, or `{}` if its other ports are meant too",
            printable(with_ports)
        ),
        None => write,
    });
    let fix = |otherwise: &str| write.clone().unwrap_or_else(|| otherwise.to_owned());
    match what {
        Outside::Scheme => Lint::new(
            REGEX_OPEN_SCHEME,
            format!(
                "`{origin}` matches too; {}",
                fix("write the scheme out, as in `https://`")
            ),
        ),
        Outside::Address => Lint::new(
            REGEX_OPEN_ADDRESS,
            format!(
                "`{origin}` matches too, and each address is another machine; {}",
                fix("write them out")
            ),
        ),
        Outside::Below { domain } => Lint::new(
            REGEX_OPEN_SITE,
            format!(
                "below `{domain}` there are public suffixes, under which anybody registers names, and names such as \
                 `{origin}` match; write more labels out"
            ),
        ),
        Outside::Site { suffix } => {
            let is_dot = instead.is_some_and(|it| it.replace("\\.", ".") == text.replace("\\.", "."));
            let why = match () {
                () if is_dot => format!("`.` stands for any character, so that `{origin}` matches too"),
                () if suffix.contains('.') && is_public_suffix(suffix.as_bytes()) => format!(
                    "`{suffix}` is a public suffix, under which anybody registers names, and `{origin}` matches"
                ),
                () => format!("`{origin}` matches too, and a stranger can have that name"),
            };
            Lint::new(REGEX_OPEN_SITE, format!("{why}; {}", fix(SPELL)))
        }
    }
}

/// A dot that was meant to be one, where it can do no more than let in other names of the author's.
fn bare_dot(text: &str) -> Option<&'static str> {
    let is_bare = |window: &[u8]| {
        matches!(window, [before, b'.', after]
            if (before.is_ascii_alphanumeric() || *before == b')') && after.is_ascii_alphanumeric())
    };
    text.as_bytes().windows(3).any(is_bare).then_some(BARE_DOT)
}

/// A wildcard that no name can match, since with it the name or its label is too long.
pub(super) fn lint_length(hosts: &OriginHosts) -> Option<Lint> {
    let (label, domain) = match hosts {
        OriginHosts::One(_) => return None,
        OriginHosts::Subdomains(domain) => (1, domain),
        OriginHosts::Labels { prefix, suffix, domain } => (prefix.len() + 1 + suffix.len(), domain),
    };
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    (label > MAX_LABEL || label + 1 + domain.len() > MAX_NAME).then(|| {
        let message = format!(
            "no name matches this: with something for the `*` it is longer than a label ({MAX_LABEL} bytes) or a name \
             ({MAX_NAME} bytes) may be"
        );
        Lint::new(ORIGIN_MATCHES_NOTHING, message)
    })
}
