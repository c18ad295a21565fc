//! From a log to a draft of a policy: what was answered well, and no more.

mod draft;
mod observed;
mod proposals;
mod rules;
mod write;

use std::collections::BTreeMap;

use super::groups::Groups;
use super::line::{LogLine, Logged, Name};
use super::time::{self, Span};
use policy::headers::{is_forbidden_header, is_forbidden_method, is_safelisted_method, is_token, members};
use policy::host::Host;
use policy::request::{Request, Source};

pub use draft::Draft;
use observed::{Granted, granted, is_well, is_write};

/// How many hosts are kept.
const HOSTS: usize = 1000;

/// How many pages are kept: an origin on a host that it asks.
const PAGES: usize = 10_000;

/// How many methods or headers of a host are kept.
const NAMES: usize = 256;

/// How often something came, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) span: Span,
}

impl Seen {
    fn add(&mut self, time: Option<jiff::Timestamp>) {
        self.count += 1;
        self.span.add(time);
    }

    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.span.join(other.span);
    }
}

/// What a host was asked for, and answered well.
#[derive(Clone, Debug, Default)]
pub(super) struct AskedHost {
    pub(super) name: String,
    pub(super) seen: Seen,
    /// The methods that preflights ask for, and those that need one.
    pub(super) methods: BTreeMap<String, Seen>,
    /// The headers that preflights ask for.
    pub(super) headers: BTreeMap<String, Seen>,
}

/// What the pages of an origin did on a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    pub(super) host: String,
    pub(super) origin: String,
    /// Answers that it got because it was meant.
    pub(super) reads: Seen,
    pub(super) sockets: Seen,
    /// Writes whose answer no page read, such as those of forms.
    pub(super) forms: Seen,
    /// Answers that everybody gets.
    pub(super) anybody: Seen,
    pub(super) refused: Seen,
}

/// Logs, from which a policy is learned.
pub struct Learner {
    requests: Seen,
    hosts: Groups<AskedHost>,
    pages: Groups<Page>,
    /// Answered requests of no origin that a list could have.
    opaque: u64,
    /// Which fields the log has: a set of [`Name::bit`].
    logged: u32,
    key: Vec<u8>,
}

impl Default for Learner {
    fn default() -> Self {
        Self {
            requests: Seen::default(),
            hosts: Groups::new(HOSTS),
            pages: Groups::new(PAGES),
            opaque: 0,
            logged: 0,
            key: Vec::new(),
        }
    }
}

impl Learner {
    /// Takes a line.
    pub fn add(&mut self, line: &LogLine<'_>) {
        let time = line.value(Name::Time).and_then(time::read);
        self.requests.add(time);
        for name in Name::ALL {
            let is_logged = *line.get(name) != Logged::Unlogged;
            self.logged |= if is_logged { name.bit() } else { 0 };
        }
        let request = line.request();
        let Some(host) = request.target.as_ref().map(|it| host_name(&it.host)) else {
            return;
        };
        let is_well = is_well(line);
        let granted = granted(line, &request, is_well);
        if is_well {
            let name = || AskedHost {
                name: host.clone(),
                ..AskedHost::default()
            };
            self.hosts.count(host.as_bytes(), name, |it| {
                it.seen.add(time);
                it.add_names(&request, granted, time);
            });
        }
        match &request.source {
            Source::Missing => {}
            Source::None(_) => self.opaque += u64::from(is_well && granted != Granted::No),
            // A page of the host itself needs no entry, and asks no preflight.
            Source::Origin(origin)
                if request.is_at(origin) && !request.is_downgraded_by(origin) && !request.received.is_preflight() => {}
            Source::Origin(origin) => {
                let origin = String::from_utf8_lossy(origin.text).into_owned();
                self.page(host, origin, line, &request, granted);
            }
        }
    }

    fn page(&mut self, host: String, origin: String, line: &LogLine<'_>, request: &Request<'_>, granted: Granted) {
        let time = line.value(Name::Time).and_then(time::read);
        self.key.clear();
        self.key.extend_from_slice(host.as_bytes());
        self.key.push(0);
        self.key.extend_from_slice(origin.as_bytes());
        let make = || Page {
            host,
            origin,
            ..Page::default()
        };
        let is_socket = observed::is_socket(line, request);
        self.pages.count(&self.key, make, |page| {
            let seen = match granted {
                Granted::Named if is_socket => &mut page.sockets,
                Granted::Named => &mut page.reads,
                Granted::Anybody => &mut page.anybody,
                Granted::Unread if is_write(request) => &mut page.forms,
                Granted::Unread => return,
                Granted::No => &mut page.refused,
            };
            seen.add(time);
        });
    }

    /// What there is to say of all of them.
    ///
    /// # Errors
    ///
    /// Why there is nothing to learn.
    pub fn finish(self, reading: &super::Reading) -> Result<Draft, String> {
        Draft::of(self, reading)
    }
}

impl AskedHost {
    /// Adds what a request shows of methods and headers that pages of other origins use.
    fn add_names(&mut self, request: &Request<'_>, granted: Granted, time: Option<jiff::Timestamp>) {
        if !matches!(granted, Granted::Named | Granted::Anybody) || !matches!(request.source, Source::Origin(_)) {
            return;
        }
        let received = &request.received;
        let add = |names: &mut BTreeMap<String, Seen>, name: String| {
            if names.len() < NAMES || names.contains_key(&name) {
                names.entry(name).or_default().add(time);
            }
        };
        let is_preflight = received.is_preflight();
        let method = match is_preflight {
            true => received.request_method.one(),
            false => Some(received.method).filter(|it| !is_safelisted_method(it) && *it != b"OPTIONS"),
        };
        let method = method.filter(|it| is_token(it) && !is_forbidden_method(it) && !it.contains(&b'*'));
        if let Some(method) = method.filter(|_| !received.is_websocket()) {
            add(&mut self.methods, String::from_utf8_lossy(method).into_owned());
        }
        let lists = received.request_headers.iter().filter(|_| is_preflight);
        for name in lists
            .flat_map(|list| members(list))
            .filter(|it| is_token(it) && !it.contains(&b'*'))
        {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if !is_forbidden_header(&name) {
                add(&mut self.headers, name);
            }
        }
    }
}

/// A host as `allowed_hosts` would have it.
fn host_name(host: &Host<'_>) -> String {
    let text = policy::host::without_root_dot(host.text());
    String::from_utf8_lossy(text).to_ascii_lowercase()
}
