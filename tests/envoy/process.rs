//! A running Envoy, and its configuration.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::{Value, json};

use super::PATIENCE;
use super::artefact::Artefact;
use super::exchange::{Backend, get};
use crate::support::Suite;

pub(super) struct RunningEnvoy {
    pub artefact: Artefact,
    pub process: Child,
    pub folder: PathBuf,
    pub admin: SocketAddr,
    pub listeners: HashMap<String, SocketAddr>,
}

impl RunningEnvoy {
    pub(super) fn start(artefact: Artefact, suites: &[Suite], backend: &Backend) -> Self {
        Self::spawn(artefact, suites, backend).wait()
    }

    /// Waits until it answers.
    pub(super) fn wait(self) -> Self {
        let mut envoy = self;
        let started = Instant::now();
        let address = envoy.folder.join("admin");
        loop {
            assert!(started.elapsed() < PATIENCE, "Envoy did not start:\n{}", envoy.log());
            let exit = envoy.process.try_wait().unwrap();
            assert!(exit.is_none(), "Envoy ended:\n{}", envoy.log());
            if let Some(admin) = fs::read_to_string(&address).ok().and_then(|it| it.trim().parse().ok()) {
                envoy.admin = admin;
                if TcpStream::connect(admin).is_ok() && get(admin, "/ready").trim() == "LIVE" {
                    break;
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
        let listeners: Value = serde_json::from_str(&get(envoy.admin, "/listeners?format=json")).unwrap();
        for status in listeners["listener_statuses"].as_array().unwrap() {
            let address = &status["local_address"]["socket_address"];
            let address = format!("{}:{}", address["address"].as_str().unwrap(), address["port_value"]);
            envoy
                .listeners
                .insert(status["name"].as_str().unwrap().to_owned(), address.parse().unwrap());
        }
        envoy
    }

    pub(super) fn spawn(artefact: Artefact, suites: &[Suite], backend: &Backend) -> Self {
        Self::spawn_with(artefact, suites, |folder| {
            let access_log = folder.join("access");
            envoy_config(artefact, suites, backend, &access_log.to_string_lossy())
        })
    }

    /// Starts it with a configuration, which may name files of its folder.
    pub(super) fn spawn_with(artefact: Artefact, suites: &[Suite], config: impl FnOnce(&Path) -> Value) -> Self {
        let binary = env::var("ENVOY_BIN").expect("ENVOY_BIN names Envoy: run ./build.sh test");
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("origin-gate-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = config(&folder);
        fs::write(
            folder.join("envoy.json"),
            serde_json::to_string_pretty(&config).unwrap(),
        )
        .unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let process = Command::new(binary)
            .arg("--config-path")
            .arg(folder.join("envoy.json"))
            .arg("--admin-address-path")
            .arg(folder.join("admin"))
            .args(["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"])
            .args(["--component-log-level", &format!("{}:info", artefact.log())])
            .args(["--file-flush-interval-msec", "50"])
            .envs(artefact.environment(suites))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let admin = "127.0.0.1:0".parse().unwrap();
        Self {
            artefact,
            process,
            folder,
            admin,
            listeners: HashMap::new(),
        }
    }

    pub(super) fn address(&self, listener: &str) -> SocketAddr {
        self.listeners[listener]
    }

    pub(super) fn access_log(&self) -> PathBuf {
        self.folder.join("access")
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    pub(super) fn version(&self) -> String {
        let info: Value = serde_json::from_str(&get(self.admin, "/server_info")).unwrap();
        format!("Envoy {}", info["version"].as_str().unwrap().split('/').nth(1).unwrap())
    }

    /// Whether it ended well.
    pub(super) fn wait_for_exit(&mut self) -> bool {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.success();
            }
            if started.elapsed() > PATIENCE {
                return true;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for RunningEnvoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub(super) fn listener_name(number: usize) -> String {
    format!("policy-{number}")
}

pub(super) fn envoy_config(artefact: Artefact, suites: &[Suite], backend: &Backend, access_log: &str) -> Value {
    let listeners: Vec<_> = suites
        .iter()
        .enumerate()
        .map(|(number, suite)| listener(artefact, number, suite, access_log))
        .collect();
    json!({
        "admin": { "address": socket(([127, 0, 0, 1], 0).into()) },
        "static_resources": {
            "listeners": listeners,
            "clusters": [cluster("backend", backend.address)],
        },
    })
}

pub(super) fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

pub(super) fn cluster(name: &str, address: SocketAddr) -> Value {
    let endpoints = json!([{ "endpoint": { "address": socket(address) } }]);
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] },
    })
}

/// The policy in each of the forms that Envoy takes, in turn.
pub(super) fn configuration(number: usize, policy: &str) -> Value {
    match number % 3 {
        0 => json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy }),
        1 => {
            let policy: Value = serde_json::from_str(policy).unwrap();
            json!({ "@type": "type.googleapis.com/google.protobuf.Struct", "value": policy })
        }
        _ => json!({ "@type": "type.googleapis.com/google.protobuf.BytesValue", "value": base64(policy.as_bytes()) }),
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let is_padding = digit > chunk.len();
            text.push(if is_padding {
                '='
            } else {
                ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize].into()
            });
        }
    }
    text
}

pub(super) fn listener(artefact: Artefact, number: usize, suite: &Suite, access_log: &str) -> Value {
    let name = &listener_name(number);
    let routes = json!([
        { "match": { "prefix": "/no-route/" }, "direct_response": { "status": 404 } },
        { "match": { "safe_regex": { "regex": ".*" } }, "route": { "cluster": "backend" } },
    ]);
    json!({
        "name": name,
        "address": socket(([127, 0, 0, 1], 0).into()),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": name,
                "upgrade_configs": [{ "upgrade_type": "websocket" }, { "upgrade_type": "spdy/3.1" }],
                "access_log": [{
                    "name": "envoy.access_loggers.file",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                        "path": access_log,
                        "log_format": { "text_format_source": { "inline_string":
                            format!("%REQ(X-CASE)% {} %RESPONSE_CODE_DETAILS%\n", artefact.finding()) } },
                    },
                }],
                "http_filters": [
                    artefact.filter(name, suite, &configuration(number, &suite.policy)),
                    {
                        "name": "envoy.filters.http.router",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                        },
                    },
                ],
                "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": routes }] },
            },
        }] }],
    })
}
