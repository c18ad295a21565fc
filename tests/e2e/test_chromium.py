"""What pages in a real browser get to see: the browser asks, the filter answers, and the browser decides by that."""

import json

import pytest

import browser
import proxy

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

POLICY = {
    "allowed_origins": ["https://app.example"],
    "allowed_hosts": ["api.example"],
    "cors": {"allow_credentials": True},
}
ALLOWED, FOREIGN = "https://app.example/", "https://evil.example/"
API, BARE = "api.example", "bare.example"
WITH_COOKIES = {"credentials": "include"}


@pytest.fixture(scope="module")
def ports(envoy, backend, module, certificate, access_log):
    """The API behind the filter, the same without, and the sites whose pages call it; by name."""
    routes = [proxy.route("/backend/"), proxy.route("/socket/"), proxy.route("/dead/", "dead")]
    servers = {
        "api": proxy.manager([proxy.gate(module, POLICY)], routes, access_log.path),
        "bare": proxy.manager([], routes, access_log.path),
        "sites": browser.site(access_log.path),
    }
    listeners = [proxy.listener(name, it, certificate) for name, it in servers.items()]
    # Nothing listens on port 1, and no other test is given it.
    found = envoy("chromium", listeners, [proxy.cluster("backend", backend.port), proxy.cluster("dead", 1)]).ports
    return {API: found["api"], BARE: found["bare"], "app.example": found["sites"], "evil.example": found["sites"]}


@pytest.fixture(scope="module")
def chromium(ports, certificate):
    with browser.chromium(ports, certificate) as found:
        yield found


def read(page, path, options=None, host=API):
    return page.evaluate("([url, options]) => read(url, options)", [f"https://{host}{path}", options or {}])


def talk(page, path, host=API):
    return page.evaluate("(url) => talk(url, 'hello')", f"wss://{host}{path}")


def talk_in_frame(page, flags, path):
    return page.evaluate("([flags, url]) => talkInFrame(flags, url, 'hello')", [flags, f"wss://{API}{path}"])


def opened(events):
    """Whether a socket did what it should; the origin that the backend saw.

    How it closed is not looked at: within HTTP/2, Envoy resets what an HTTP/1.1 backend has closed.
    """
    assert (events[0], events[2:3]) == ("open", ["hello"]), events
    return dict(json.loads(events[1]))["origin"]


# Chromium opens a WebSocket inside an HTTP/2 connection if it has one to that host already.
PROTOCOLS = {"HTTP/1.1": False, "HTTP/2": True}


def connect_first(page, protocol, host=API):
    if PROTOCOLS[protocol]:
        read(page, "/backend/200", WITH_COOKIES, host)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_socket_opens_for_the_allowed_page(chromium, access_log, backend, protocol):
    path = f"/socket/chromium-allowed-{protocol}"
    with browser.visit(chromium, ALLOWED) as page:
        connect_first(page, protocol)
        assert opened(talk(page, path)) == "https://app.example"
    assert backend.handshakes.count(path) == 1
    line = access_log.line(path)
    assert (line["finding"], line["protocol"]) == ("websocket:allowed:listed", protocol)


def test_many_open_at_once_within_one_connection(chromium, access_log):
    """Where https://github.com/envoyproxy/envoy/issues/38645 reports that the first alone does."""
    paths = [f"/socket/chromium-many-{number}" for number in range(5)]
    with browser.visit(chromium, ALLOWED) as page:
        connect_first(page, "HTTP/2")
        urls = [f"wss://{API}{path}" for path in paths]
        found = page.evaluate("(urls) => Promise.all(urls.map((url) => talk(url, 'hello')))", urls)
    assert [opened(events) for events in found] == ["https://app.example"] * 5
    keys = [dict(json.loads(greeting))["sec-websocket-key"] for _, greeting, *_ in found]
    assert len(set(keys)) == 5
    assert [access_log.line(path)["protocol"] for path in paths] == ["HTTP/2"] * 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_socket_stays_shut_for_a_foreign_page(chromium, access_log, backend, protocol):
    path = f"/socket/chromium-foreign-{protocol}"
    with browser.visit(chromium, FOREIGN) as page:
        connect_first(page, protocol)
        assert talk(page, path) == ["error"]
    assert backend.handshakes.count(path) == 0
    line = access_log.line(path)
    assert (line["finding"], line["protocol"]) == ("websocket:rejected:origin_not_allowed", protocol)


def test_without_the_filter_it_opens_for_a_foreign_page(chromium, backend):
    """Over HTTP/1.1: no same-origin policy keeps a page from it. Over HTTP/2 it opens for nobody: it has no key."""
    path = "/socket/chromium-bare"
    with browser.visit(chromium, FOREIGN) as page:
        assert opened(talk(page, path, BARE)) == "https://evil.example"
    with browser.visit(chromium, ALLOWED) as page:
        connect_first(page, "HTTP/2", BARE)
        assert talk(page, path, BARE) == ["error"]
    assert backend.handshakes.count(path) == 1


def test_a_sandboxed_frame_of_the_allowed_page_is_nobody(chromium, access_log, backend):
    with browser.visit(chromium, ALLOWED) as page:
        found = talk_in_frame(page, "allow-scripts", "/socket/chromium-sandbox")
        assert found == {"origin": "null", "events": ["error"]}
        found = talk_in_frame(page, "allow-scripts allow-same-origin", "/socket/chromium-frame")
        assert opened(found["events"]) == "https://app.example"
    assert "/socket/chromium-sandbox" not in backend.handshakes
    assert access_log.line("/socket/chromium-sandbox")["finding"] == "websocket:rejected:origin_null"
    assert access_log.line("/socket/chromium-frame")["finding"] == "websocket:allowed:listed"


ANSWERS = {
    "/backend/200": (200, "from the backend"),
    "/backend/500": (500, "from the backend"),
    "/nowhere": (404, ""),
    "/dead/": (503, "upstream connect error"),
}


@pytest.mark.parametrize("path", ANSWERS)
def test_only_the_allowed_page_can_read_why_it_failed(chromium, access_log, path):
    status, body = ANSWERS[path]
    with browser.visit(chromium, ALLOWED) as page:
        found = read(page, f"{path}?allowed", WITH_COOKIES)
    assert found["status"] == status and found["body"].startswith(body) and bool(found["body"]) == bool(body)
    with browser.visit(chromium, FOREIGN) as page:
        assert read(page, f"{path}?foreign", WITH_COOKIES) == {"error": "TypeError"}
        assert read(page, f"{path}?foreign-without-cookies") == {"error": "TypeError"}
    assert access_log.line(f"{path}?allowed")["finding"] == "cors:allowed:listed"
    for who in ("foreign", "foreign-without-cookies"):
        assert access_log.line(f"{path}?{who}")["finding"] == "cors:rejected:origin_not_allowed"
