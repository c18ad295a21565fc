//! An expression as a language over the bytes of origins, in which each byte is either *spelled* by the author or *open*.
//!
//! `app` spells its letters, and so do `(a|b)`, `[ab]` and `x?`. A class with more than a handful of members, however it is
//! written, `.` and whatever is repeated is open: it makes names that nobody wrote. An open byte has its high bit set, so
//! that one automaton holds both kinds apart.
//!
//! The meaning is that of the module's expressions, on the bytes that an origin has: ASCII only, for `\d`, `\w`, `\b` and
//! `(?i)` too.

use std::error::Error;
use std::fmt;

use regex_syntax::ast::{
    self, Alternation, Assertion, AssertionKind, Ast, ClassAsciiKind, ClassBracketed, ClassPerlKind, ClassSet,
    ClassSetItem, Flag, Flags, GroupKind, RepetitionKind, RepetitionOp, RepetitionRange, Span,
};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Look, Repetition};

/// Every byte that a canonical origin can have. The order is that in which the search tries them.
pub(crate) const SYMBOLS: &[u8; 44] = b"abcdefghijklmnopqrstuvwxyz0123456789-.:/_[]+";

/// Marks an open byte.
pub(crate) const OPEN: u8 = 0x80;

/// The most members of a class that its author can be said to have spelled one by one.
const HANDFUL: usize = 4;

/// A syntax that the module does not have. Such an expression does not load, so this is only a safeguard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported;

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a syntax that the module's library does not have")
    }
}

impl Error for Unsupported {}

/// Makes the language of an expression. Start and end are the origin's.
pub(crate) fn language(ast: &Ast) -> Result<Hir, Unsupported> {
    Reader {
        folds: false,
        through: None,
    }
    .read(ast, false)
}

/// The same, where nobody asks what was spelled: every byte is open.
pub(crate) fn open_language(ast: &Ast) -> Result<Hir, Unsupported> {
    Reader {
        folds: false,
        through: None,
    }
    .read(ast, true)
}

/// The same, of what is matched by way of one alternative. Where it is repeated with others, this is no less than that.
pub(crate) fn language_through(ast: &Ast, alternative: &Span) -> Result<Hir, Unsupported> {
    Reader {
        folds: false,
        through: Some(alternative),
    }
    .read(ast, false)
}

/// The symbols that a node stands for, if it stands for one byte at a time.
pub(crate) fn symbols_of(ast: &Ast, folds: bool) -> Option<Vec<u8>> {
    let holds: &dyn Fn(u8) -> Option<bool> = match ast {
        Ast::Dot(_) => &|_| Some(true),
        Ast::Literal(literal) => &|byte| Some(same(literal.c, byte, folds)),
        Ast::ClassPerl(class) => &|byte| Some(perl(&class.kind, byte) != class.negated),
        Ast::ClassBracketed(class) => &|byte| bracketed(class, byte, folds),
        _ => return None,
    };
    let mut symbols = Vec::new();
    for &byte in SYMBOLS {
        if holds(byte)? {
            symbols.push(byte);
        }
    }
    Some(symbols)
}

/// The one flag that changes the meaning here: origins have no line feed, and repetitions are not asked for their first
/// match.
struct Reader<'a> {
    folds: bool,
    /// An alternative beside which no other counts.
    through: Option<&'a Span>,
}

