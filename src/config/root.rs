//! The top of a policy, and the entries of `policies`.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::loaded::{Loaded, OnRefusedUpdate};
use super::object_reader::{self, ObjectReader};
use super::origins;
use super::provenance::Provenance;
use super::rules::{RulesBuilder, Shared};
use policy::path::PathPrefix;
use policy::pattern::HostPattern;
use policy::{Policy, Scoped};

pub(crate) fn read(mut root: ObjectReader<'_>, is_django_hosts: bool, diagnostics: &mut Diagnostics) -> Loaded {
    root.bool("django_env", false, diagnostics);
    let debug = root.bool("debug", false, diagnostics);
    if debug {
        diagnostics.warn(Diagnostic::at("debug", DiagnosticCode::DebugOn));
    }
    let on_refused_update = root.choice(
        "on_refused_update",
        &[("reject", OnRefusedUpdate::Reject), ("keep", OnRefusedUpdate::Keep)],
        OnRefusedUpdate::Reject,
        diagnostics,
    );
    let shared = Shared {
        dangerous: origins::read_dangerous(&mut root, diagnostics),
        debug,
        is_django_hosts,
    };
    let builder = RulesBuilder::read(&mut root, None, shared, diagnostics);
    let mut provenance = Provenance::default();
    let scoped = root.objects("policies", diagnostics).into_iter().map(|mut section| {
        let (hosts, paths) = read_match(section.object("match", diagnostics), diagnostics);
        let hosts = hosts.map(|it| it.into_iter().collect());
        let name = section.string("name", diagnostics).map(str::to_owned);
        let rules = RulesBuilder::read(&mut section, Some(&builder), shared, diagnostics).build(shared);
        provenance.add_entry(&section);
        section.finish(diagnostics);
        Scoped {
            name,
            hosts,
            paths,
            rules,
        }
    });
    let scoped = scoped.collect();
    root.finish(diagnostics);
    let (origins, hosts) = builder.counts();
    Loaded {
        policy: Policy::new(scoped, builder.build(shared), debug),
        provenance,
        on_refused_update,
        digest: String::new(),
        digest_number: 0,
        compiled_from: None,
        warnings: Vec::new(),
        keys: Vec::new(),
        origins,
        hosts,
    }
}

fn read_match(
    mut section: ObjectReader<'_>,
    diagnostics: &mut Diagnostics,
) -> (Option<Vec<HostPattern>>, Vec<PathPrefix>) {
    let hosts = section
        .list("hosts", diagnostics)
        .map(|items| object_reader::parse_all(&items, HostPattern::parse, diagnostics));
    let paths = section
        .list("path_prefixes", diagnostics)
        .map(|items| object_reader::parse_all(&items, PathPrefix::parse, diagnostics));
    let mut is_given = false;
    for key in ["hosts", "path_prefixes"] {
        is_given |= section.has(key);
        if section.has_empty_list(key) {
            diagnostics.error(Diagnostic::at(&section.path_of(key), DiagnosticCode::MatchEmpty));
        }
    }
    if !is_given {
        diagnostics.error(Diagnostic::at(section.path(), DiagnosticCode::MatchMissing));
    }
    section.finish(diagnostics);
    (hosts, paths.unwrap_or_default())
}
