//! The corpus through a real Envoy: one process, one listener a policy, a backend that answers what each case says.
//!
//! `./build.sh test` names the binary and the module in `ENVOY_BIN` and `ORIGIN_GATE_MODULE`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that does not get what it needs has failed"
)]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::{Value, json};
use support::{Case, Envoy, Response, Seen, Suite};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn the_corpus_passes_on_a_real_envoy() {
    let suites = support::corpus();
    let backend = Backend::start();
    let proxy = RunningEnvoy::start(&suites, &backend);
    let mut failures = BTreeMap::new();
    let mut findings = HashMap::new();
    let mut count = 0;
    for (number, suite) in suites.iter().enumerate() {
        let address = proxy.address(&listener_name(number));
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::CannotSay) {
            count += 1;
            let id = format!("case-{count}");
            let name = format!("{}: {}", suite.file, case.name);
            let seen = exchange(address, case, &id, &backend);
            let differences = match case.envoy {
                Envoy::Refuses(status) => refused_differences(status, &seen),
                _ => {
                    findings.insert(id, (name.clone(), case.finding.clone()));
                    case.differences(&seen)
                }
            };
            if !differences.is_empty() {
                failures.insert(name, differences);
            }
        }
    }
    assert!(count >= 120, "only {count} cases: is the corpus there?");
    compare_access_log(&proxy, &findings, &mut failures);
    compare_counters(&proxy, findings.values().map(|(_, finding)| finding), &mut failures);
    if !failures.is_empty() {
        println!("{}", proxy.log());
    }
    support::report(&failures, count);
    println!("{count} cases passed on {}", proxy.version());
}

#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn a_wrong_policy_keeps_envoy_from_starting() {
    let policy = r#"{"allowed_origins": ["slykertech.co.zw", "https://a.example/"], "alowed_hosts": []}"#;
    let suite = Suite {
        file: "wrong".to_owned(),
        policy: policy.to_owned(),
        environment: BTreeMap::new(),
        cases: Vec::new(),
    };
    let backend = Backend::start();
    let mut process = RunningEnvoy::spawn(&[suite], &backend);
    let status = process.wait_for_exit();
    assert!(!status, "Envoy started with a policy that is wrong");
    let log = process.log();
    for line in [
        "allowed_origins[0]: `slykertech.co.zw`: an origin begins with a scheme; write `https://slykertech.co.zw`",
        "allowed_origins[1]: `https://a.example/`: an origin ends after the host or port: no path, not even `/`, \
         no query; write `https://a.example`",
        "alowed_hosts: unknown key; did you mean `allowed_hosts`?",
    ] {
        assert!(log.contains(line), "not logged: {line}\n{log}");
    }
}

/// A list as long as anybody's: it fits, and is as right as a short one.
#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn a_hundred_thousand_origins_fit() {
    const COUNT: usize = 100_000;
    let origin = |number: usize| format!("https://shop-{number}.example-{}.example", number % 977);
    let origins: Vec<_> = (0..COUNT).map(origin).collect();
    let policy = json!({ "allowed_origins": origins, "allowed_hosts": ["api.example"] }).to_string();
    let case = |origin: &str, is_allowed: bool| {
        let answer: &[(&str, &str)] = &[("access-control-allow-origin", origin), ("vary", "Origin")];
        let headers = answer
            .iter()
            .skip(usize::from(!is_allowed))
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Case {
            headers: vec![
                ("host".into(), b"api.example".to_vec()),
                ("origin".into(), origin.as_bytes().to_vec()),
            ],
            answer: Response {
                status: 200,
                headers: headers.collect(),
            },
            ..support::get_case()
        }
    };
    let cases = vec![
        case(&origin(0), true),
        case(&origin(COUNT - 1), true),
        case("https://shop-1.example-2.example", false),
    ];
    let suite = Suite {
        file: "large".to_owned(),
        policy,
        environment: BTreeMap::new(),
        cases,
    };
    let backend = Backend::start();
    let proxy = RunningEnvoy::start(std::slice::from_ref(&suite), &backend);
    for (number, case) in suite.cases.iter().enumerate() {
        let seen = exchange(
            proxy.address(&listener_name(0)),
            case,
            &format!("large-{number}"),
            &backend,
        );
        assert_eq!(case.differences(&seen), [""; 0]);
    }
    let log = proxy.log();
    let figure = |name: &str| {
        log.split_once(name)
            .unwrap()
            .1
            .split([' ', '\n'])
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    assert_eq!(
        log.matches("Origin Gate policy loaded").count(),
        1,
        "told once, not once a worker: {log}"
    );
    let (memory, load) = (figure(" memory_kib="), figure(" load_ms="));
    println!("{COUNT} origins: {load} ms to load, {memory} KiB of memory a VM");
    assert!(memory <= 64 << 10, "{memory} KiB");
}