impl Reader<'_> {
    fn read(&mut self, ast: &Ast, is_open: bool) -> Result<Hir, Unsupported> {
        Ok(match ast {
            Ast::Empty(_) => Hir::empty(),
            Ast::Flags(set) => {
                self.set(&set.flags);
                Hir::empty()
            }
            Ast::Assertion(assertion) => look(assertion),
            Ast::Literal(_) | Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => {
                let symbols = symbols_of(ast, self.folds).ok_or(Unsupported)?;
                one_of(&symbols, !is_open && symbols.len() <= HANDFUL)
            }
            Ast::ClassUnicode(_) => return Err(Unsupported),
            Ast::Repetition(repetition) => self.repeat(repetition, is_open)?,
            Ast::Group(group) => {
                let outside = self.folds;
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    self.set(flags);
                }
                let inside = self.read(&group.ast, is_open);
                self.folds = outside;
                inside?
            }
            Ast::Alternation(alternation) => self.choose(alternation, is_open)?,
            Ast::Concat(concat) => {
                let parts = concat.asts.iter().map(|ast| self.read(ast, is_open));
                Hir::concat(parts.collect::<Result<_, _>>()?)
            }
        })
    }

    /// Reads an alternation. Those of its branches that are one byte are a class in another spelling.
    fn choose(&mut self, alternation: &Alternation, is_open: bool) -> Result<Hir, Unsupported> {
        let mut members: Vec<u8> = alternation
            .asts
            .iter()
            .filter_map(|it| self.byte(it))
            .flatten()
            .collect();
        members.sort_unstable();
        members.dedup();
        let through = self.through.filter(|it| contains(&alternation.span, it));
        let mut branches = Vec::new();
        for branch in &alternation.asts {
            let is_open = is_open || (members.len() > HANDFUL && self.byte(branch).is_some());
            // Each is read, since flags that one sets hold for those behind it.
            let read = self.read(branch, is_open)?;
            branches.extend(through.is_none_or(|it| contains(branch.span(), it)).then_some(read));
        }
        Ok(Hir::alternation(branches))
    }

    /// What a branch stands for, if that is one byte.
    fn byte(&self, branch: &Ast) -> Option<Vec<u8>> {
        match branch {
            Ast::Group(group) if !matches!(group.kind, GroupKind::NonCapturing(_)) => self.byte(&group.ast),
            _ => symbols_of(branch, self.folds),
        }
    }

    fn repeat(&mut self, repetition: &ast::Repetition, is_open: bool) -> Result<Hir, Unsupported> {
        let (min, max) = bounds(&repetition.op);
        let is_one_word = is_one_word(&repetition.ast);
        let is_once = max.is_some_and(|it| it <= 1);
        if self.through.is_some_and(|it| contains(&repetition.span, it)) {
            let through = self.read(&repetition.ast, true)?;
            return Ok(match is_once {
                true => through,
                false => {
                    let alternative = self.through.take();
                    let others = self.read(&repetition.ast, true);
                    self.through = alternative;
                    let others = repeated(0, None, others?);
                    Hir::concat(vec![others.clone(), through, others])
                }
            });
        }
        if is_one_word && !is_open && min > 0 {
            // The word itself is spelled, as often as it has to be there.
            let spelled = repeated(min, Some(min), self.read(&repetition.ast, false)?);
            let more = repeated(0, max.map(|it| it - min), self.read(&repetition.ast, true)?);
            return Ok(Hir::concat(vec![spelled, more]));
        }
        Ok(repeated(min, max, self.read(&repetition.ast, is_open || !is_once)?))
    }

    fn set(&mut self, flags: &Flags) {
        self.folds = flags.flag_state(Flag::CaseInsensitive).unwrap_or(self.folds);
    }
}

fn one_of(symbols: &[u8], is_spelled: bool) -> Hir {
    let mark = if is_spelled { 0 } else { OPEN };
    let ranges = symbols
        .iter()
        .map(|&byte| ClassBytesRange::new(byte | mark, byte | mark));
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}

fn look(assertion: &Assertion) -> Hir {
    Hir::look(match assertion.kind {
        // Without line feeds a line is the whole text.
        AssertionKind::StartLine | AssertionKind::StartText => Look::Start,
        AssertionKind::EndLine | AssertionKind::EndText => Look::End,
        AssertionKind::WordBoundary => Look::WordAscii,
        AssertionKind::NotWordBoundary => Look::WordAsciiNegate,
        AssertionKind::WordBoundaryStart | AssertionKind::WordBoundaryStartAngle => Look::WordStartAscii,
        AssertionKind::WordBoundaryEnd | AssertionKind::WordBoundaryEndAngle => Look::WordEndAscii,
        AssertionKind::WordBoundaryStartHalf => Look::WordStartHalfAscii,
        AssertionKind::WordBoundaryEndHalf => Look::WordEndHalfAscii,
    })
}

