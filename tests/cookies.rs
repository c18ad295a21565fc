//! What the log says of cookies that browsers drop.

use crate::captured;
use filter::{Cookies, MAX_LOGGED, Pairs};
use log::Level;

/// Whether there is a dropped cookie, and the lines that it causes.
fn record(cookies: &Cookies, lines: &[&str]) -> (bool, Vec<(Level, String)>) {
    let names = [&b"set-cookie"[..], b"Set-Cookie"].into_iter().cycle();
    let headers: Vec<_> = names.zip(lines.iter().map(|line| line.as_bytes())).collect();
    let response = Pairs::new(Pairs::encode(headers.into_iter()));
    let is_any = cookies.record(b"https://app.example", &response);
    (is_any, captured::take())
}

/// One test, since the log is one for all.
#[test]
fn each_name_is_told_once_with_the_fix() {
    captured::start();
    let cookies = Cookies::default();
    let lax = ["theme=dark; SameSite=None; Secure", "sessionid=a; SameSite=Lax"];
    let line = "Cookie dropped by browsers name=\"sessionid\" origin=\"https://app.example\" fix=\"set it with SameSite=None; \
                Secure, or pages of other sites lose it (Django: SESSION_COOKIE_SAMESITE = 'None' and \
                SESSION_COOKIE_SECURE = True; CSRF_COOKIE_… alike)\"";
    assert_eq!(record(&cookies, &lax), (true, vec![(Level::Warn, line.to_owned())]));
    assert_eq!(
        record(&cookies, &lax),
        (true, vec![]),
        "told already, and counted still"
    );
    assert_eq!(record(&cookies, &lax[..1]), (false, vec![]));

    // The value is nobody's business, and no byte of a name makes a second line.
    let (_, told) = record(&cookies, &["a\"\x07b=secret; Path=/"]);
    assert!(told[0].1.contains(r#"name="a\"\x07b""#), "{told:?}");
    assert!(!told[0].1.contains("secret"), "{told:?}");

    // Backends that make up names fill neither the log nor the memory.
    let names: Vec<_> = (0..1000)
        .map(|number| format!("{number}{}=1", "x".repeat(5000)))
        .collect();
    let told: Vec<_> = names.iter().flat_map(|it| record(&cookies, &[it]).1).collect();
    assert_eq!(told.len(), MAX_LOGGED - 2);
    assert!(told.iter().all(|(_, line)| line.len() < 600));
}
