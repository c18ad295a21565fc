//! What to write instead of an expression: candidates, which [`judge`](super::judge) tries before it shows one.
//!
//! Where an expression matches too much, each candidate matches a part of it: a node becomes one that matches less, and
//! no node of an expression matches more because another one matches less.

use regex_syntax::ast::{Ast, LiteralKind, Repetition, RepetitionKind, Span};

use super::alternatives::witnesses;
use super::expression::{Budget, Expression, Judgement};
use super::letters::symbols_of;
use super::witness::matches;
use policy::host::is_loopback;

/// A replacement of a part of the text.
struct Edit {
    span: Span,
    with: String,
    /// The same where ports are kept.
    with_ports: Option<&'static str>,
}

/// What to write instead of an expression that matches too much.
pub(crate) struct Narrower {
    /// An expression that matches a part of what the other one does.
    pub text: String,
    /// The same with the ports that it leaves out.
    pub with_ports: Option<String>,
}

/// The mildest expression that matches a part of another, and nothing but what its author spelled.
pub(crate) fn narrower(expression: &Expression, budget: &mut Budget) -> Option<Narrower> {
    let text = &expression.text;
    let Edits { dots, ends, .. } = collected(expression);
    let both: Vec<_> = dots.iter().chain(&ends).collect();
    let dots: Vec<_> = dots.iter().collect();
    [dots, both].iter().find_map(|edits| {
        let candidate = edit(text, edits, |it| &it.with);
        let origin = accepted(&candidate, text, budget)?;
        let is_named = origin
            .split(['/', ':'])
            .nth(3)
            .is_some_and(|it| it.contains('.') || is_loopback(it.as_bytes()));
        if !is_named && !origin.contains('[') {
            return None;
        }
        let candidate_regex = Expression::read(&candidate)?.ok()?.regex;
        let is_lost = |port: &&str| {
            let origin = format!("{origin}{port}");
            matches(&expression.regex, &origin) && !matches(&candidate_regex, &origin)
        };
        if !PORTS.iter().any(is_lost) {
            return Some(Narrower {
                text: candidate,
                with_ports: None,
            });
        }
        let with_ports = edit(text, edits, |it| it.with_ports.unwrap_or(&it.with));
        accepted(&with_ports, text, budget).filter(|_| with_ports != candidate)?;
        // Who wrote a colon there means ports.
        let has_colon = text.replace("://", "").replace("(?:", "(").contains(':');
        Some(match has_colon {
            true => Narrower {
                text: with_ports,
                with_ports: None,
            },
            false => Narrower {
                text: candidate,
                with_ports: Some(with_ports),
            },
        })
    })
}

/// What the author of an expression that matches nothing may have meant.
pub(crate) fn meant(expression: &Expression, budget: &mut Budget) -> Option<String> {
    let text = &expression.text;
    let Edits { dots, ends, letters } = collected(expression);
    let both: Vec<_> = dots.iter().chain(&ends).collect();
    let candidates = [
        edit(text, &dots.iter().collect::<Vec<_>>(), |it| &it.with),
        edit(text, &both, |it| &it.with),
        whole(&edit(text, &letters.iter().collect::<Vec<_>>(), |it| &it.with)),
    ];
    candidates.into_iter().find(|it| accepted(it, text, budget).is_some())
}

/// Some of each length, none of them a default.
const PORTS: [&str; 6] = [":1", ":81", ":3000", ":8080", ":8443", ":65535"];

/// An origin that a candidate matches, if it can be shown to a person: it matches only what is spelled, each of its
/// alternatives matches something, and that looks like what sites have.
fn accepted(candidate: &str, text: &str, budget: &mut Budget) -> Option<String> {
    if candidate == text {
        return None;
    }
    let mut read = Expression::read(candidate)?.ok()?;
    let (verdict, origin) = read.judge(budget).ok()?;
    let origin = origin.filter(|_| verdict == Judgement::Named)?;
    let others = witnesses(&read, budget)?;
    (is_likely(&origin) && others.iter().all(|it| is_likely(it))).then_some(origin)
}

/// Whether an origin, the shortest of its kind, has a host that somebody may have.
fn is_likely(origin: &str) -> bool {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let host = match rest.starts_with('[') {
        true => rest,
        false => rest.split(':').next().unwrap_or_default(),
    };
    let is_label = |it: &str| !it.is_empty() && !it.starts_with('-') && !it.ends_with('-');
    !matches!(host, "http" | "https") && host.split('.').all(is_label)
}

