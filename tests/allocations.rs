//! A decision that sends nothing allocates nothing, however many origins are listed.

#![expect(unsafe_code, reason = "an allocator is unsafe code; this one only counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use policy::Policy;
use policy::request::Request;
use policy::verdict::Action;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: what is asked for goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: it came from the system's allocator, with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of this thread so far.
pub(crate) fn count() -> usize {
    COUNT.get()
}

/// What a proxy of a test's allocates is not the filter's.
pub(crate) fn uncounted<R>(call: impl FnOnce() -> R) -> R {
    let before = COUNT.get();
    let result = call();
    COUNT.set(before);
    result
}

type Fields<'a> = &'a [(&'a [u8], &'a [u8])];

fn policy(origins: usize) -> Policy {
    let origins: Vec<_> = (0..origins).map(|it| format!("https://shop-{it}.example")).collect();
    let text = format!(
        r#"{{"allowed_origins": {origins:?}, "allowed_hosts": ["api.example"], "csrf": {{}},
            "cors": {{"allow_credentials": true}}}}"#
    );
    config::load(text.as_bytes()).unwrap().policy
}

/// The allocations of one decision, the making of the head and the dropping of the verdict included.
fn allocations(policy: &Policy, fields: Fields<'_>) -> (usize, String) {
    let before = COUNT.get();
    let head: Request<'_> = fields.iter().copied().collect();
    let verdict = black_box(policy.decide(&head));
    let finding = verdict.finding;
    if let Action::Reply(reply) = &verdict.action {
        black_box(reply.render());
    }
    drop((verdict, head));
    (COUNT.get() - before, finding.to_string())
}

#[test]
fn a_decision_that_sends_nothing_allocates_nothing() {
    let get: Fields<'_> = &[
        (b":method", b"GET"),
        (b":path", b"/items?page=2"),
        (b":scheme", b"https"),
    ];
    let host: Fields<'_> = &[(b":authority", b"api.example")];
    for origins in [1, 10_000] {
        let policy = policy(origins);
        let decide = |more: Fields<'_>| allocations(&policy, &[get, host, more].concat());
        for (more, finding) in [
            (&[] as Fields<'_>, "cors:allowed:origin_missing"),
            (&[(b"origin", b"https://shop-0.example")], "cors:allowed:listed"),
            (&[(b"origin", b"https://api.example")], "cors:allowed:same_host"),
            (
                &[(b"origin", b"https://evil.example")],
                "cors:rejected:origin_not_allowed",
            ),
            (
                &[(b"origin", b"https://shop-0.example:1")],
                "cors:rejected:port_mismatch",
            ),
            (&[(b"origin", b"null")], "cors:rejected:origin_null"),
            (&[(b"origin", b"HTTPS://\xff")], "cors:rejected:origin_malformed"),
            (
                &[
                    (b"origin", b"https://shop-0.example"),
                    (b"upgrade", b"websocket"),
                    (b"sec-websocket-key", b"x"),
                ],
                "websocket:allowed:listed",
            ),
        ] {
            assert_eq!(decide(more), (0, finding.to_owned()), "{origins} origins");
        }
        // What is counted can be seen to be counted.
        let preflight: Fields<'_> = &[(b":method", b"OPTIONS"), (b"origin", b"https://shop-0.example")];
        let asked: Fields<'_> = &[(b"access-control-request-method", b"PUT")];
        let (count, finding) = allocations(&policy, &[preflight, host, asked].concat());
        assert_eq!((count > 0, finding.as_str()), (true, "cors:allowed:listed"));
    }
}
