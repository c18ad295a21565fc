//! What a decision costs, and how that grows with the policy: rounds of all policies in turn, so that the machine's
//! moods reach all alike, and the median of each. Ratios are to the policy with one entry.
//!
//! `./build.sh bench` runs it.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a benchmark may end early")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use advice::Domains;
use config::Provenance;
use policy::Policy;
use policy::request::Request;

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
    let page = "https://shop-0.example-0.example";
    let preflight = |names: &str| {
        let asked = [
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", names),
        ];
        [&fields("OPTIONS", page)[..], &asked.map(owned)].concat()
    };
    let three = preflight("authorization,content-type,x-csrftoken");
    measure_fields("preflight, 3 headers", &exact, &three, &decide);
    let many = preflight(&["x-a"; 4096].join(","));
    measure_fields("preflight, 16 KB of headers", &exact, &many, &decide);
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
    count_allocations(&policy_of(100, &exact), page);
}

/// Of requests that nothing is set for or on, and of one whose response gets headers.
fn count_allocations(policy: &Policy, page: &str) {
    let without_origin = &fields("GET", "")[..3];
    for (what, fields) in [
        ("a decision that sets nothing", without_origin),
        ("a refused one", &fields("GET", "https://evil.example")[..]),
        ("an allowed one", &fields("GET", page)[..]),
    ] {
        let head = head_of(fields);
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        decide(policy, &head);
        println!(
            "allocations of {what}: {}",
            ALLOCATIONS.load(Ordering::Relaxed) - before
        );
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe to write; this one hands everything on"
)]
// SAFETY: the system's allocator does as asked, and is asked the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

fn decide(policy: &Policy, head: &Request<'_>) {
    black_box(policy.decide(head));
}

fn hint(policy: &Policy, head: &Request<'_>) {
    black_box(advice::hint(
        policy,
        &Provenance::default(),
        &policy.decide(head),
        head,
        Domains::LITTLE,
    ));
}

fn measure(what: &str, entry: &dyn Fn(usize) -> String, origin: &str) {
    measure_what(what, entry, origin, &decide);
}

fn measure_what(what: &str, entry: &dyn Fn(usize) -> String, origin: &str, asked: &dyn Fn(&Policy, &Request<'_>)) {
    measure_fields(what, entry, &fields("GET", origin), asked);
}

type Field = (Vec<u8>, Vec<u8>);

fn owned((name, value): (&str, &str)) -> Field {
    (name.into(), value.into())
}

fn fields(method: &str, origin: &str) -> Vec<Field> {
    let all = [
        (":method", method),
        (":path", "/items"),
        (":authority", "api.example"),
        ("origin", origin),
    ];
    all.map(owned).into()
}

fn head_of(fields: &[Field]) -> Request<'_> {
    fields.iter().map(|(name, value)| (&name[..], &value[..])).collect()
}

fn policy_of(size: usize, entry: &dyn Fn(usize) -> String) -> Policy {
    let origins: Vec<_> = (0..size).map(entry).collect();
    let text = format!(r#"{{"allowed_origins": {origins:?}, "allowed_hosts": ["api.example"]}}"#);
    config::load(text.as_bytes())
        .map(|it| it.policy)
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn measure_fields(
    what: &str,
    entry: &dyn Fn(usize) -> String,
    fields: &[Field],
    asked: &dyn Fn(&Policy, &Request<'_>),
) {
    let policies = SIZES.map(|size| policy_of(size, entry));
    let head = head_of(fields);
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

fn time(policy: &Policy, head: &Request<'_>, asked: &dyn Fn(&Policy, &Request<'_>)) -> Duration {
    let started = Instant::now();
    for _ in 0..BATCH {
        asked(black_box(policy), black_box(head));
    }
    started.elapsed()
}