/// What may be replaced, by what it is.
#[derive(Default)]
struct Edits {
    dots: Vec<Edit>,
    /// What stands for any number of bytes.
    ends: Vec<Edit>,
    /// Letters that no origin has.
    letters: Vec<Edit>,
}

fn collected(expression: &Expression) -> Edits {
    let mut edits = Edits::default();
    edits.collect(&expression.ast, &expression.text, false);
    edits
}

impl Edits {
    fn collect(&mut self, ast: &Ast, text: &str, is_repeated: bool) {
        match ast {
            Ast::Dot(span) if !is_repeated => self.dots.push(Edit::new(**span, "\\.")),
            Ast::Literal(literal) if literal.kind == LiteralKind::Verbatim && literal.c.is_ascii_uppercase() => {
                let lower = literal.c.to_ascii_lowercase();
                self.letters.push(Edit::new(literal.span, &lower.to_string()));
            }
            Ast::Repetition(repetition) => match narrowed(repetition, text) {
                Some(edit) => self.ends.push(edit),
                None => self.collect(&repetition.ast, text, repetition.op.kind != RepetitionKind::ZeroOrOne),
            },
            Ast::Group(group) => self.collect(&group.ast, text, is_repeated),
            Ast::Alternation(alternation) => alternation
                .asts
                .iter()
                .for_each(|it| self.collect(it, text, is_repeated)),
            Ast::Concat(concat) => concat.asts.iter().for_each(|it| self.collect(it, text, is_repeated)),
            _ => {}
        }
    }
}

impl Edit {
    fn new(span: Span, with: &str) -> Self {
        Self {
            span,
            with: with.to_owned(),
            with_ports: None,
        }
    }
}

/// What a repeated byte probably stands for, where it may stand for that: a scheme, subdomains, a port.
fn narrowed(repetition: &Repetition, text: &str) -> Option<Edit> {
    let is_plus = match repetition.op.kind {
        RepetitionKind::OneOrMore => true,
        RepetitionKind::ZeroOrMore | RepetitionKind::ZeroOrOne => false,
        RepetitionKind::Range(_) => return None,
    };
    // Without case folding it holds no more than with it.
    let symbols = symbols_of(&repetition.ast, false)?;
    let may_be = |bytes: &[u8]| bytes.iter().all(|it| symbols.contains(it));
    let mut span = repetition.span;
    let before = text.get(..span.start.offset)?;
    let after = text.get(span.end.offset..)?;
    let rest = after.trim_start_matches([')', '$']);
    if rest.is_empty() || rest.starts_with('|') {
        let is_after_colon = before.ends_with(":?");
        let may_be_port = may_be(b"0123456789") && (is_after_colon || may_be(b":"));
        if is_after_colon {
            span.start.offset -= 2;
        }
        if is_plus {
            return may_be_port.then(|| Edit::new(span, ":\\d+"));
        }
        return Some(Edit {
            with_ports: may_be_port.then_some("(:\\d+)?"),
            ..Edit::new(span, "")
        });
    }
    if repetition.op.kind == RepetitionKind::ZeroOrOne {
        return None;
    }
    if matches!(before.trim_end_matches('('), "" | "^") && after.starts_with("://") {
        return may_be(b"https").then(|| Edit::new(span, "https"));
    }
    // A dot after it ends the subdomains already.
    let is_subdomains = before.trim_end_matches('(').ends_with("//") && !after.starts_with("\\.");
    let count = if is_plus { '+' } else { '*' };
    (is_subdomains && may_be(b"abcdefghijklmnopqrstuvwxyz0123456789-."))
        .then(|| Edit::new(span, &format!("([a-z0-9-]+\\.){count}")))
}

/// An expression without what no origin has.
fn whole(text: &str) -> String {
    let start = text.strip_prefix('^').unwrap_or(text);
    let body = start.strip_suffix('$').unwrap_or(start);
    let body = body.strip_suffix("/?").or(body.strip_suffix('/')).unwrap_or(body);
    let port = if body.starts_with("http:") { ":80" } else { ":443" };
    let body = body.strip_suffix(port).unwrap_or(body);
    match body.contains("://") {
        true => body.to_owned(),
        false => format!("https://{body}"),
    }
}

fn edit<'e>(text: &str, edits: &[&'e Edit], with: impl Fn(&'e Edit) -> &'e str) -> String {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| edit.span.start.offset);
    let mut edited = String::new();
    let mut at = 0;
    for edit in edits {
        edited += text.get(at..edit.span.start.offset).unwrap_or_default();
        edited += with(edit);
        at = edit.span.end.offset;
    }
    edited + text.get(at..).unwrap_or_default()
}
