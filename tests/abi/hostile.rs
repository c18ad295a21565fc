//! Whatever comes, from clients, backends and the host itself: no trap, no growth, and the verdict of the native filter.

use std::time::Instant;

use crate::MODULE;
use crate::bare::state::{Faults, Refusal};
use crate::bare::{CONTINUE, ROOT, Vm};
use crate::chance::Chance;
use crate::support::fake::Native;
use crate::support::stream::{Host, Stream, first, reply_on_the_wire, respond};
use crate::support::{self, Suite};
use crate::traffic::{self, Traffic};

/// `ORIGIN_GATE_REQUESTS`, or what fits into the time that a contributor has.
fn requests() -> u64 {
    let named = std::env::var("ORIGIN_GATE_REQUESTS").ok();
    named.map_or(100_000, |it| it.parse().expect("ORIGIN_GATE_REQUESTS is a number"))
}

fn seed() -> u64 {
    let named = std::env::var("ORIGIN_GATE_SEED").ok();
    named.map_or(1, |it| it.parse().expect("ORIGIN_GATE_SEED is a number"))
}

/// One policy, in the module and natively, with what its VM has shown.
struct Pair {
    suite: Suite,
    module: Vm,
    native: Native,
    pages: u64,
    dearest: u64,
}

impl Pair {
    fn new(suite: Suite) -> Self {
        Self {
            module: Vm::with(&MODULE, &suite, Refusal::default()),
            native: Native::new(suite.load()),
            suite,
            pages: 0,
            dearest: 0,
        }
    }

    /// One request and its response, on both. Every callback's end must be the same to the byte.
    fn compare(&mut self, traffic: &mut Traffic, what: &str) {
        let request = traffic.request();
        let given = Stream {
            request,
            ..Stream::default()
        };
        let tell = || format!("{what}, policy {}:\n{}", self.suite.file, shown(&given));
        let (mut ours, mut theirs) = (given.clone(), given.clone());
        self.module.begin();
        self.native.begin();
        let goes_on = self.module.on_request(&mut ours);
        self.dearest = self.dearest.max(self.module.spent);
        assert_eq!(goes_on, self.native.on_request(&mut theirs), "{}", tell());
        level_keys(&given, &mut ours, &mut theirs);
        assert_eq!(ours, theirs, "{}", tell());
        if goes_on {
            ours.response = traffic.response();
            theirs.response = ours.response.clone();
            self.module.on_response(&mut ours);
            self.native.on_response(&mut theirs);
        } else {
            let reply = reply_on_the_wire(&ours);
            respond(&mut self.module, &mut ours, reply.clone());
            respond(&mut self.native, &mut theirs, reply);
        }
        assert_eq!(ours, theirs, "{}", tell());
        self.module.end();
    }
}

/// A key for a WebSocket is random: on both sides one that is new and well-formed becomes the same.
fn level_keys(given: &Stream, ours: &mut Stream, theirs: &mut Stream) {
    const KEY: &[u8] = b"sec-websocket-key";
    for stream in [ours, theirs] {
        let is_new = first(&stream.request, KEY) != first(&given.request, KEY);
        for (_, value) in stream.request.iter_mut().filter(|(name, _)| is_new && name == KEY) {
            assert!(value.len() == 24 && value.ends_with(b"=="), "{}", value.escape_ascii());
            *value = b"new".to_vec();
        }
    }
}

fn shown(stream: &Stream) -> String {
    let lines = stream.request.iter();
    lines
        .map(|(name, value)| format!("    {}: {}\n", name.escape_ascii(), value.escape_ascii()))
        .collect()
}

#[test]
fn no_request_is_decided_otherwise_than_natively() {
    let (requests, seed) = (requests(), seed());
    let suites = traffic::suites();
    let mut traffic = Traffic::new(seed, &suites);
    let mut pairs: Vec<_> = suites.into_iter().map(Pair::new).collect();
    for pair in &mut pairs {
        warm_up(pair, &mut traffic);
    }
    let started = Instant::now();
    let step = (requests / 10).max(1);
    for number in 1..=requests {
        let at = traffic.chance.at(pairs.len());
        pairs[at].compare(&mut traffic, &format!("seed {seed}, request {number}"));
        if number == step {
            pairs.iter_mut().for_each(|it| it.pages = it.module.pages());
        }
        if number % step == 0 && requests >= 1_000_000 {
            println!("{number} requests in {:?}, {} pages", started.elapsed(), pages(&pairs));
        }
    }
    for pair in &pairs {
        assert_eq!(pair.pages, pair.module.pages(), "{}: memory grew", pair.suite.file);
    }
    let dearest = pairs.iter().map(|it| it.dearest).max().unwrap();
    println!(
        "{requests} requests under {} policies from seed {seed}: no trap, no verdict but the native one, {} pages of 64 \
         KiB from first to last, at most {dearest} instructions a request, {:?}",
        pairs.len(),
        pages(&pairs),
        started.elapsed()
    );
}

fn pages(pairs: &[Pair]) -> u64 {
    pairs.iter().map(|it| it.module.pages()).sum()
}

/// The largest that there is, so that memory has no reason to grow later.
fn warm_up(pair: &mut Pair, traffic: &mut Traffic) {
    for _ in 0..4 {
        let mut stream = Stream {
            request: traffic.longest_request(),
            ..Stream::default()
        };
        pair.module.begin();
        let _ = pair.module.on_request(&mut stream);
        pair.module.end();
    }
}

