"""Whose pages open WebSockets over TLS with the visitor's cookies, in a real browser: a site's own, and no other's that an
entry only seems to name. Each page that is refused gets its socket, cookie and all, where the filter is not."""

import contextlib
import json

import pytest

import browser
import proxy

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

API, FLEET, SISTER, TENANT, NEIGHBOUR = "api.example", "fleet.example", "www.fleet.example", "a.example", "b.example"
APP, COOKIE = "app.example", "session=of-the-visitor"
HOSTS = [API, FLEET, TENANT, NEIGHBOUR]
POLICIES = {
    # The README's first.
    API: {"allowed_origins": [f"https://{APP}"], "allowed_hosts": [API], "cors": {"allow_credentials": True}},
    FLEET: {"allowed_hosts": [f".{FLEET}", "localhost", "127.0.0.1"], "websocket": {"allowed_hosts": True}},
    TENANT: {
        "allowed_hosts": [TENANT, NEIGHBOUR],
        "policies": [{"match": {"hosts": [it]}, "allowed_origins": [f"https://app.{it}"]} for it in (TENANT, NEIGHBOUR)],
    },
}
POLICIES[NEIGHBOUR] = POLICIES[TENANT]
LOCAL = "http://localhost"  # and a port of this machine
CASES = [
    (f"https://{API}", API, "websocket:allowed:same_host"),
    (f"https://{APP}", API, "websocket:allowed:listed"),
    (f"http://{API}", API, "websocket:rejected:scheme_mismatch"),
    (f"http://{API}:8080", API, "websocket:rejected:scheme_mismatch"),
    (f"https://{API}:8443", API, "websocket:rejected:port_mismatch"),
    (f"http://{APP}", API, "websocket:rejected:scheme_mismatch"),
    (LOCAL, API, "websocket:rejected:origin_not_allowed"),
    (f"https://{SISTER}", FLEET, "websocket:allowed:allowed_hosts"),
    (f"http://{SISTER}", FLEET, "websocket:rejected:scheme_mismatch"),
    (f"https://{SISTER}:8443", FLEET, "websocket:rejected:port_mismatch"),
    (LOCAL, FLEET, "websocket:rejected:origin_not_allowed"),
    (f"https://{NEIGHBOUR}", NEIGHBOUR, "websocket:allowed:same_host"),
    (f"https://{NEIGHBOUR}", TENANT, "websocket:rejected:origin_not_allowed"),
    (f"https://app.{NEIGHBOUR}", TENANT, "websocket:rejected:origin_not_allowed"),
]


@pytest.fixture(scope="module")
def own(authority):
    names = [*HOSTS, SISTER, APP, *(f"app.{it}" for it in (TENANT, NEIGHBOUR))]
    return proxy.certificate(authority.issue_cert(*names))


@pytest.fixture(scope="module")
def ports(envoy, backend, module, own, access_log):
    """The hosts behind the filter, all of them without it, and the pages over TLS and over plain HTTP."""
    routes = [proxy.route("/socket/"), browser.page()]
    gates = {it: proxy.manager([proxy.gate(module, POLICIES[it])], routes, access_log.path) for it in HOSTS}
    # Within HTTP/2 no socket reaches an HTTP/1.1 backend without the filter: it has no key.
    over_tls = {**gates, "bare": proxy.manager([], routes, access_log.path, http2_protocol_options={})}
    listeners = [proxy.listener(name, it, own) for name, it in over_tls.items()]
    listeners.append(proxy.listener("plain", browser.site(access_log.path)))
    return envoy("sockets", listeners, [proxy.cluster("backend", backend.port)]).ports


def places(ports, of_host):
    """Where a browser finds pages at every name, and each host: as `of_host` says."""
    names = [*HOSTS, SISTER, APP, f"app.{TENANT}", f"app.{NEIGHBOUR}"]
    rules = {f"{it}:{port}": ports["plain"] for it in names for port in (80, 8080)}
    rules |= {f"{it}:8443": ports["bare"] for it in names}
    return rules | {f"{it}:443": ports[of_host(it)] for it in names}


@contextlib.contextmanager
def visitor(chromium):
    """A profile that has a cookie of each host."""
    with chromium.usual_profile() as profile:
        for host in HOSTS:
            page = profile.new_page()
            page.goto(f"https://{host}/")
            page.evaluate("(it) => { document.cookie = it }", f"{COOKIE}; Secure; SameSite=None")
        yield profile


@pytest.fixture(scope="module")
def chromium(ports, own):
    with browser.chromium(places(ports, lambda it: it if it in HOSTS else "bare"), own) as found:
        yield found


@pytest.fixture(scope="module")
def gated(chromium):
    with visitor(chromium) as profile:
        yield profile


def attempt(profile, ports, origin, host, path):
    """What a page of this origin gets of a socket."""
    origin = f"{origin}:{ports['plain']}" if origin == LOCAL else origin
    with contextlib.closing(profile.new_page()) as page:
        page.goto(f"{origin}/")
        assert page.evaluate("location.origin") == origin
        return page.evaluate("(url) => talk(url, 'hello')", f"wss://{host}{path}")


def is_the_visitors(events):
    return events[0] == "open" and dict(json.loads(events[1])).get("cookie") == COOKIE


@pytest.mark.parametrize("origin, host, finding", CASES)
def test_whose_pages_open_a_socket(gated, ports, access_log, backend, origin, host, finding):
    path = f"/socket/sockets-{CASES.index((origin, host, finding))}"
    events = attempt(gated, ports, origin, host, path)
    if ":allowed:" in finding:
        assert is_the_visitors(events), events
    else:
        assert events == ["error"]
        # The browser did send the cookie along.
        assert access_log.line(path)["cookie"] == COOKIE
    assert access_log.line(path)["finding"] == finding
    assert (path in backend.handshakes) == (":allowed:" in finding)


def test_without_the_filter_every_one_of_them_opens_it(chromium, ports, own):
    elsewhere = browser.finding(places(ports, lambda it: "bare"), own)
    with contextlib.closing(browser.Chromium(chromium.playwright, elsewhere)) as other, visitor(other) as bare:
        for number, (origin, host, _) in enumerate(CASES):
            events = attempt(bare, ports, origin, host, f"/socket/sockets-bare-{number}")
            assert is_the_visitors(events), (origin, host, events)
