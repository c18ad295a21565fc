//! What a decision costs, and how that grows with the policy: rounds of all policies in turn, so that the machine's
//! moods reach all alike, and the median of each. Ratios are to the policy with one entry.
//!
//! `./build.sh bench` runs it.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a benchmark may end early")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use origin_gate::config;
use origin_gate::policy::Policy;
use origin_gate::policy::hint::Domains;
use origin_gate::policy::request::RequestHead;

const SIZES: [usize; 4] = [1, 100, 10_000, 100_000];
const ROUNDS: usize = 41;
const BATCH: u32 = 2_000;

fn main() {
    let exact = |number: usize| format!("https://shop-{number}.example-{}.example", number % 977);
    let wildcard = |number: usize| format!("https://*.shop-{number}.example-{}.example", number % 977);
    let label = |number: usize| format!("https://shop-{}-*-{number}.example.example", number / 300);
    let deep = format!("https://{}example-0.example", "a.".repeat(115));
    println!(
        "{:<34}{:>10} {:>10} {:>10} {:>10}",
        "ns a decision, at entries:", SIZES[0], SIZES[1], SIZES[2], SIZES[3]
    );
    measure("exact, allowed", &exact, "https://shop-0.example-0.example");
    measure("exact, refused", &exact, "https://shop-0.example-1.example");
    measure("`*.`, allowed", &wildcard, "https://a.shop-0.example-0.example");
    measure("`*.`, refused", &wildcard, "https://a.shop-0.example-1.example");
    measure("`*.`, refused, 116 labels", &wildcard, &deep);
    measure("`shop-*`, allowed", &label, "https://shop-0-x-0.example.example");
    measure("`shop-*`, refused", &label, "https://shop-0-x-y.example.example");
    let ports = |number: usize| format!("https://a.example:{}", number % 65000 + 1);
    measure("ports of one host, allowed", &ports, "https://a.example:1");
    measure(
        "`shop-*`, refused, 31 hyphens",
        &label,
        &format!("https://{}.example.example", "s-".repeat(31)),
    );
    measure("malformed, 16 KB", &exact, &format!("https://{}", "a.".repeat(8192)));
    println!("the same for the hint of a refusal, which is worked out for each line of the log:");
    let refused = "https://shop-0.example-0.example:1";
    measure_what("exact, another port", &exact, refused, &hint);
    measure_what(
        "`*.`, the domain itself",
        &wildcard,
        "https://shop-0.example-0.example",
        &hint,
    );
    measure_what("ports of one host, another", &ports, "https://a.example:65001", &hint);
    measure_what("nothing near, 116 labels", &wildcard, &deep, &hint);
}

fn decide(policy: &Policy, head: &RequestHead<'_>) {
    black_box(policy.decide(head));
}

fn hint(policy: &Policy, head: &RequestHead<'_>) {
    black_box(policy.hint(policy.decide(head).finding, head, Domains::LITTLE));
}

fn measure(what: &str, entry: &dyn Fn(usize) -> String, origin: &str) {
    measure_what(what, entry, origin, &decide);
}

fn measure_what(what: &str, entry: &dyn Fn(usize) -> String, origin: &str, asked: &dyn Fn(&Policy, &RequestHead<'_>)) {
    let policies = SIZES.map(|size| {
        let origins: Vec<_> = (0..size).map(entry).collect();
        let text = format!(r#"{{"allowed_origins": {origins:?}, "allowed_hosts": ["api.example"]}}"#);
        config::load(text.as_bytes())
            .map(|it| it.policy)
            .unwrap_or_else(|errors| panic!("{errors}"))
    });
    let fields: [(&[u8], &[u8]); 4] = [
        (b":method", b"GET"),
        (b":path", b"/items"),
        (b":authority", b"api.example"),
        (b"origin", origin.as_bytes()),
    ];
    let head: RequestHead<'_> = fields.into_iter().collect();
    let mut rounds: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (policy, times) in policies.iter().zip(&mut rounds) {
            times.push(time(policy, &head, asked));
        }
    }
    let medians = rounds.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2].as_secs_f64() * 1e9 / f64::from(BATCH)
    });
    print!("{what:<34}");
    for median in medians {
        print!("{median:>10.0} ");
    }
    println!("  {:.2}", medians[3] / medians[0]);
}

fn time(policy: &Policy, head: &RequestHead<'_>, asked: &dyn Fn(&Policy, &RequestHead<'_>)) -> Duration {
    let started = Instant::now();
    for _ in 0..BATCH {
        asked(black_box(policy), black_box(head));
    }
    started.elapsed()
}
