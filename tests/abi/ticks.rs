//! What crosses into the host at a request, and what waits for a tick.

use crate::MODULE;
use crate::bare::state::{Refusal, UNIMPLEMENTED};
use crate::bare::{ROOT, Vm};
use crate::support::stream::Stream;

const POLICY: &[u8] = br#"{"allowed_origins": ["https://app.example"]}"#;
const PLAIN: &str = "origin_gate_decisions.check.cors.outcome.allowed.reason.origin_missing";
const REFUSED: &str = "origin_gate_decisions.check.cors.outcome.rejected.reason.origin_not_allowed";

/// One that has had no tick.
fn vm(refusal: Refusal) -> Vm {
    let mut vm = Vm::new(&MODULE, refusal);
    configure(&mut vm, ROOT);
    vm
}

fn configure(vm: &mut Vm, root: u32) {
    vm.store.data_mut().configuration = POLICY.to_vec();
    let taken = vm.call("proxy_on_configure", &[root, POLICY.len() as u32]).unwrap();
    assert_eq!(taken, Some(1));
}

/// One request; what was counted meanwhile, and what was asked for.
fn ask(vm: &mut Vm, root: u32, origin: Option<&str>) -> (Vec<String>, Vec<String>) {
    const NUMBER: u32 = 77;
    let fields = [
        (":method", "GET"),
        (":path", "/"),
        (":authority", "a.example"),
        (":scheme", "https"),
    ];
    let fields = fields.into_iter().chain(origin.map(|it| ("origin", it)));
    let mut stream = Stream {
        request: fields.map(|(name, value)| (name.into(), value.into())).collect(),
        response: vec![(b":status".to_vec(), b"200".to_vec())],
        ..Stream::default()
    };
    vm.store.data_mut().asked = Some(Vec::new());
    vm.call("proxy_on_context_create", &[NUMBER, root]).unwrap();
    for callback in ["proxy_on_request_headers", "proxy_on_response_headers"] {
        vm.call_over(&mut stream, callback, &[NUMBER, 0, 1]).unwrap();
    }
    vm.call("proxy_on_delete", &[NUMBER]).unwrap();
    (stream.counted, vm.store.data_mut().asked.take().unwrap_or_default())
}

fn counted(vm: &mut Vm, callback: &str, root: u32) -> Vec<String> {
    let mut stream = Stream::default();
    vm.call_over(&mut stream, callback, &[root]).unwrap();
    stream.counted
}

#[test]
fn counters_wait_for_a_tick() {
    let mut vm = vm(Refusal::default());
    assert_eq!(
        ask(&mut vm, ROOT, None).0,
        [PLAIN],
        "nothing says yet that there will be ticks"
    );
    assert_eq!(counted(&mut vm, "proxy_on_tick", ROOT), [""; 0]);
    for _ in 0..3 {
        assert_eq!(ask(&mut vm, ROOT, None).0, [""; 0]);
    }
    assert_eq!(ask(&mut vm, ROOT, Some("https://evil.example")).0, [""; 0]);
    let mut all = counted(&mut vm, "proxy_on_tick", ROOT);
    all.sort();
    assert_eq!(all, [PLAIN, PLAIN, PLAIN, REFUSED]);
    assert_eq!(counted(&mut vm, "proxy_on_tick", ROOT), [""; 0], "each is written once");
}

#[test]
fn counters_are_written_when_a_policy_goes() {
    const OTHER: u32 = ROOT + 1;
    let mut vm = vm(Refusal::default());
    vm.call("proxy_on_context_create", &[OTHER, 0]).unwrap();
    configure(&mut vm, OTHER);
    counted(&mut vm, "proxy_on_tick", ROOT);
    assert_eq!(ask(&mut vm, ROOT, None).0, [""; 0]);
    assert_eq!(counted(&mut vm, "proxy_on_delete", ROOT), [PLAIN]);
    assert_eq!(
        ask(&mut vm, OTHER, None).0,
        [PLAIN],
        "the ticks may have been those of the policy that went"
    );
    counted(&mut vm, "proxy_on_tick", OTHER);
    assert_eq!(ask(&mut vm, OTHER, None).0, [""; 0]);
    assert_eq!(counted(&mut vm, "proxy_on_tick", OTHER), [PLAIN]);
}

/// Kong ends a VM that asks a second time.
#[test]
fn ticks_are_asked_for_once() {
    let mut vm = Vm::new(&MODULE, Refusal::default());
    vm.store.data_mut().asked = Some(Vec::new());
    configure(&mut vm, ROOT);
    configure(&mut vm, ROOT);
    for _ in 0..3 {
        counted(&mut vm, "proxy_on_tick", ROOT);
    }
    let asked = vm.store.data_mut().asked.take().unwrap();
    assert_eq!(
        asked.iter().filter(|it| *it == "set_tick_period_milliseconds").count(),
        1
    );
}

/// Each costs more than most of what the module does itself.
#[test]
fn no_request_asks_for_more_than_it_must() {
    let plain = [
        "get_header_map_pairs",
        "set_property",
        "get_header_map_pairs",
        "add_header_map_value",
    ];
    let granted = [
        "get_header_map_pairs",
        "log",
        "set_property",
        "get_header_map_pairs",
        "replace_header_map_value",
        "add_header_map_value",
    ];
    let mut ticking = vm(Refusal::default());
    counted(&mut ticking, "proxy_on_tick", ROOT);
    assert_eq!(ask(&mut ticking, ROOT, None).1, plain);
    assert_eq!(ask(&mut ticking, ROOT, Some("https://app.example")).1, granted);
    // The first of an origin is told.
    ask(&mut ticking, ROOT, Some("https://evil.example"));
    assert_eq!(ask(&mut ticking, ROOT, Some("https://evil.example")).1, plain);

    let mut without = vm(Refusal::new(&["proxy_set_tick_period_milliseconds"], UNIMPLEMENTED));
    let (counted, asked) = ask(&mut without, ROOT, None);
    assert_eq!(counted, [PLAIN], "a host without ticks is told at once");
    assert!(asked.iter().any(|it| it == "increment_metric"));
}
