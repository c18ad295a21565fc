//! From a configuration to a [`Policy`]: everything that an operator writes is read here, and nothing of it later.
//!
//! All errors are reported at once. A configuration with any is refused as a whole.

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
mod changed;
mod checks;
#[cfg(not(target_arch = "wasm32"))]
mod convert;
mod cors;
mod diagnostic;
mod diagnostic_code;
mod django;
#[cfg(not(target_arch = "wasm32"))]
mod grants;
mod object_reader;
mod origins;
mod presets;
mod protobuf;
mod provenance;
mod rules;
mod value;
mod warnings;

use std::fmt;

use diagnostic::Diagnostics;
use object_reader::ObjectReader;
use policy::fnv;
use policy::path::PathPrefix;
use policy::pattern::HostPattern;
use policy::{Policy, Scoped};
use protobuf::Malformed;
use rules::{RulesBuilder, Shared};
use value::Value;

#[cfg(not(target_arch = "wasm32"))]
pub use changed::changes;
pub use checks::SECTIONS;
#[cfg(not(target_arch = "wasm32"))]
pub use convert::{Converted, SCHEMA, SETTING_NAMES, convert_django, convert_json, entries};
pub use cors::{DEFAULT_HEADERS, DEFAULT_METHODS};
pub use diagnostic::Diagnostic;
pub use diagnostic_code::DiagnosticCode;
pub use django::{Environment, Settings};
#[cfg(not(target_arch = "wasm32"))]
pub use grants::grants;
pub use presets::{PRESETS, Preset};
pub use provenance::Provenance;
#[cfg(not(target_arch = "wasm32"))]
pub use warnings::code_of_host;

/// A policy ready for use.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Where its keys were written.
    pub provenance: Provenance,
    /// What tells it from other policies: a hash of the configuration's bytes and of the settings that it uses.
    pub digest: String,
    /// What the operator should know about it.
    pub warnings: Vec<Diagnostic>,
    /// The keys that the configuration itself gives.
    pub keys: Vec<String>,
    /// How many entries `allowed_origins` has.
    pub origins: usize,
    /// How many entries `allowed_hosts` has.
    pub hosts: usize,
}

impl Loaded {
    /// How much there is, and where each setting came from; with as many warnings as are told.
    #[must_use]
    pub fn summary(&self, warnings: usize) -> impl fmt::Display {
        let (origins, hosts) = (self.origins, self.hosts);
        let policies = self.policy.scoped.len();
        let Settings { used, overridden, .. } = &self.provenance.settings;
        let (keys, used, overridden) = (self.keys.join(","), used.join(","), overridden.join(","));
        fmt::from_fn(move |f| {
            write!(
                f,
                "digest={} origins={origins} hosts={hosts} policies={policies} warnings={warnings} from_policy={keys} \
                 from_environment={used} overridden={overridden}",
                self.digest
            )
        })
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary(self.warnings.len()).fmt(f)
    }
}

/// Every error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Each of these refuses it.
    pub errors: Vec<Diagnostic>,
    /// What would have been warned of besides.
    pub warnings: Vec<Diagnostic>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Reads a policy from JSON, or from a serialized `google.protobuf.Struct`, without an environment.
///
/// ```
/// # use origin_gate_config as config;
/// let loaded = config::load(br#"{"allowed_origins": ["https://*.example.com"]}"#)?;
/// assert_eq!(loaded.origins, 1);
/// assert!(loaded.policy.rules.cors.is_some());
///
/// let refused = config::load(br#"{"allowed_origins": ["https://example.com/"]}"#).unwrap_err();
/// assert_eq!(refused.errors[0].code(), "origin_path");
/// assert_eq!(
///     refused.to_string(),
///     "allowed_origins[0]: `https://example.com/`: an origin ends after the host or port: no path, not even `/`, no query; \
///      write `https://example.com`"
/// );
/// # Ok::<(), config::ConfigErrors>(())
/// ```
///
/// # Errors
///
/// Every error there is, each with its path, the value and the fix.
pub fn load(configuration: &[u8]) -> Result<Loaded, ConfigErrors> {
    load_with(configuration, &|_| None)
}

