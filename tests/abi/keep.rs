//! A policy that stays in force where a later one has an error (`on_refused_update`), over VMs that share data as those of one
//! `vm_id` do.

use std::collections::BTreeMap;

use crate::MODULE;
use crate::bare::state::{NOT_FOUND, Refusal, UNIMPLEMENTED};
use crate::bare::{ROOT, Vm};
use crate::support::stream::Stream;

const KEEP: &str = r#"{"allowed_origins": ["https://a.example"], "on_refused_update": "keep"}"#;
const NEXT: &str = r#"{"allowed_origins": ["https://b.example"], "on_refused_update": "keep"}"#;
const PLAIN: &str = r#"{"allowed_origins": ["https://b.example"]}"#;
const WRONG: &str = r#"{"allowed_origins": ["https://b.example/"], "on_refused_update": "keep"}"#;
const KEPT: &str = "origin_gate_policy_kept";

/// What the VMs of one proxy share, and what it counts.
#[derive(Default)]
struct Proxy {
    shared: BTreeMap<Vec<u8>, Vec<u8>>,
    gauges: BTreeMap<String, i64>,
    environment: Vec<(String, String)>,
    refusal: Refusal,
    now: u64,
}

impl Proxy {
    /// Another VM, with this policy; whether it was taken, and the VM.
    fn load_as(&mut self, plugin: &str, policy: &str) -> (bool, Vm) {
        // Later than all that is said at once.
        self.now += 20_000_000_000;
        let mut vm = Vm::new(&MODULE, self.refusal.clone());
        let state = vm.store.data_mut();
        (state.shared, state.gauges) = (self.shared.clone(), self.gauges.clone());
        (state.environment, state.now) = (self.environment.clone(), self.now);
        state.plugin = plugin.as_bytes().to_vec();
        let taken = vm.configure(policy.as_bytes());
        self.see(&vm);
        (taken, vm)
    }

    fn load(&mut self, policy: &str) -> (bool, Vm) {
        self.load_as("a", policy)
    }

    fn see(&mut self, vm: &Vm) {
        let state = vm.store.data();
        (self.shared, self.gauges) = (state.shared.clone(), state.gauges.clone());
    }

    /// Whether a page may read by the policy of a VM, which sees what the others shared.
    fn serves(&mut self, vm: &mut Vm, origin: &str) -> bool {
        vm.store.data_mut().shared = self.shared.clone();
        let fields = [
            (":method", "GET"),
            (":path", "/"),
            (":authority", "api.example"),
            (":scheme", "https"),
            ("origin", origin),
        ];
        let mut stream = Stream {
            request: fields.map(|(name, value)| (name.into(), value.into())).into(),
            response: vec![(b":status".to_vec(), b"200".to_vec())],
            ..Stream::default()
        };
        const NUMBER: u32 = 77;
        vm.call("proxy_on_context_create", &[NUMBER, ROOT]).unwrap();
        for callback in ["proxy_on_request_headers", "proxy_on_response_headers"] {
            vm.call_over(&mut stream, callback, &[NUMBER, 0, 1]).unwrap();
        }
        vm.call("proxy_on_delete", &[NUMBER]).unwrap();
        self.see(vm);
        let granted = stream
            .response
            .iter()
            .find(|(name, _)| name == b"access-control-allow-origin");
        granted.is_some_and(|(_, value)| value == origin.as_bytes())
    }

    /// With a policy that keeps itself, under which a request was served.
    fn in_force(policy: &str) -> Self {
        let mut proxy = Self::default();
        let (taken, mut vm) = proxy.load(policy);
        assert!(taken && proxy.serves(&mut vm, "https://a.example"));
        proxy
    }

    fn kept(&self) -> i64 {
        self.gauges.get(KEPT).copied().unwrap_or_default()
    }

    /// How many texts are put aside.
    fn texts(&self) -> usize {
        self.shared
            .values()
            .filter(|it| it.starts_with(b"origin_gate kept "))
            .count()
    }
}

fn said(vm: &Vm, word: &str) -> bool {
    vm.store.data().lines.iter().any(|it| it.contains(word))
}

#[test]
fn a_wrong_policy_leaves_the_one_in_force_until_a_right_one_comes() {
    let mut proxy = Proxy::in_force(KEEP);
    for _ in 0..2 {
        let (taken, mut vm) = proxy.load(WRONG);
        assert!(taken, "{:?}", vm.store.data().lines);
        assert!(
            said(&vm, "Origin Gate policy refused, errors=1") && said(&vm, "an origin ends after the host or port")
        );
        assert!(
            said(&vm, "Origin Gate policy kept digest="),
            "{:?}",
            vm.store.data().lines
        );
        assert!(proxy.serves(&mut vm, "https://a.example") && !proxy.serves(&mut vm, "https://b.example"));
        assert_eq!(proxy.kept(), 1, "however many VMs there are");
    }
    let (taken, mut vm) = proxy.load(NEXT);
    assert!(taken && proxy.serves(&mut vm, "https://b.example") && !proxy.serves(&mut vm, "https://a.example"));
    assert_eq!((proxy.kept(), proxy.texts()), (0, 1));
    // From here on it is the next one that stays.
    let (taken, mut vm) = proxy.load(WRONG);
    assert!(taken && proxy.serves(&mut vm, "https://b.example"));
}

