//! What Envoy runs: the module or its native twin.

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::Suite;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Artefact {
    Module,
    Twin,
}

impl Artefact {
    fn path(self) -> String {
        let variable = match self {
            Self::Module => "ORIGIN_GATE_MODULE",
            Self::Twin => "ORIGIN_GATE_TWIN",
        };
        env::var(variable).unwrap_or_else(|_| panic!("{variable} names a file: run ./build.sh test"))
    }

    /// What its counters begin with.
    pub(super) fn counters(self) -> &'static str {
        match self {
            Self::Module => "wasmcustom.",
            Self::Twin => "dynamicmodulescustom.",
        }
    }

    /// The name of its log in Envoy.
    pub(super) fn log(self) -> &'static str {
        match self {
            Self::Module => "wasm",
            Self::Twin => "dynamic_modules",
        }
    }

    /// What the access log shows of a decision.
    pub(super) fn finding(self) -> &'static str {
        match self {
            Self::Module => "%FILTER_STATE(wasm.origin_gate:PLAIN)%",
            Self::Twin => "%FILTER_STATE(origin_gate:PLAIN)%",
        }
    }

    /// The suites that one Envoy can run: a VM has an environment of its own, and what Envoy loads into itself has Envoy's.
    pub(super) fn together(self, suites: Vec<Suite>) -> Vec<Vec<Suite>> {
        if self == Self::Module {
            return vec![suites];
        }
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for suite in suites {
            groups.entry(suite.environment.clone()).or_default().push(suite);
        }
        groups.into_values().collect()
    }

    /// The environment of the Envoy that runs these suites.
    pub(super) fn environment(self, suites: &[Suite]) -> HashMap<String, String> {
        if self == Self::Module {
            return HashMap::new();
        }
        let path = PathBuf::from(self.path());
        let folder = path.parent().map(Path::to_string_lossy).unwrap_or_default();
        let mut environment = suites.first().map(variables).unwrap_or_default();
        environment.insert("ENVOY_DYNAMIC_MODULES_SEARCH_PATH".to_owned(), folder.into_owned());
        environment
    }

    pub(super) fn filter(self, listener: &str, suite: &Suite, configuration: &Value) -> Value {
        let typed_config = match self {
            Self::Module => self.module(listener, suite, configuration),
            Self::Twin => json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
                "dynamic_module_config": { "name": "origin_gate" },
                "filter_name": "origin_gate",
                "filter_config": configuration,
            }),
        };
        json!({ "name": "origin_gate", "typed_config": typed_config })
    }

    fn module(self, listener: &str, suite: &Suite, configuration: &Value) -> Value {
        // VMs are shared by those that are configured alike.
        let vm_id = match suite.environment.is_empty() {
            true => "origin_gate",
            false => listener,
        };
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "origin_gate",
                "root_id": "origin_gate",
                "failure_policy": "FAIL_CLOSED",
                "configuration": configuration,
                "vm_config": {
                    "vm_id": vm_id,
                    "environment_variables": { "key_values": variables(suite) },
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": self.path() } },
                },
            },
        })
    }
}

/// The environment of a suite.
fn variables(suite: &Suite) -> HashMap<String, String> {
    suite.environment.iter().cloned().collect()
}