fn refused_differences(status: u16, seen: &Seen) -> Vec<String> {
    let mut differences = Vec::new();
    if seen.answer.status != status {
        differences.push(format!("Envoy answers {}, not {status}", seen.answer.status));
    }
    if seen.forwarded.is_some() {
        differences.push("the backend was reached".to_owned());
    }
    differences
}

/// What the access log shows of each request is what its case expects.
fn compare_access_log(
    proxy: &RunningEnvoy,
    findings: &HashMap<String, (String, String)>,
    failures: &mut BTreeMap<String, Vec<String>>,
) {
    let started = Instant::now();
    let read = || -> HashMap<String, String> {
        let log = fs::read_to_string(proxy.access_log()).unwrap_or_default();
        let lines = log.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(id, finding)| (id.to_owned(), finding.to_owned())).collect()
    };
    while read().len() < findings.len() && started.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    let logged = read();
    for (id, (name, finding)) in findings {
        let got = logged.get(id).map_or("(no line)", String::as_str);
        let (got, details) = got.split_once(' ').unwrap_or((got, ""));
        let differences = failures.entry(name.clone()).or_default();
        if got != finding {
            differences.push(format!("access log: expected {finding}, got {got}"));
        }
        // Only the filter's own answers have its details.
        let [check, _, reason] = finding.split(':').collect::<Vec<_>>()[..] else {
            panic!("{finding}")
        };
        if details.contains("origin_gate") && details != format!("origin_gate{{{check}_{reason}}}") {
            differences.push(format!("details: {details}"));
        }
    }
    failures.retain(|_, differences| !differences.is_empty());
}

/// The counters add up to the requests, finding by finding.
fn compare_counters<'a>(
    proxy: &RunningEnvoy,
    findings: impl Iterator<Item = &'a String>,
    failures: &mut BTreeMap<String, Vec<String>>,
) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for finding in findings {
        let [check, outcome, reason] = finding.split(':').collect::<Vec<_>>()[..] else {
            panic!("{finding}")
        };
        let name = format!("wasmcustom.origin_gate_decisions.check.{check}.outcome.{outcome}.reason.{reason}");
        *expected.entry(name).or_default() += 1;
    }
    let read = || -> BTreeMap<String, u64> {
        let stats = get(proxy.admin, "/stats?filter=origin_gate_decisions");
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        let counters = lines.map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
        counters.filter(|(_, value)| *value > 0).collect()
    };
    let started = Instant::now();
    while read() != expected && started.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(50));
    }
    let counted = read();
    let names: std::collections::BTreeSet<_> = counted.keys().chain(expected.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| counted.get(*name) != expected.get(*name));
    let differences: Vec<_> = differing
        .map(|name| format!("{name}: expected {:?}, got {:?}", expected.get(name), counted.get(name)))
        .collect();
    if !differences.is_empty() {
        failures.insert("counters".to_owned(), differences);
    }
}

/// Sends a case as it is written, byte for byte, and reads the answer.
fn exchange(address: SocketAddr, case: &Case, id: &str, backend: &Backend) -> Seen {
    backend
        .cases
        .lock()
        .unwrap()
        .insert(id.to_owned(), case.backend.clone().unwrap_or_default());
    let mut request = format!("{} {} HTTP/1.1\r\nx-case: {id}\r\n", case.method, case.target).into_bytes();
    for (name, value) in &case.headers {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request).unwrap();
    let (answer, body) = read_response(&mut stream, case.method != "HEAD").unwrap_or_default();
    let forwarded = backend.seen.lock().unwrap().remove(id);
    Seen {
        answer,
        body,
        forwarded,
        finding: None,
    }
}

