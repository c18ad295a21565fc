//! Traffic that was logged, through a policy.

use super::decider::{Decider, Decision};
use super::groups::Groups;
use super::line::{LogLine, Logged, Name};
use super::path_group::{self, shown};
use super::report::{Change, Report, Row};
use super::time::{self, Span};
use policy::verdict::Check;

/// How many groups of requests are kept.
const GROUPS: usize = 1000;

/// The longest line that a group keeps until its fix is asked for, in bytes.
const KEPT: usize = 8 << 10;

/// How much of an origin, a host or a path tells groups apart, in bytes.
const LONGEST: usize = 320;

/// What becomes of the requests of a log.
pub struct Replay<'a> {
    new: &'a Decider,
    old: Option<&'a Decider>,
    report: Report,
    groups: Groups<Group>,
    /// Where keys are made.
    key: Vec<u8>,
    path: Vec<u8>,
}

/// Requests that whoever reads of them need not tell apart.
struct Group {
    row: Row,
    span: Span,
    /// The line of the first, until the fix is asked for.
    line: Option<Box<[u8]>>,
}

impl<'a> Replay<'a> {
    /// Asks a policy about each request; or where another is given, in what it fares otherwise than under that.
    #[must_use]
    pub fn new(new: &'a Decider, old: Option<&'a Decider>) -> Self {
        Self {
            new,
            old,
            report: Report::new(old.is_some()),
            groups: Groups::new(GROUPS),
            key: Vec::new(),
            path: Vec::new(),
        }
    }

    /// Takes a line and its text.
    pub fn add(&mut self, line: &LogLine<'_>, text: &[u8]) {
        let report = &mut self.report;
        report.requests += 1;
        if *line.get(Name::Finding) == Logged::Absent {
            report.unseen += 1;
            return;
        }
        let both = self
            .new
            .decide(line)
            .and_then(|new| Ok((new, self.old.map(|old| old.decide(line)).transpose()?)));
        let (new, old) = match both {
            Ok(both) => both,
            Err(name) => {
                *report.undecided.entry(name.key()).or_default() += 1;
                return;
            }
        };
        report.count(new.finding, line);
        let change = old.as_ref().and_then(|old| new.change_from(old));
        report.changed += u64::from(change.is_some());
        let matters = match self.old {
            None => !new.finding.outcome.is_allowed(),
            Some(_) => change.is_some(),
        };
        if matters {
            self.group(line, text, &new, change);
        }
    }

    fn group(&mut self, line: &LogLine<'_>, text: &[u8], decision: &Decision, change: Option<Change>) {
        let cut = |name| line.value(name).map(|it| it.get(..LONGEST).unwrap_or(it));
        let (origin, host) = (cut(Name::Origin), cut(Name::Authority));
        self.path.clear();
        path_group::push(line.value(Name::Path).unwrap_or_default(), &mut self.path);
        self.path.truncate(LONGEST);
        let (key, path) = (&mut self.key, &self.path);
        key.clear();
        for part in [
            Some(decision.finding.check.code()),
            Some(decision.finding.outcome.code()),
        ] {
            key.extend_from_slice(part.unwrap_or_default().as_bytes());
        }
        key.extend_from_slice(decision.finding.outcome.reason().as_bytes());
        key.extend(change.iter().flat_map(|it| it.to_string().into_bytes()));
        for part in [origin, host, Some(path.as_slice())] {
            key.push(0);
            key.push(u8::from(part.is_some()));
            key.extend_from_slice(part.unwrap_or_default());
        }
        let time = line.value(Name::Time).and_then(time::read);
        let decider = self.new;
        let make = || {
            let mut row = Row {
                finding: decision.finding,
                change,
                origin: origin.map(shown),
                host: host.map(shown),
                path: shown(path),
                count: 0,
                span: Span::default(),
                rules: None,
                nearest: None,
                fix: None,
            };
            let is_kept = text.len() <= KEPT;
            if !is_kept {
                explain(decider, line, &mut row);
            }
            Group {
                row,
                span: Span::default(),
                line: is_kept.then(|| text.into()),
            }
        };
        self.groups.count(key, make, |group| group.span.add(time));
    }

    /// What there is to say of all of them. A line is read again for its fix as it was when it came: `complete` says what its
    /// log has besides.
    #[must_use]
    pub fn finish(self, reading: &super::Reading) -> Report {
        let (groups, others) = self.groups.finish();
        let mut report = self.report;
        report.others = others;
        report.forwarding_unread &= self.new.checks_forwarded_hosts();
        for (count, group) in groups {
            let Group {
                mut row,
                span,
                line: text,
            } = group;
            row.count = count;
            row.span = span;
            if let Some(mut line) = text.as_deref().and_then(LogLine::read) {
                reading.complete(&mut line);
                explain(self.new, &line, &mut row);
            }
            report.rows.push(row);
        }
        report
    }
}

/// Says by which rules a request was decided, and what to change.
fn explain(decider: &Decider, line: &LogLine<'_>, row: &mut Row) {
    let Some(explanation) = decider.explain(line) else {
        return;
    };
    row.rules = explanation.policy;
    if let Some(hint) = explanation.hint {
        row.nearest = hint.nearest;
        row.fix = Some(hint.fix.into_owned());
    }
}

impl Report {
    /// Counts what was found.
    fn count(&mut self, finding: policy::verdict::Finding, line: &LogLine<'_>) {
        match self.findings.iter_mut().find(|it| it.0 == finding) {
            Some((_, count)) => *count += 1,
            None => self.findings.push((finding, 1)),
        }
        let is_unlogged = |name| *line.get(name) == Logged::Unlogged;
        if finding.check == Check::Cors
            && !finding.outcome.is_allowed()
            && line.value(Name::Method) == Some(b"POST")
            && is_unlogged(Name::FetchMode)
            && is_unlogged(Name::FetchSite)
        {
            self.perhaps_forms += 1;
        }
        self.forwarding_unread |= is_unlogged(Name::ForwardedHost) || is_unlogged(Name::Forwarded);
        self.span.add(line.value(Name::Time).and_then(time::read));
        if let Some(found) = line.value(Name::Finding) {
            match finding.to_string().as_bytes() == found {
                true => self.as_logged += 1,
                false => self.not_as_logged += 1,
            }
        }
    }
}
