//! What to write instead of an expression: candidates, which [`judge`](super::judge) tries before it shows one.
//!
//! Where an expression matches too much, each candidate matches a part of it: a node becomes one that matches less, and
//! no node of an expression matches more because another one matches less.

use regex_syntax::ast::{Ast, LiteralKind, Repetition, RepetitionKind, Span};

use super::expression::Expression;
use super::letters::symbols_of;

/// A replacement of a part of the text.
struct Edit {
    span: Span,
    with: String,
}

/// The candidates, the mildest first.
pub fn candidates(expression: &Expression) -> Vec<String> {
    let text = &expression.text;
    let mut dots = Vec::new();
    let mut ends = Vec::new();
    let mut letters = Vec::new();
    collect(&expression.ast, text, false, &mut dots, &mut ends, &mut letters);
    let narrowed = edit(text, &dots);
    let both: Vec<_> = dots.into_iter().chain(ends).collect();
    let lower = edit(text, &letters);
    let mut candidates = vec![narrowed, edit(text, &both)];
    candidates.extend(meant(&lower));
    // What ends in a dot names the root of a top-level name.
    candidates.retain(|it| it != text && !it.trim_end_matches([')', '$']).ends_with("\\."));
    candidates
}

/// `ends` are what stands for any number of bytes; `letters` are those that no origin has.
fn collect(
    ast: &Ast,
    text: &str,
    is_repeated: bool,
    dots: &mut Vec<Edit>,
    ends: &mut Vec<Edit>,
    letters: &mut Vec<Edit>,
) {
    let mut each = |ast: &Ast, is_repeated| collect(ast, text, is_repeated, dots, ends, letters);
    match ast {
        Ast::Dot(span) if !is_repeated => dots.push(Edit {
            span: **span,
            with: "\\.".to_owned(),
        }),
        Ast::Literal(literal) if literal.kind == LiteralKind::Verbatim && literal.c.is_ascii_uppercase() => {
            letters.push(Edit {
                span: literal.span,
                with: literal.c.to_ascii_lowercase().to_string(),
            });
        }
        Ast::Repetition(repetition) => match narrower(repetition, text) {
            Some(with) => ends.push(Edit {
                span: repetition.span,
                with,
            }),
            None => each(&repetition.ast, repetition.op.kind != RepetitionKind::ZeroOrOne),
        },
        Ast::Group(group) => each(&group.ast, is_repeated),
        Ast::Alternation(alternation) => alternation.asts.iter().for_each(|ast| each(ast, is_repeated)),
        Ast::Concat(concat) => concat.asts.iter().for_each(|ast| each(ast, is_repeated)),
        _ => {}
    }
}

/// What a repeated byte probably stands for, where it may stand for that: a scheme, subdomains, a port.
fn narrower(repetition: &Repetition, text: &str) -> Option<String> {
    let is_plus = match repetition.op.kind {
        RepetitionKind::OneOrMore => true,
        RepetitionKind::ZeroOrMore | RepetitionKind::ZeroOrOne => false,
        RepetitionKind::Range(_) => return None,
    };
    // Without case folding it holds no more than with it.
    let symbols = symbols_of(&repetition.ast, false)?;
    let may_be = |bytes: &[u8]| bytes.iter().all(|it| symbols.contains(it));
    let before = text.get(..repetition.span.start.offset)?;
    let after = text.get(repetition.span.end.offset..)?;
    if after.trim_end_matches([')', '$']).is_empty() {
        return match is_plus {
            false => Some(String::new()),
            true => may_be(b":0123456789").then(|| ":\\d+".to_owned()),
        };
    }
    if repetition.op.kind == RepetitionKind::ZeroOrOne {
        return None;
    }
    if matches!(before.trim_end_matches('('), "" | "^") && after.starts_with("://") {
        return may_be(b"https").then(|| "https".to_owned());
    }
    let is_subdomains =
        before.trim_end_matches('(').ends_with("//") && may_be(b"abcdefghijklmnopqrstuvwxyz0123456789-.");
    let count = if is_plus { '+' } else { '*' };
    is_subdomains.then(|| format!("([a-z0-9-]+\\.){count}"))
}

/// What the author of an expression that matches nothing may have meant.
fn meant(text: &str) -> Vec<String> {
    let start = text.strip_prefix('^').unwrap_or(text);
    let body = start.strip_suffix('$').unwrap_or(start);
    let body = body.strip_suffix("/?").or(body.strip_suffix('/')).unwrap_or(body);
    let port = if body.starts_with("http:") { ":80" } else { ":443" };
    let body = body.strip_suffix(port).unwrap_or(body);
    let with_scheme = match body.contains("://") {
        true => body.to_owned(),
        false => format!("https://{body}"),
    };
    vec![with_scheme]
}

fn edit(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span.start.offset);
    let mut edited = String::new();
    let mut at = 0;
    for Edit { span, with } in edits {
        edited += text.get(at..span.start.offset).unwrap_or_default();
        edited += with;
        at = span.end.offset;
    }
    edited + text.get(at..).unwrap_or_default()
}