fn read_response(stream: &mut impl Read, has_body: bool) -> Option<(Response, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        if let Ok(httparse::Status::Complete(length)) = response.parse(&bytes) {
            let status = response.code?;
            let headers: Vec<_> = response
                .headers
                .iter()
                .map(|it| (it.name.to_lowercase(), it.value.to_vec()))
                .collect();
            let mut body = bytes.split_off(length);
            let length = headers
                .iter()
                .find(|(name, _)| name == "content-length")
                .filter(|_| has_body);
            let length = length.map_or(0, |(_, value)| String::from_utf8_lossy(value).parse().unwrap());
            while body.len() < length {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => body.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            return Some((
                Response { status, headers },
                String::from_utf8_lossy(&body).into_owned(),
            ));
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    whole
}

type Headers = Vec<(String, Vec<u8>)>;

/// Something for each case, by its id.
type Shared<T> = Arc<Mutex<HashMap<String, T>>>;

/// An HTTP/1.1 server that answers each request as its case says, and remembers what it was sent.
struct Backend {
    address: SocketAddr,
    /// A server that is silent, and one that speaks something else.
    slow: SocketAddr,
    garbage: SocketAddr,
    cases: Shared<Response>,
    seen: Shared<Headers>,
}

impl Backend {
    fn start() -> Self {
        let cases = Shared::<Response>::default();
        let seen = Shared::<Headers>::default();
        let (to_answer, to_remember) = (Arc::clone(&cases), Arc::clone(&seen));
        let address = serve(move |stream| answer(stream, &to_answer, &to_remember));
        let slow = serve(|mut stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let garbage = serve(|mut stream| {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        });
        Self {
            address,
            slow,
            garbage,
            cases,
            seen,
        }
    }
}

fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream, cases: &Shared<Response>, seen: &Shared<Headers>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(length)) = request.parse(&bytes) else {
            continue;
        };
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|it| (it.name.to_lowercase(), it.value.to_vec()))
            .collect();
        let id = headers
            .iter()
            .find(|(name, _)| name == "x-case")
            .map(|(_, value)| value.clone());
        let id = String::from_utf8(id.unwrap_or_default()).unwrap();
        let response = cases.lock().unwrap().get(&id).cloned().unwrap_or_default();
        seen.lock().unwrap().insert(id, headers);
        bytes.drain(..length);
        let mut text = format!("HTTP/1.1 {} Case\r\n", response.status.max(200)).into_bytes();
        if response.status == 101 {
            text = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        }
        for (name, value) in &response.headers {
            text.extend_from_slice(format!("{name}: ").as_bytes());
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        }
        if !matches!(response.status, 101 | 204 | 304) {
            text.extend_from_slice(b"content-length: 2\r\n\r\nok");
        } else {
            text.extend_from_slice(b"\r\n");
        }
        if stream.write_all(&text).is_err() {
            return;
        }
    }
}

struct RunningEnvoy {
    process: Child,
    folder: PathBuf,
    admin: SocketAddr,
    listeners: HashMap<String, SocketAddr>,
}

