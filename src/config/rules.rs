//! One set of rules: the keys that stand at the top and in each entry of `policies`.

use std::rc::Rc;
use std::sync::Arc;

use super::checks::{self, WrittenWebSocket};
use super::cors;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::object_reader::ObjectReader;
use super::origins::{self, WrittenOrigins};
use policy::check::{Cors, Csrf, Hosts};
use policy::rules::{DangerousOptions, Rules};
use policy::set::HostSet;

/// What holds for all rules of a policy.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    /// The risks that are taken on purpose.
    pub dangerous: DangerousOptions,
    /// `debug`.
    pub debug: bool,
    /// Whether the `allowed_hosts` at the top are Django's `ALLOWED_HOSTS`. Then they are for WebSockets too, as in
    /// Channels, unless `websocket.allowed_hosts` says otherwise.
    pub is_django_hosts: bool,
}

/// Whether `websocket.allowed_hosts` has Channels' default in an entry of `policies`: it has it outside, and the entry has
/// no list of its own in the place of Django's.
pub(crate) fn keeps_django_hosts(outside: bool, gives_hosts: bool) -> bool {
    outside && !gives_hosts
}

/// Rules as read, with what their checks of each other need. An entry of `policies` starts from those around it.
#[derive(Clone)]
pub(crate) struct RulesBuilder<'n> {
    origins: Rc<WrittenOrigins<'n>>,
    allowed_hosts: Option<Arc<HostSet>>,
    host_count: usize,
    hosts: Option<Arc<Hosts>>,
    websocket: Option<WrittenWebSocket>,
    is_django_hosts: bool,
    csrf: Option<Arc<Csrf>>,
    cors: Option<Arc<Cors>>,
    credentials: bool,
}

impl<'n> RulesBuilder<'n> {
    /// Reads the keys that are given; each replaces the whole of what is inherited under it.
    pub(crate) fn read(
        section: &mut ObjectReader<'n>,
        inherited: Option<&Self>,
        shared: Shared,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut builder = match inherited {
            Some(inherited) => inherited.clone(),
            None => Self::defaults(shared),
        };
        let lists_origins = section.has("allowed_origins") || section.has("allowed_origin_regexes");
        let origins = WrittenOrigins::read(section, diagnostics);
        if lists_origins {
            builder.origins = Rc::new(origins);
        }
        if let Some(patterns) = checks::read_allowed_hosts(section, diagnostics) {
            let outside = builder.is_django_hosts;
            builder.is_django_hosts = keeps_django_hosts(outside, inherited.is_some());
            builder.host_count = patterns.len();
            builder.allowed_hosts = Some(Arc::new(patterns.into_iter().collect()));
        }
        let cors = cors::read(section.object("cors", diagnostics), shared.debug, diagnostics);
        let websocket = checks::read_websocket(section.object("websocket", diagnostics), diagnostics);
        let hosts = checks::read_hosts(section.object("hosts", diagnostics), diagnostics);
        let csrf = checks::read_csrf(section.object("csrf", diagnostics), section.has("csrf"), diagnostics);
        let is_new = |key| inherited.is_none() || section.has(key);
        if is_new("cors") {
            builder.credentials = cors.credentials;
            builder.cors = cors.rules.map(Arc::new);
        }
        if is_new("websocket") {
            builder.websocket = websocket;
        }
        if is_new("hosts") {
            builder.hosts = hosts.map(Arc::new);
        }
        if is_new("csrf") {
            builder.csrf = csrf.map(Arc::new);
        }
        if lists_origins || is_new("cors") {
            builder
                .origins
                .check(shared.dangerous, builder.credentials, section, diagnostics);
        }
        builder.warn(section, inherited, diagnostics);
        builder
    }

    fn defaults(shared: Shared) -> Self {
        Self {
            origins: Rc::new(WrittenOrigins::none()),
            allowed_hosts: None,
            host_count: 0,
            hosts: None,
            websocket: None,
            is_django_hosts: shared.is_django_hosts,
            csrf: None,
            cors: None,
            credentials: false,
        }
    }

    /// The combinations that work, but perhaps not as meant.
    fn warn(&self, section: &ObjectReader<'_>, inherited: Option<&Self>, diagnostics: &mut Diagnostics) {
        let mut warn = |key: &str, is_so: &dyn Fn(&Self) -> bool, code: DiagnosticCode| {
            if is_so(self) && !inherited.is_some_and(is_so) {
                diagnostics.warn(Diagnostic::at(&section.path_of(key), code));
            }
        };
        warn(
            "websocket.same_host",
            &|it| {
                it.websocket.is_some_and(|it| it.same_host()) && it.allowed_hosts.as_ref().is_none_or(|it| it.is_any())
            },
            DiagnosticCode::Rebinding,
        );
    }

    /// How many origins and hosts are listed.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.origins.len(), self.host_count)
    }

    /// The rules.
    pub(crate) fn build(self, shared: Shared) -> Rules {
        let is_django_hosts = self.is_django_hosts;
        Rules {
            origins: origins::compile(&self.origins, shared.dangerous, self.credentials),
            allowed_hosts: self.allowed_hosts,
            hosts: self.hosts,
            websocket: self.websocket.map(|it| it.with_default(is_django_hosts)),
            csrf: self.csrf,
            cors: self.cors,
        }
    }
}