/// Reads a policy, and where it says `django_env`, the settings in the environment.
///
/// # Errors
///
/// Every error there is, each with its path or the name of its setting, the value and the fix.
pub fn load_with(configuration: &[u8], environment: &Environment<'_>) -> Result<Loaded, ConfigErrors> {
    let mut root = parse(configuration).map_err(|diagnostic| ConfigErrors {
        errors: vec![diagnostic],
        warnings: Vec::new(),
    })?;
    let mut diagnostics = Diagnostics::default();
    let keys = keys(&root);
    let is_django = root
        .iter()
        .any(|(key, value)| key == "django_env" && *value == Value::Bool(true));
    let settings = match is_django {
        true => django::add(&mut root, environment, &mut diagnostics),
        false => Settings::default(),
    };
    if is_django && settings.is_empty() && diagnostics.errors.is_empty() {
        diagnostics.error(Diagnostic::at("django_env", DiagnosticCode::DjangoMissing));
    }
    let is_django_hosts = settings.used.contains(&"ALLOWED_HOSTS");
    let mut loaded = read_policy(ObjectReader::root(&root), is_django_hosts, &mut diagnostics);
    if diagnostics.errors.is_empty() {
        warnings::add(&root, &loaded.policy, &settings, &mut diagnostics);
    }
    let rename = |diagnostics: Vec<Diagnostic>| {
        diagnostics
            .into_iter()
            .map(|diagnostic| settings.rename(diagnostic))
            .collect()
    };
    let (errors, warnings): (Vec<_>, _) = (rename(diagnostics.errors), rename(diagnostics.warnings));
    if !errors.is_empty() {
        return Err(ConfigErrors { errors, warnings });
    }
    loaded.warnings = warnings;
    loaded.digest = digest(configuration, &settings, environment);
    loaded.provenance.settings = settings;
    loaded.keys = keys;
    Ok(loaded)
}

/// The keys that are given, those of sections with the section's name.
fn keys(root: &[(String, Value)]) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in root {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                keys.extend(entries.iter().map(|(inner, _)| [key, ".", inner].concat()))
            }
            _ => keys.push(key.clone()),
        }
    }
    keys
}

/// Tells policies apart, no more.
fn digest(configuration: &[u8], settings: &Settings, environment: &Environment<'_>) -> String {
    let values = settings.used.iter().filter_map(|name| environment(name));
    let add = |hash, bytes: &[u8]| bytes.iter().fold(hash, |hash, &byte| fnv::add(hash, byte));
    let hash = values.fold(add(fnv::SEED, configuration), |hash, value| add(hash, value.as_bytes()));
    format!("{hash:016x}")
}

/// JSON, or a `google.protobuf.Struct`. No message is JSON: after its first byte, a line feed, come control characters
/// that JSON does not allow.
fn parse(bytes: &[u8]) -> Result<Vec<(String, Value)>, Diagnostic> {
    const WHOLE: &str = "configuration";
    const SMALLEST: &str = r#"the smallest policy is `{"allowed_origins": ["https://app.example"]}`"#;
    let refuse = |code, message| Err(Diagnostic::at(WHOLE, (code, message)));
    if bytes.trim_ascii().is_empty() {
        return refuse(DiagnosticCode::Empty, format!("it is empty; {SMALLEST}"));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        let message = "it begins with a byte-order mark; save it as UTF-8 without one".to_owned();
        return refuse(DiagnosticCode::NotJson, message);
    }
    let error = match serde_json::from_slice(bytes) {
        Ok(Value::Object(entries)) if entries.is_empty() => {
            return refuse(DiagnosticCode::Empty, format!("it says nothing; {SMALLEST}"));
        }
        Ok(Value::Object(entries)) => return Ok(entries),
        Ok(other) => {
            let message = format!("a JSON object is expected; {SMALLEST}");
            return Err(Diagnostic::on(WHOLE, other, (DiagnosticCode::NotPolicy, message)));
        }
        Err(error) => error,
    };
    let looks_like_json = bytes.trim_ascii_start().starts_with(b"{");
    let malformed = match protobuf::parse_struct(bytes) {
        Ok(entries) => return Ok(entries),
        Err(_) if !bytes.starts_with(b"\n") || looks_like_json => {
            return refuse(DiagnosticCode::NotJson, format!("it is not JSON: {error}"));
        }
        Err(malformed) => malformed,
    };
    Err(Diagnostic::at(
        WHOLE,
        match malformed {
            Malformed::Message => DiagnosticCode::NotStruct,
            Malformed::String => DiagnosticCode::StructText,
            Malformed::TooDeep => DiagnosticCode::StructDepth,
        },
    ))
}

fn read_policy(mut root: ObjectReader<'_>, is_django_hosts: bool, diagnostics: &mut Diagnostics) -> Loaded {
    root.bool("django_env", false, diagnostics);
    let debug = root.bool("debug", false, diagnostics);
    if debug {
        diagnostics.warn(Diagnostic::at("debug", DiagnosticCode::DebugOn));
    }
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
        digest: String::new(),
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
