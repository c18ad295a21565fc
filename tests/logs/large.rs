//! Logs that are larger than memory should be.

use std::io::{BufReader, Read};
use std::time::Instant;

use analysis::explain::Explainer;
use analysis::log::{Decider, Reading, Replay, Report};

use crate::random::Random;

const POLICY: &str = r#"{"allowed_origins": ["https://app.example", "https://*.preview.acme.dev"],
    "allowed_hosts": ["api.example"], "cors": {"allow_credentials": true}, "csrf": {}}"#;

/// Lines that are made as they are read.
struct Lines<F> {
    make: F,
    left: usize,
    line: Vec<u8>,
}

impl<F: FnMut(usize) -> String> Read for Lines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.line.is_empty() && self.left > 0 {
            self.left -= 1;
            self.line = (self.make)(self.left).into_bytes();
            self.line.push(b'\n');
        }
        let count = self.line.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.line[..count]);
        self.line.drain(..count);
        Ok(count)
    }
}

fn replay(count: usize, make: impl FnMut(usize) -> String) -> (Report, Reading) {
    let loaded = config::load(POLICY.as_bytes()).unwrap();
    let decider = Decider::new(Explainer::new(loaded), &config::entries(POLICY.as_bytes(), &[]));
    let mut replay = Replay::new(&decider, None);
    let mut reading = Reading::new(None);
    let lines = Lines {
        make,
        left: count,
        line: Vec::new(),
    };
    let log = BufReader::with_capacity(1 << 18, lines);
    reading.read("log", log, |line, text| replay.add(line, text)).unwrap();
    (replay.finish(&reading), reading)
}

fn line(origin: &str, host: &str, path: &str) -> String {
    format!(
        r#"{{"start_time":"2026-11-30T10:00:00.000Z","duration_ms":12,"method":"GET","scheme":"https","authority":"{host}","path":"{path}","origin":"{origin}","sec_fetch_site":"cross-site","sec_fetch_mode":"cors","sec_fetch_dest":"empty","x_forwarded_proto":"https","origin_gate":"cors:rejected:origin_not_allowed","status":200,"details":"via_upstream"}}"#
    )
}

/// An attacker who makes up an origin, a host or a path for each request costs no memory, and hides nobody.
#[test]
fn what_is_seen_most_is_kept_among_many_that_are_made_up() {
    const COUNT: usize = 30_000;
    let (report, reading) = replay(COUNT, |number| match number % 10 {
        0 => line("https://shop.example", "api.example", "/cart"),
        _ => line(
            &format!("https://x{number}.evil.example"),
            &format!("h{number}.example"),
            "/",
        ),
    });
    let json = report.json(&reading);
    let groups = json["groups"].as_array().unwrap();
    assert!(groups.len() <= 1000, "{}", groups.len());
    assert_eq!(groups[0]["origin"], "https://shop.example");
    assert_eq!(groups[0]["count"], COUNT / 10);
    let counted: u64 = groups.iter().map(|it| it["count"].as_u64().unwrap()).sum();
    assert_eq!(
        counted + json["in_other_groups"].as_u64().unwrap(),
        COUNT as u64,
        "none is lost"
    );
    assert_eq!(json["refused"], COUNT);
}

/// A line may be of any length, and anything may be in it.
#[test]
fn no_line_is_too_long_or_too_strange() {
    let good = || line("https://app.example", "api.example", &"/a".repeat(10_000));
    let longest = (1 << 20) - 1;
    let (report, reading) = replay(4, |number| match number {
        3 => format!("{{\"a\":\"{}\"", "x".repeat(longest)),
        1 => "x".repeat(longest),
        _ => good(),
    });
    let whys: Vec<_> = reading.named.iter().map(|it| (it.line, it.why)).collect();
    let neither = "it is neither JSON, nor Envoy's own format, nor the combined one of nginx";
    assert_eq!(whys, [(1, "it is longer than 1 MiB"), (3, neither)]);
    assert_eq!(
        report.json(&reading)["requests"],
        2,
        "what comes after a line that is too long"
    );
    let mut random = Random(7);
    let signs = b"{}[]\"\\:, -\xff\x00aHTP/1.\n";
    let (report, reading) = replay(2000, |_| {
        let length = random.below(60);
        (0..length).map(|_| char::from(random.one(signs))).collect()
    });
    assert!(
        reading.unread > 1000 && reading.lines == reading.unread + report.json(&reading)["requests"].as_u64().unwrap()
    );
}

/// Prints what a million lines take: `cargo test --release … logs::large -- --ignored --nocapture`.
#[test]
#[ignore = "measures, and asserts nothing of time"]
fn a_million_lines() {
    const COUNT: usize = 1_000_000;
    let mut random = Random(1);
    let mut made = 0;
    let began = Instant::now();
    let lines: Vec<_> = (0..1000)
        .map(|_| {
            let origin = match random.below(10) {
                0 => format!("https://x{}.evil.example", random.below(1000)),
                _ => "https://app.example".to_owned(),
            };
            line(
                &origin,
                "api.example",
                &format!("/orders/{}/items", random.below(1_000_000)),
            )
        })
        .collect();
    let (report, reading) = replay(COUNT, |number| {
        made += lines[number % lines.len()].len();
        lines[number % lines.len()].clone()
    });
    assert_eq!(report.json(&reading)["requests"], COUNT);
    println!(
        "{COUNT} lines, {} MB, in {:.1} s",
        made / 1_000_000,
        began.elapsed().as_secs_f32()
    );
}