#[test]
fn it_is_said_again_and_again() {
    let mut proxy = Proxy::in_force(KEEP);
    let (_, mut vm) = proxy.load(WRONG);
    let times = |vm: &Vm| {
        vm.store
            .data()
            .lines
            .iter()
            .filter(|it| it.contains("policy kept"))
            .count()
    };
    assert_eq!(times(&vm), 1);
    for _ in 0..10 {
        vm.store.data_mut().now += 30_000_000_000;
        vm.tick(&mut Stream::default());
    }
    assert_eq!(times(&vm), 6, "once a minute");
}

#[test]
fn only_a_policy_that_served_is_kept() {
    let mut proxy = Proxy::default();
    assert!(!proxy.load(WRONG).0, "there is none");
    assert!(proxy.load(KEEP).0);
    let (taken, vm) = proxy.load(WRONG);
    assert!(!taken && !said(&vm, "policy kept"), "it has served nobody");
    // Others that never serve leave nothing behind.
    for number in 0..5 {
        assert!(proxy.load(&KEEP.replace("a.example", &format!("{number}.example"))).0);
    }
    assert_eq!(proxy.texts(), 1);
    assert!(!proxy.load(WRONG).0);
}

#[test]
fn the_policy_in_force_says_whether_it_stays() {
    let mut proxy = Proxy::in_force(KEEP);
    let (taken, mut vm) = proxy.load(PLAIN);
    assert!(taken);
    // Until it has served, the one before is the one that did.
    assert!(proxy.load(WRONG).0);
    assert!(proxy.serves(&mut vm, "https://b.example"));
    assert!(!proxy.load(WRONG).0);
    assert_eq!(proxy.texts(), 0);
}

#[test]
fn a_request_to_a_policy_that_was_followed_by_another_changes_nothing() {
    let mut proxy = Proxy::in_force(KEEP);
    let (_, mut older) = proxy.load(NEXT);
    let (_, mut newer) = proxy.load(&NEXT.replace("b.example", "c.example"));
    assert!(proxy.serves(&mut newer, "https://c.example"));
    assert!(proxy.serves(&mut older, "https://b.example"));
    let (taken, mut vm) = proxy.load(WRONG);
    assert!(taken && proxy.serves(&mut vm, "https://c.example"));
}

#[test]
fn what_another_plugin_or_release_put_there_is_none_of_ours() {
    let proxy = Proxy::in_force(KEEP);
    let load = |shared: BTreeMap<Vec<u8>, Vec<u8>>, plugin: &str| {
        let mut proxy = Proxy {
            shared,
            ..Proxy::default()
        };
        proxy.load_as(plugin, WRONG).0
    };
    assert!(load(proxy.shared.clone(), "a"));
    assert!(!load(proxy.shared.clone(), "b"));
    assert!(!load(proxy.shared.clone(), ""));
    let text = proxy
        .shared
        .iter()
        .find(|(_, it)| it.starts_with(b"origin_gate kept 1\n"));
    let (key, text) = text.unwrap();
    let spoiled = |text: Vec<u8>| {
        let mut shared = proxy.shared.clone();
        shared.insert(key.clone(), text);
        load(shared, "a")
    };
    for end in 0..text.len() {
        assert!(!spoiled(text[..end].to_vec()), "cut after {end} bytes");
    }
    for at in 0..text.len() {
        let mut other = text.clone();
        other[at] ^= 1;
        assert!(!spoiled(other), "another byte at {at}");
    }
    assert!(!spoiled([text.as_slice(), b" "].concat()));
}

#[test]
fn the_settings_are_those_that_were() {
    let policy = r#"{"django_env": true, "on_refused_update": "keep"}"#;
    let settings = |origin: &str| {
        let settings = [("CORS_ALLOWED_ORIGINS", origin), ("ALLOWED_HOSTS", "api.example")];
        settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    };
    let mut proxy = Proxy {
        environment: settings("https://a.example"),
        ..Proxy::default()
    };
    let (_, mut vm) = proxy.load(policy);
    assert!(proxy.serves(&mut vm, "https://a.example"));
    proxy.environment = settings("https://b.example/");
    let (taken, mut vm) = proxy.load(policy);
    assert!(taken, "{:?}", vm.store.data().lines);
    assert!(proxy.serves(&mut vm, "https://a.example") && !proxy.serves(&mut vm, "https://b.example"));
}

#[test]
fn a_host_without_shared_data_or_properties_refuses() {
    for (calls, is_kept) in [
        (&["proxy_get_shared_data", "proxy_set_shared_data"][..], false),
        (&["proxy_get_shared_data"], false),
        (&["proxy_set_shared_data"], false),
        (&["proxy_get_property"], true),
    ] {
        for status in [UNIMPLEMENTED, NOT_FOUND] {
            let refusal = Refusal::new(calls, status);
            let mut proxy = Proxy {
                refusal,
                ..Proxy::default()
            };
            let (taken, mut vm) = proxy.load(KEEP);
            assert!(taken && proxy.serves(&mut vm, "https://a.example"));
            assert_eq!(proxy.load(WRONG).0, is_kept, "{calls:?}");
        }
    }
}

#[test]
fn a_hundred_thousand_origins_are_kept() {
    let origins: Vec<_> = (0..100_000)
        .map(|number| format!("\"https://shop-{number}.example\""))
        .collect();
    let policy = format!(
        r#"{{"allowed_origins": ["https://a.example", {}], "on_refused_update": "keep"}}"#,
        origins.join(", ")
    );
    let mut proxy = Proxy::in_force(&policy);
    let (taken, mut vm) = proxy.load(WRONG);
    assert!(taken && proxy.serves(&mut vm, "https://shop-99999.example"));
}
