//! From a configuration to a [`Policy`](policy::Policy): everything that an operator writes is read here, and nothing of it later.
//!
//! All errors are reported at once. A configuration with any is refused as a whole.

#![forbid(unsafe_code)]

#[cfg(not(target_os = "wasi"))]
mod changed;
mod checks;
#[cfg(not(target_os = "wasi"))]
mod compile;
mod compiled;
#[cfg(not(target_os = "wasi"))]
mod convert;
mod cors;
mod diagnostic;
mod diagnostic_code;
mod django;
#[cfg(not(target_os = "wasi"))]
mod grants;
mod loaded;
mod object_reader;
mod origins;
mod presets;
mod protobuf;
mod provenance;
mod root;
mod rules;
mod text;
mod value;
mod warnings;

use compiled::Source;
use diagnostic::Diagnostics;
use object_reader::ObjectReader;
use policy::fnv;
use value::Value;

#[cfg(not(target_os = "wasi"))]
pub use changed::changes;
pub use checks::SECTIONS;
#[cfg(not(target_os = "wasi"))]
pub use compile::{LONG, compile, decompile, inline};
#[cfg(not(target_os = "wasi"))]
pub use convert::{Converted, Entry, SCHEMA, convert_django, convert_json, entries};
pub use cors::{DEFAULT_HEADERS, DEFAULT_METHODS};
pub use diagnostic::Diagnostic;
pub use diagnostic_code::DiagnosticCode;
pub use django::{Environment, SETTING_NAMES, Settings, resembles_setting};
#[cfg(not(target_os = "wasi"))]
pub use grants::grants;
pub use loaded::{ConfigErrors, Loaded, OnRefusedUpdate};
pub use presets::{PRESETS, Preset};
pub use provenance::Provenance;
#[cfg(not(target_os = "wasi"))]
pub use warnings::code_of_host;

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
    load_with(configuration, &[])
}

/// Reads a policy, and where it says `django_env`, the settings in the environment.
///
/// # Errors
///
/// Every error there is, each with its path or the name of its setting, the value and the fix.
pub fn load_with(configuration: &[u8], environment: &Environment) -> Result<Loaded, ConfigErrors> {
    load_bytes(configuration.to_vec(), environment)
}

/// The same of bytes that nobody needs any more, which for a policy that was compiled is without a copy.
///
/// # Errors
///
/// Every error there is, each with its path or the name of its setting, the value and the fix.
pub fn load_bytes(configuration: Vec<u8>, environment: &Environment) -> Result<Loaded, ConfigErrors> {
    let Source {
        mut root,
        lists,
        hash,
        compiled_from,
    } = Source::read(configuration).map_err(|diagnostic| ConfigErrors {
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
    let mut loaded = root::read(ObjectReader::root(&root, &lists), is_django_hosts, &mut diagnostics);
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
    let digest = digest(hash, &settings, environment);
    loaded.digest = show(digest);
    loaded.digest_number = (digest >> 32) as u32;
    loaded.compiled_from = compiled_from;
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
fn digest(configuration: u64, settings: &Settings, environment: &Environment) -> u64 {
    let values = settings
        .used
        .iter()
        .filter_map(|name| django::variable(environment, name));
    values.fold(configuration, |hash, value| add(hash, value.as_bytes()))
}

fn hash(bytes: &[u8]) -> u64 {
    add(fnv::SEED, bytes)
}

fn add(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| fnv::add(hash, byte))
}

fn show(hash: u64) -> String {
    format!("{hash:016x}")
}