impl RunningEnvoy {
    fn start(suites: &[Suite], backend: &Backend) -> Self {
        let mut envoy = Self::spawn(suites, backend);
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

    fn spawn(suites: &[Suite], backend: &Backend) -> Self {
        let binary = env::var("ENVOY_BIN").expect("ENVOY_BIN names Envoy: run ./build.sh test");
        let module = env::var("ORIGIN_GATE_MODULE").expect("ORIGIN_GATE_MODULE names the module: run ./build.sh test");
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("origin-gate-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = envoy_config(suites, backend, &module, &folder.join("access").to_string_lossy());
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
            .args(["--component-log-level", "wasm:info", "--file-flush-interval-msec", "50"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let admin = "127.0.0.1:0".parse().unwrap();
        Self {
            process,
            folder,
            admin,
            listeners: HashMap::new(),
        }
    }

    fn address(&self, listener: &str) -> SocketAddr {
        self.listeners[listener]
    }

    fn access_log(&self) -> PathBuf {
        self.folder.join("access")
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    fn version(&self) -> String {
        let info: Value = serde_json::from_str(&get(self.admin, "/server_info")).unwrap();
        format!("Envoy {}", info["version"].as_str().unwrap().split('/').nth(1).unwrap())
    }

    /// Whether it ended well.
    fn wait_for_exit(&mut self) -> bool {
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

fn listener_name(number: usize) -> String {
    format!("policy-{number}")
}

fn envoy_config(suites: &[Suite], backend: &Backend, module: &str, access_log: &str) -> Value {
    let listeners: Vec<_> = suites
        .iter()
        .enumerate()
        .map(|(number, suite)| listener(number, suite, module, access_log))
        .collect();
    // Nothing listens there any more.
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    json!({
        "admin": { "address": socket(([127, 0, 0, 1], 0).into()) },
        "static_resources": {
            "listeners": listeners,
            "clusters": [
                cluster("backend", Some(backend.address)),
                cluster("slow", Some(backend.slow)),
                cluster("garbage", Some(backend.garbage)),
                cluster("dead", Some(dead)),
                cluster("empty", None),
            ],
        },
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

fn cluster(name: &str, address: Option<SocketAddr>) -> Value {
    let endpoints: Vec<_> = address
        .iter()
        .map(|it| json!({ "endpoint": { "address": socket(*it) } }))
        .collect();
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] },
    })
}

/// The policy in each of the forms that Envoy takes, in turn.
fn configuration(number: usize, policy: &str) -> Value {
    match number % 3 {
        0 => json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy }),
        1 => {
            let policy: Value = serde_json::from_str(policy).unwrap();
            json!({ "@type": "type.googleapis.com/google.protobuf.Struct", "value": policy })
        }
        _ => json!({ "@type": "type.googleapis.com/google.protobuf.BytesValue", "value": base64(policy.as_bytes()) }),
    }
}

fn base64(bytes: &[u8]) -> String {
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

fn listener(number: usize, suite: &Suite, module: &str, access_log: &str) -> Value {
    let name = &listener_name(number);
    let configuration = configuration(number, &suite.policy);
    // VMs are shared by those that are configured alike.
    let vm_id = if suite.environment.is_empty() {
        "origin_gate"
    } else {
        name
    };
    let route = |prefix: &str, cluster: &str| json!({ "match": { "prefix": prefix }, "route": { "cluster": cluster } });
    let mut slow = route("/slow/", "slow");
    slow["route"]["timeout"] = json!("0.1s");
    let routes = json!([
        { "match": { "path": "/direct" }, "direct_response": { "status": 418 } },
        { "match": { "path": "/redirect" }, "redirect": { "path_redirect": "/" } },
        { "match": { "prefix": "/no-route/", "headers": [{ "name": "x-never", "present_match": true }] },
          "route": { "cluster": "backend" } },
        slow,
        route("/dead/", "dead"),
        route("/garbage/", "garbage"),
        route("/empty/", "empty"),
        route("/forbidden/", "backend"),
        { "match": { "safe_regex": { "regex": "/no-route/.*" } , "headers": [{ "name": "x-never", "present_match": true }] },
          "route": { "cluster": "backend" } },
        { "match": { "safe_regex": { "regex": "/([^n].*)?|/n[^o].*" } }, "route": { "cluster": "backend" } },
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
                            "%REQ(X-CASE)% %FILTER_STATE(wasm.origin_gate:PLAIN)% %RESPONSE_CODE_DETAILS%\n" } },
                    },
                }],
                "http_filters": [
                    {
                        "name": "origin_gate",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                            "config": {
                                "name": "origin_gate",
                                "root_id": "origin_gate",
                                "failure_policy": "FAIL_CLOSED",
                                "configuration": configuration,
                                "vm_config": {
                                    "vm_id": vm_id,
                                    "environment_variables": { "key_values": suite.environment },
                                    "runtime": "envoy.wasm.runtime.v8",
                                    "code": { "local": { "filename": module } },
                                },
                            },
                        },
                    },
                    {
                        "name": "envoy.filters.http.rbac",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                            "rules": { "action": "DENY", "policies": { "forbidden": {
                                "permissions": [{ "url_path": { "path": { "prefix": "/forbidden/" } } }],
                                "principals": [{ "any": true }],
                            } } },
                        },
                    },
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