fn bounds(op: &RepetitionOp) -> (u32, Option<u32>) {
    match op.kind {
        RepetitionKind::ZeroOrOne => (0, Some(1)),
        RepetitionKind::ZeroOrMore => (0, None),
        RepetitionKind::OneOrMore => (1, None),
        RepetitionKind::Range(RepetitionRange::Exactly(count)) => (count, Some(count)),
        RepetitionKind::Range(RepetitionRange::AtLeast(min)) => (min, None),
        RepetitionKind::Range(RepetitionRange::Bounded(min, max)) => (min, Some(max)),
    }
}

/// Whether a node spells one word: what `w{3}` repeats.
fn is_one_word(ast: &Ast) -> bool {
    match ast {
        Ast::Literal(_) => true,
        Ast::Group(group) => is_one_word(&group.ast),
        Ast::Concat(concat) => concat.asts.iter().all(is_one_word),
        _ => false,
    }
}

/// Whether a part of the text is inside another.
fn contains(outer: &Span, inner: &Span) -> bool {
    outer.start.offset <= inner.start.offset && inner.end.offset <= outer.end.offset
}

fn repeated(min: u32, max: Option<u32>, sub: Hir) -> Hir {
    Hir::repetition(Repetition {
        min,
        max,
        greedy: true,
        sub: Box::new(sub),
    })
}

fn same(letter: char, byte: u8, folds: bool) -> bool {
    letter == char::from(byte) || (folds && letter.eq_ignore_ascii_case(&char::from(byte)))
}

fn perl(kind: &ClassPerlKind, byte: u8) -> bool {
    match kind {
        ClassPerlKind::Digit => byte.is_ascii_digit(),
        ClassPerlKind::Space => byte.is_ascii_whitespace(),
        ClassPerlKind::Word => is_word(byte),
    }
}

/// Whether `\w` matches a byte.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn bracketed(class: &ClassBracketed, byte: u8, folds: bool) -> Option<bool> {
    let ClassSet::Item(item) = &class.kind else { return None };
    // Folded first and negated then, as `(?i)[^x]` asks for.
    let is_inside = holds(item, byte)? || (folds && holds(item, byte.to_ascii_uppercase())?);
    Some(is_inside != class.negated)
}

fn holds(item: &ClassSetItem, byte: u8) -> Option<bool> {
    let letter = char::from(byte);
    Some(match item {
        ClassSetItem::Empty(_) => false,
        ClassSetItem::Literal(literal) => literal.c == letter,
        ClassSetItem::Range(range) => (range.start.c..=range.end.c).contains(&letter),
        ClassSetItem::Ascii(class) => posix(&class.kind, byte) != class.negated,
        ClassSetItem::Perl(class) => perl(&class.kind, byte) != class.negated,
        ClassSetItem::Union(union) => {
            let mut is_inside = false;
            for item in &union.items {
                is_inside |= holds(item, byte)?;
            }
            is_inside
        }
        ClassSetItem::Unicode(_) | ClassSetItem::Bracketed(_) => return None,
    })
}

fn posix(kind: &ClassAsciiKind, byte: u8) -> bool {
    match kind {
        ClassAsciiKind::Alnum => byte.is_ascii_alphanumeric(),
        ClassAsciiKind::Alpha => byte.is_ascii_alphabetic(),
        ClassAsciiKind::Ascii => byte.is_ascii(),
        ClassAsciiKind::Blank => matches!(byte, b' ' | b'\t'),
        ClassAsciiKind::Cntrl => byte.is_ascii_control(),
        ClassAsciiKind::Digit => byte.is_ascii_digit(),
        ClassAsciiKind::Graph => byte.is_ascii_graphic(),
        ClassAsciiKind::Lower => byte.is_ascii_lowercase(),
        ClassAsciiKind::Print => byte == b' ' || byte.is_ascii_graphic(),
        ClassAsciiKind::Punct => byte.is_ascii_punctuation(),
        ClassAsciiKind::Space => byte.is_ascii_whitespace() || byte == 0x0b,
        ClassAsciiKind::Upper => byte.is_ascii_uppercase(),
        ClassAsciiKind::Word => is_word(byte),
        ClassAsciiKind::Xdigit => byte.is_ascii_hexdigit(),
    }
}
