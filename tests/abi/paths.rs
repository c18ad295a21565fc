//! What finding the entries of a path costs, in WebAssembly instructions: however long it is, however it is written, and
//! however many entries there are.

use serde_json::json;

use crate::MODULE;
use crate::bare::Vm;
use crate::bare::state::Refusal;
use crate::support::stream::{Host, Stream};

/// A path of about this many bytes, of pieces.
fn path(piece: &str, length: usize) -> String {
    format!("/api/other{}", piece.repeat(length.div_ceil(piece.len())))
}

/// A policy with entries for paths that begin alike.
fn policy(entries: usize) -> String {
    let policies: Vec<_> = (0..entries)
        .map(|it| json!({"match": {"path_prefixes": [format!("/api/tenant-{it}/")]}, "allowed_origins": [format!("https://a{it}.example")]}))
        .collect();
    json!({"allowed_origins": ["https://app.example"], "policies": policies}).to_string()
}

fn cost(vm: &mut Vm, path: &str) -> u64 {
    let fields = [
        (":method", "GET"),
        (":path", path),
        (":authority", "api.example"),
        ("origin", "https://app.example"),
    ];
    let mut spent = 0;
    // What the first request of a kind warms up is not its own.
    for _ in 0..3 {
        let request = fields
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let mut stream = Stream {
            request: request.collect(),
            ..Stream::default()
        };
        vm.begin();
        let begun = vm.spent;
        assert!(vm.on_request(&mut stream), "{path:.40} is refused");
        spent = vm.spent;
        let _ = begun + vm.end_at_a_cost();
    }
    spent
}

const PIECES: &[(&str, &str)] = &[
    ("plain", "/y"),
    ("parameters", "/x;/y"),
    ("streams", "/x:s"),
    ("dots at the end", "/x.."),
    ("empty", "///"),
    ("nothing but a cut", "/;"),
    ("dots", "/../x"),
    ("escapes", "/%61%2e"),
    ("encoded slashes", "%2fx"),
    ("encoded twice", "/%2561"),
    ("spaces", "%20%20"),
    ("UTF-8", "/%C3%A9"),
    ("folds", "/%EF%BC%A1"),
    ("names of streams", "/::$DATA"),
    ("suffixes", "%2ejson"),
    ("overlong", "%c0%af"),
    ("other entries", "/../tenant-1/../api/tenant-2"),
];

#[test]
fn entries_are_found_at_a_flat_cost() {
    let mut few = Vm::new(&MODULE, Refusal::default());
    assert!(few.configure(policy(1).as_bytes()));
    let mut many = Vm::new(&MODULE, Refusal::default());
    assert!(many.configure(policy(500).as_bytes()));
    println!("instructions of a request, by the number of entries and the length of its path:");
    println!(
        "{:<18}{:>11}{:>10}{:>10}{:>10}{:>10}",
        "", "1, short", "500, short", "1 KB", "8 KB", "60 KB"
    );
    let mut plain = [0; 4];
    for (name, piece) in PIECES {
        let lengths = [1, 1 << 10, (8 << 10) - 32, 60 << 10];
        let alone = cost(&mut few, &path(piece, 1));
        let costs = lengths.map(|it| cost(&mut many, &path(piece, it)));
        println!(
            "{name:<18}{alone:>11}{:>10}{:>10}{:>10}{:>10}",
            costs[0], costs[1], costs[2], costs[3]
        );
        if *name == "plain" {
            plain = costs;
        }
        let [short, kilobyte, eight, sixty] = [0, 1, 2, 3].map(|it| costs[it] as f64 / plain[it] as f64);

        let is_literal = piece.starts_with("/x") || matches!(*piece, "/y" | "///");
        assert!(
            short < if is_literal { 2.0 } else { 3.0 },
            "{name}: {short:.2} of a plain path"
        );
        let most = if is_literal { 2.0 } else { 8.0 };
        assert!(
            kilobyte < most && eight < most && sixty < 4.0,
            "{name}: {kilobyte:.2}, {eight:.2}, {sixty:.2} of a plain path"
        );
    }
}