/// What a host may do to a stream of its own, in whatever order.
#[test]
fn no_order_of_callbacks_is_a_trap() {
    const OVER_A_STREAM: &[&str] = &[
        "proxy_on_request_headers",
        "proxy_on_request_headers",
        "proxy_on_response_headers",
        "proxy_on_response_headers",
        "proxy_on_request_body",
        "proxy_on_request_trailers",
        "proxy_on_response_body",
        "proxy_on_response_trailers",
        "proxy_on_done",
        "proxy_on_log",
    ];
    let suites = traffic::suites();
    let mut traffic = Traffic::new(seed(), &suites);
    for suite in &suites {
        let mut vm = Vm::with(&MODULE, suite, Refusal::default());
        let mut open: Vec<u32> = Vec::new();
        for id in ROOT + 1..ROOT + 60 {
            vm.call("proxy_on_context_create", &[id, ROOT]).unwrap();
            open.push(id);
            for _ in 0..traffic.chance.below(12) {
                let mut stream = Stream {
                    request: traffic.request(),
                    response: traffic.response(),
                    ..Stream::default()
                };
                let callback = *traffic.chance.pick(OVER_A_STREAM);
                let id = *traffic.chance.pick(&open);
                let count = traffic.chance.next() as u32;
                vm.call_over(&mut stream, callback, &[id, count, count & 1]).unwrap();
            }
            if traffic.chance.below(2) == 0 {
                let at = traffic.chance.at(open.len());
                vm.call("proxy_on_delete", &[open.swap_remove(at)]).unwrap();
            }
            vm.call("proxy_on_tick", &[ROOT]).unwrap();
        }
        still_decides(&mut vm, suite);
    }
}

/// A configuration of any bytes, and of a size that it does not have, is refused where it is natively, and leaves the one
/// in force.
#[test]
fn no_configuration_is_a_trap() {
    let suites = traffic::suites();
    let mut chance = Chance::new(seed());
    for suite in &suites {
        let mut vm = Vm::with(&MODULE, suite, Refusal::default());
        for _ in 0..40 {
            let length = chance.length(4096);
            let garbage = match chance.below(3) {
                0 => chance.bytes(length),
                1 => suite.policy.as_bytes()[..chance.at(suite.policy.len())].to_vec(),
                _ => chance.mutated(suite.policy.as_bytes()),
            };
            let size = *chance.pick(&[0, 1, 17, 4096, u32::MAX / 2, u32::MAX]);
            let read = &garbage[..garbage.len().min(size as usize)];
            let is_right = config::load_with(read, &suite.environment).is_ok();
            vm.store.data_mut().configuration = garbage.clone();
            let taken = vm.call("proxy_on_configure", &[ROOT, size]).unwrap();
            assert_eq!(
                taken,
                Some(is_right.into()),
                "{}: {}",
                suite.file,
                garbage.escape_ascii()
            );
            if is_right {
                assert!(vm.configure(suite.policy.as_bytes()));
            }
        }
        still_decides(&mut vm, suite);
    }
}

/// Every case of the policy, right as ever.
fn still_decides(vm: &mut Vm, suite: &Suite) {
    vm.fail_at_random(None);
    // Contexts that were used before; the next ones follow them.
    for case in suite.cases.iter().filter(|it| it.envoy != support::Envoy::Only) {
        let mut stream = Stream {
            request: case.fields(),
            ..Stream::default()
        };
        vm.begin_at(1_000);
        let _ = vm.on_request(&mut stream);
        vm.end();
        assert_eq!(
            stream.finding.as_deref(),
            Some(&case.finding[..]),
            "{}: {}",
            suite.file,
            case.name
        );
    }
}

/// A host whose calls fail now and then, with any status, and whose bytes are not always those that they should be.
#[test]
fn a_host_that_fails_at_random_gets_no_trap_and_no_grant() {
    let suites = traffic::suites();
    let mut traffic = Traffic::new(seed(), &suites);
    for suite in &suites {
        let mut vm = Vm::with(&MODULE, suite, Refusal::default());
        for round in 0..200 {
            let chance = Chance::new(traffic.chance.next());
            vm.fail_at_random(Some(Faults {
                chance,
                one_in: 1 + round % 8,
            }));
            let mut stream = Stream {
                request: traffic.request(),
                ..Stream::default()
            };
            vm.begin_at(1_000);
            let goes_on = vm.on_request(&mut stream);
            // Where every call fails, nothing was read: nothing may go on.
            assert!(
                round % 8 != 0 || !goes_on,
                "{}: a request that could not be read went on",
                suite.file
            );
            stream.response = traffic.response();
            vm.on_response(&mut stream);
            vm.end();
        }
        still_decides(&mut vm, suite);
    }
}

/// Contexts that the host never made: nothing goes on there.
#[test]
fn a_context_that_is_not_there_lets_nothing_through() {
    let suites = traffic::suites();
    let suite = suites.iter().find(|it| it.file == "responses").unwrap();
    for id in [0, ROOT, 77, u32::MAX] {
        for callback in [
            "proxy_on_request_headers",
            "proxy_on_response_headers",
            "proxy_on_done",
            "proxy_on_delete",
        ] {
            let mut vm = Vm::with(&MODULE, suite, Refusal::default());
            let mut stream = Stream {
                request: suite.cases[0].fields(),
                ..Stream::default()
            };
            let action = vm.call_over(&mut stream, callback, &[id, 0, 0]);
            if callback == "proxy_on_request_headers" {
                assert!(!matches!(action, Ok(Some(CONTINUE))), "context {id} went on");
            }
        }
    }
}
