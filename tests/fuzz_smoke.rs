//! The properties of `tests/fuzz`, of the corpus' own texts and of some that are changed at random. `./build.sh fuzz` looks
//! further, but needs another toolchain.

use std::path::Path;
use std::process::Command;
use std::{env, fs, process};

use crate::fuzz_targets as targets;
use crate::random::Random;
use crate::root;

/// How often each seed is changed.
const CHANGES: usize = 8;

type Target = fn(&[u8]);

#[test]
fn nothing_fuzzed_breaks_what_must_hold() {
    let folder = env::temp_dir().join(format!("origin-gate-seeds-{}", process::id()));
    let script = root().join("tests/fuzz/seed.py");
    assert!(
        Command::new("python3")
            .arg(script)
            .arg(&folder)
            .status()
            .unwrap()
            .success()
    );
    let all: [(&str, Target); 6] = [
        ("origin", targets::origin),
        ("authority", targets::authority),
        ("config", targets::config),
        ("message", targets::message),
        ("compiled", targets::compiled),
        ("decide", targets::decide),
    ];
    for (name, target) in all {
        try_each(name, target, &folder.join(name));
    }
    fs::remove_dir_all(folder).unwrap();
}

fn try_each(name: &str, target: Target, folder: &Path) {
    let seeds = fs::read_dir(folder)
        .unwrap()
        .map(|it| fs::read(it.unwrap().path()).unwrap());
    let mut seeds: Vec<_> = seeds.filter(|it| !it.is_empty()).collect();
    seeds.sort();
    assert!(seeds.len() > 20, "{name}: {} seeds", seeds.len());
    let mut random = Random(1);
    for seed in &seeds {
        target(seed);
        for _ in 0..CHANGES {
            let other = &seeds[random.below(seeds.len())];
            target(&random.change(seed, other));
        }
    }
}

impl Random {
    /// A text with a few bytes changed, taken out or put in, or with a piece of another.
    fn change(&mut self, text: &[u8], other: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(text.len().max(1));
            let byte = u8::try_from(self.below(256)).unwrap();
            match self.below(4) {
                0 if at < text.len() => text[at] = byte,
                1 if at < text.len() => drop(text.remove(at)),
                2 => text.insert(at, byte),
                _ => {
                    let from = self.below(other.len());
                    let to = from + self.below(other.len() - from + 1);
                    text.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        text
    }
}
