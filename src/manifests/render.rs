//! A policy in the resource of a control plane: the manifests that the project ships, with another policy in them.

use super::node::Node;
use super::write::{Syntax, lines};
use config::SETTING_NAMES;

/// What a policy can be written into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The filter, for `http_filters` of an Envoy configuration.
    Envoy,
    /// A file that Envoy reads again whenever another is moved in its place (`config_discovery`).
    Ecds,
    /// Istio's `WasmPlugin`.
    Istio,
    /// Istio's `TrafficExtension`, which supersedes `WasmPlugin` from Istio 1.30 on.
    IstioTrafficExtension,
    /// Envoy Gateway's `EnvoyExtensionPolicy`.
    EnvoyGateway,
}

impl Target {
    /// The manifest that the project ships.
    const fn manifest(self) -> &'static str {
        match self {
            Self::Envoy => include_str!("../../envoy/envoy.yaml"),
            Self::Ecds => include_str!("../../envoy/hot-reload/origin_gate.yaml"),
            Self::Istio => include_str!("../../envoy/istio/wasmplugin.yaml"),
            Self::IstioTrafficExtension => include_str!("../../envoy/istio/trafficextension.yaml"),
            Self::EnvoyGateway => include_str!("../../envoy/envoy-gateway/policy.yaml"),
        }
    }

    /// The line over the policy, and how the lines of the policy are written.
    const fn policy_line(self) -> (&'static str, Syntax) {
        match self {
            Self::Envoy | Self::Ecds => ("value: |", Syntax::Json),
            Self::Istio | Self::IstioTrafficExtension => ("pluginConfig:", Syntax::Yaml),
            Self::EnvoyGateway => ("config:", Syntax::Yaml),
        }
    }

    /// The line after which the environment of the plugin's VM stands, and how it is written.
    const fn environment(self) -> (&'static str, Environment) {
        match self {
            Self::Envoy | Self::Ecds => ("runtime: envoy.wasm.runtime.v8", Environment::Envoy),
            Self::Istio | Self::IstioTrafficExtension => ("pluginName: origin_gate", Environment::Istio),
            Self::EnvoyGateway => ("rootID: origin_gate", Environment::EnvoyGateway),
        }
    }
}

#[derive(Clone, Copy)]
enum Environment {
    Envoy,
    Istio,
    EnvoyGateway,
}

impl Environment {
    /// The keys that hand Django's settings to the plugin.
    fn lines(self, pad: &str) -> String {
        let names = SETTING_NAMES.join(", ");
        match self {
            Self::Envoy => format!("{pad}environment_variables:\n{pad}  host_env_keys: [{names}]\n"),
            Self::EnvoyGateway => format!("{pad}env:\n{pad}  hostKeys: [{names}]\n"),
            Self::Istio => {
                let variable = |name: &str| format!("{pad}    - {{ name: {name}, valueFrom: HOST }}\n");
                let variables: String = SETTING_NAMES.map(variable).concat();
                format!("{pad}vmConfig:\n{pad}  env:\n{variables}")
            }
        }
    }
}

/// Writes a policy, as [`policies`](super::policies) finds one, into the resource of a control plane. A policy with
/// `django_env` gets the variables that it reads.
///
/// # Errors
///
/// If the policy is no JSON object. Whether it loads is not asked here.
pub fn render(policy: &[u8], target: Target) -> Result<String, String> {
    let policy: Node = serde_json::from_slice(policy).map_err(|error| format!("the policy is no JSON: {error}"))?;
    if !matches!(policy, Node::Object(_)) {
        return Err("the policy is no JSON object".to_owned());
    }
    let reads_settings = policy.get("django_env") == Some(&Node::Bool(true));
    let (policy_line, syntax) = target.policy_line();
    let (environment_line, environment) = target.environment();
    let mut text = String::new();
    let mut skipped = None;
    for line in manifest(target) {
        let indentation = indentation(line);
        // The lines of the policy that the manifest has.
        if skipped.is_some_and(|it| indentation > it) {
            continue;
        }
        skipped = None;
        text.push_str(line);
        text.push('\n');
        if line.trim() == policy_line {
            skipped = Some(indentation);
            text.push_str(&lines(&policy, syntax, indentation.saturating_add(2)));
        } else if reads_settings && line.trim() == environment_line {
            text.push_str(&environment.lines(&" ".repeat(indentation)));
        }
    }
    Ok(text)
}

/// The lines of a manifest. Of a whole Envoy configuration, those of the filter.
fn manifest(target: Target) -> Vec<&'static str> {
    let all = target.manifest().lines();
    if target != Target::Envoy {
        return all.collect();
    }
    let filter: Vec<_> = all.skip_while(|line| line.trim() != "- name: origin_gate").collect();
    let outer = filter.first().map_or(0, |line| indentation(line));
    let ends = filter.iter().skip(1).position(|line| indentation(line) <= outer);
    let whole = filter
        .into_iter()
        .take(ends.map_or(usize::MAX, |it| it.saturating_add(1)));
    whole.map(|line| line.get(outer..).unwrap_or(line)).collect()
}

fn indentation(line: &str) -> usize {
    line.len().saturating_sub(line.trim_start().len())
}
