//! From a configuration to a [`Policy`]: everything that an operator writes is read here, and nothing of it later.
//!
//! All errors are reported at once. A configuration with any is refused as a whole.

mod cors;
mod node;
mod origins;
mod section;

use std::fmt;

use crate::policy::path::PathPattern;
use crate::policy::pattern::HostPattern;
use crate::policy::websocket::WebSocket;
use crate::policy::{ForwardedHost, Hosts, Policy};
use node::Node;
use section::{Report, Section};

pub use section::Note;

/// A policy ready for use.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// What the operator should know about it.
    pub warnings: Vec<Note>,
    /// How many entries `allowed_origins` has.
    pub origins: usize,
    /// How many entries `allowed_hosts` has.
    pub hosts: usize,
}

/// Every error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Note>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Reads a policy from JSON.
///
/// # Errors
///
/// Every error there is, each with its path, the value and the fix.
pub fn load(json: &[u8]) -> Result<Loaded, ConfigErrors> {
    let root = parse(json).map_err(|note| ConfigErrors(vec![note]))?;
    let mut report = Report::default();
    let loaded = read_policy(Section::root(&root), &mut report);
    if report.errors.is_empty() {
        Ok(Loaded {
            warnings: report.warnings,
            ..loaded
        })
    } else {
        Err(ConfigErrors(report.errors))
    }
}

fn parse(json: &[u8]) -> Result<Vec<(String, Node)>, Note> {
    const WHOLE: &str = "configuration";
    const SMALLEST: &str = r#"the smallest policy is `{"allowed_origins": ["https://app.example"]}`"#;
    if json.trim_ascii().is_empty() {
        return Err(Note::at(WHOLE, format!("it is empty; {SMALLEST}")));
    }
    match serde_json::from_slice(json) {
        Ok(Node::Object(entries)) if entries.is_empty() => Err(Note::at(WHOLE, format!("it says nothing; {SMALLEST}"))),
        Ok(Node::Object(entries)) => Ok(entries),
        Ok(other) => Err(Note::on(WHOLE, other, format!("a JSON object is expected; {SMALLEST}"))),
        // What Envoy hands over for a `google.protobuf.Struct` begins like this.
        Err(_) if json.starts_with(b"\n") && json.contains(&0x12) => Err(Note::at(
            WHOLE,
            "it is a protobuf message; send the policy as JSON in a `google.protobuf.StringValue`",
        )),
        Err(error) => Err(Note::at(WHOLE, format!("it is not JSON: {error}"))),
    }
}

fn read_policy(mut root: Section<'_>, report: &mut Report) -> Loaded {
    let origin_items = root.list("allowed_origins", report);
    let host_items = root.list("allowed_hosts", report);
    let danger = origins::Danger::read(&mut root, report);
    let mut cors_section = root.section("cors", report);
    let cors_mode = read_mode(&mut cors_section, report);
    let cors = cors::read(cors_section, report);
    let origin_count = origin_items.as_ref().map_or(0, Vec::len);
    let origins = origins::read(origin_items, &danger, cors.credentials, report);

    let host_patterns = host_items.map(|items| read_hosts(&items, report));
    let host_count = host_patterns.as_ref().map_or(0, Vec::len);
    let hosts = read_hosts_section(root.section("hosts", report), report);
    let websocket = read_websocket(root.section("websocket", report), report);
    if let (Some(WebSocket { same_host: true, .. }), None) = (&websocket, &host_patterns) {
        report.warn(Note::at(
            "websocket.same_host",
            "without `allowed_hosts` a site can point its own name at this server and pass for the same host \
             (DNS rebinding); list the hosts that are yours",
        ));
    }
    if websocket.is_some() && origins.set.is_any() {
        report.warn(Note::at(
            "allowed_origins",
            "with `*` the page of any site may open a WebSocket here, with its visitors' cookies; \
             list the origins, or see that the backend authenticates sockets without cookies",
        ));
    }
    if let (None, Some(_)) = (&host_patterns, hosts.as_ref().filter(|it| !it.exempt_paths.is_empty())) {
        report.warn(Note::at(
            "hosts.exempt_paths",
            "there is no `allowed_hosts` to be exempt from",
        ));
    }
    root.finish(report);
    Loaded {
        policy: Policy {
            origins,
            allowed_hosts: host_patterns.map(|it| it.into_iter().collect()),
            hosts,
            websocket,
            cors: (cors_mode == Mode::Enforce).then(|| cors.into()),
        },
        warnings: Vec::new(),
        origins: origin_count,
        hosts: host_count,
    }
}

/// Whether a check is in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Enforce,
    Off,
}

fn read_mode(section: &mut Section<'_>, report: &mut Report) -> Mode {
    let modes = [("enforce", Mode::Enforce), ("off", Mode::Off)];
    section.choice("mode", &modes, Mode::Enforce, report)
}

fn read_hosts(items: &[section::Item<'_>], report: &mut Report) -> Vec<HostPattern> {
    if items.is_empty() {
        report.error(Note::at(
            "allowed_hosts",
            "an empty list would refuse every request; leave the key out to switch the check off",
        ));
    }
    let mut patterns = Vec::with_capacity(items.len());
    for item in items {
        match HostPattern::parse(item.text) {
            Ok(HostPattern::Any) if items.len() > 1 => {
                report.warn(Note::on(
                    &item.path,
                    "*",
                    "every host is allowed; the other entries only serve WebSockets",
                ));
                patterns.push(HostPattern::Any);
            }
            Ok(pattern) => patterns.push(pattern),
            Err(error) => report.error(Note::on(&item.path, Node::from(item.text), error)),
        }
    }
    patterns
}

fn read_hosts_section(mut section: Section<'_>, report: &mut Report) -> Option<Hosts> {
    let mode = read_mode(&mut section, report);
    let hosts = Hosts {
        reject_status: section.choice(
            "reject_status",
            &[421, 400, 403, 404].map(|it: u16| (it, it)),
            421,
            report,
        ),
        exempt_paths: read_paths(&mut section, "exempt_paths", report),
        forwarded_host: section.choice(
            "forwarded_host",
            &[
                ("ignore", ForwardedHost::Ignore),
                ("check", ForwardedHost::Check),
                ("strip", ForwardedHost::Strip),
            ],
            ForwardedHost::Ignore,
            report,
        ),
    };
    section.finish(report);
    (mode == Mode::Enforce).then_some(hosts)
}

fn read_paths(section: &mut Section<'_>, key: &'static str, report: &mut Report) -> Vec<PathPattern> {
    let mut paths = Vec::new();
    for item in section.list(key, report).unwrap_or_default() {
        match PathPattern::parse(item.text) {
            Ok(path) => paths.push(path),
            Err(problem) => report.error(Note::on(&item.path, Node::from(item.text), problem)),
        }
    }
    paths
}

fn read_websocket(mut section: Section<'_>, report: &mut Report) -> Option<WebSocket> {
    let mode = read_mode(&mut section, report);
    let websocket = WebSocket {
        same_host: section.bool("same_host", true, report),
        allowed_hosts: section.bool("allowed_hosts", true, report),
        missing_origin: section.choice("missing_origin", &[("allow", true), ("reject", false)], true, report),
    };
    section.finish(report);
    (mode == Mode::Enforce).then_some(websocket)
}
