"""What attackers send. After each: Envoy lives, its VM is the same, the next request is answered rightly; nothing came to
the backend that the policy does not allow, and nothing is readable by whom it does not."""

import re
import socket

import pytest

import attacks
import metrics
import peers
import proxy
from attacks import APP, HOST
from backend import broken
from raw_clients import Streams, Wire, as_bytes, http1, http2
from victim import BODY, LARGE, Victim

POLICY = {
    "allowed_origins": [APP, "https://*.trusted.example", "http://localhost:*"],
    "allowed_hosts": [HOST],
    "cors": {"allow_credentials": True, "allow_private_network": True, "allow_headers": ["x-test"]},
    "hosts": {"forwarded_host": "check"},
    "csrf": {},
}


class Gate:
    """Envoy with the filter, in front of a victim."""

    def __init__(self, envoy, port, victim):
        self.envoy, self.port, self.victim = envoy, port, victim
        self.vms = self.reloads()

    def reloads(self):
        """And how many VMs there are, and were."""
        return self.envoy.stats("wasm.")

    def assert_well(self, what):
        """Whatever `what` did."""
        assert self.envoy.process.poll() is None, f"{what}: {self.envoy.log()[-2000:]}"
        assert self.reloads() == self.vms, what
        unlawful, self.victim.unlawful = self.victim.unlawful, []
        assert not unlawful, what
        assert_ordinary(peers.ask(peers.Http1, self.port, headers=[("Origin", APP)]), what)


def assert_ordinary(answer, what):
    readable = {"access-control-allow-origin": APP, "access-control-allow-credentials": "true", "vary": "Origin"}
    assert (answer.status, answer.cors(), answer.body) == (200, readable, BODY), what


def assert_safe(answer, origin, what):
    """Nobody may read but the application, whatever the backend says."""
    granted = {name for name in answer.cors() if name != "vary"}
    if origin != APP:
        assert not granted, f"{what}: {answer.status} {answer.headers}"
    elif granted:
        assert answer.value("access-control-allow-origin") == APP, f"{what}: {answer.headers}"
    assert answer.value("x-evil") is None and b"smuggled" not in answer.body, what


@pytest.fixture(scope="module")
def gate(envoy, module):
    victim = Victim()
    with broken(victim.serve) as port:
        web = proxy.manager([proxy.gate(module, POLICY)], [proxy.route("/", timeout="0s")], None, delayed_close_timeout="0.01s")
        found = envoy("attacked", [proxy.listener("web", web)], [proxy.cluster("backend", port)], concurrency=1)
        yield Gate(found, found.ports["web"], victim)


@pytest.mark.parametrize("name", attacks.RAW)
def test_bytes(gate, name):
    text, *statuses = attacks.RAW[name]
    with Wire(gate.port) as wire:
        wire.send(as_bytes(text))
        answers = [wire.answer() for _ in statuses]
        assert [it and it.status for it in answers] == statuses
        for answer in answers:
            assert_safe(answer, APP if is_mine(text) else None, name)
        # Another answer than these would be taken for the next one's.
        wire.send(as_bytes(attacks.get(f"Origin: {APP}")))
        if following := wire.answer():
            assert_ordinary(following, name) if following.status == 200 else assert_safe(following, None, name)
    gate.assert_well(name)


def is_mine(text):
    """Whether one line says that it is from the application, and nothing says otherwise."""
    head = text.partition("\r\n\r\n")[0]
    return head.lower().count("origin") == 1 and re.search(rf"\r\nOrigin: {APP}(\r?\n(?! )|$)", head) is not None


@pytest.mark.parametrize("name", attacks.FRAMES)
def test_frames(gate, name):
    headers, *statuses = attacks.FRAMES[name]
    with Streams(gate.port) as streams:
        answer = streams.ask(headers)
        assert (answer and answer.status) in statuses
        if answer:
            assert_safe(answer, None if attacks.CROSS in headers else APP, name)
        assert_ordinary(streams.ask(attacks.h2(attacks.MINE)), name)
    gate.assert_well(name)


PROTOCOLS = pytest.mark.parametrize("asking", [http1, http2], ids=["HTTP/1.1", "HTTP/2"])


@PROTOCOLS
@pytest.mark.parametrize("name", attacks.FIELDS)
def test_every_byte_that_is_not_ascii(gate, asking, name):
    method, headers, pattern = attacks.FIELDS[name]
    field = name.split()[0]
    before = metrics.counted(gate.envoy).total()
    with asking(gate.port) as ask:
        for byte in range(0x80, 0x100):
            value = pattern.format(chr(byte))
            answer = ask(method, headers, host=value) if field == "host" else ask(method, {**headers, field: value})
            if answer:
                assert answer.status < 500, f"{name} {byte:#x}: {answer.status} {answer.text()}"
                origin = value if field == "origin" else headers.get("origin")
                assert_safe(answer, origin, f"{name} {byte:#x}")
    # Envoy refuses the rest by itself.
    assert metrics.counted(gate.envoy).total() - before == (0 if field in ("host", "upgrade") else 128)
    gate.assert_well(name)


@PROTOCOLS
def test_origins_that_pass_for_others(gate, asking):
    """None is granted anything, may write, or opens a socket."""
    for origin in attacks.ORIGINS:
        with asking(gate.port) as ask:
            tried = [
                (200, ask("GET", {"origin": origin})),
                (403, ask("OPTIONS", {**attacks.PREFLIGHT, "origin": origin})),
                (403, ask("POST", {"origin": origin})),
                (403, ask("GET", {**attacks.UPGRADE, "origin": origin})),
            ]
        for status, answer in tried:
            if is_answered_by_the_filter(answer):
                assert answer.status == status, f"{origin!r}: {answer.status} {answer.text()}"
                assert_safe(answer, origin, repr(origin))
        gate.assert_well(repr(origin))


def is_answered_by_the_filter(answer):
    """Or else Envoy has refused the request before that."""
    return answer is not None and answer.status != 400


@PROTOCOLS
def test_hosts_that_pass_for_others(gate, asking):
    for host in attacks.HOSTS:
        with asking(gate.port) as ask:
            handshake = {**attacks.UPGRADE, "origin": APP}
            for method, headers in [("GET", {"origin": APP}), ("OPTIONS", attacks.PREFLIGHT), ("GET", handshake)]:
                answer = ask(method, headers, host)
                if is_answered_by_the_filter(answer):
                    assert answer.status == 421, f"{host!r}: {answer.status}"
                    assert_safe(answer, APP, repr(host))
        gate.assert_well(repr(host))


def test_a_flood_of_preflights(gate):
    """No two alike: neither memory nor the number of counters follows them."""
    gate.assert_well("before")
    series, memory = len(gate.envoy.stats("")), metrics.resident(gate.envoy)
    with Wire(gate.port) as wire:
        for number in range(10_000):
            origin = APP if number % 2 else f"https://{number}.evil.example"
            lines = [f"Origin: {origin}", attacks.ASK, f"Access-Control-Request-Headers: x-{number}, x-test, x-{number}-too"]
            wire.send(attacks.request("OPTIONS /", f"Host: {HOST}", *lines).encode())
            answer = wire.answer()
            assert answer.status == (204 if number % 2 else 403)
            assert_safe(answer, origin, number)
    gate.assert_well("a flood")
    assert len(gate.envoy.stats("")) == series
    assert metrics.resident(gate.envoy) - memory < metrics.FLAT


def test_a_slow_reader(gate):
    """Others are served meanwhile, and it gets all in the end."""
    with peers.Http1(gate.port) as exchange:
        exchange.start("GET", "/large", [("Origin", APP)])
        for _ in range(50):
            exchange.stream.recv(1, socket.MSG_PEEK)
            gate.assert_well("a slow reader")
        assert gate.envoy.stats("http.web.downstream_rq_active")["http.web.downstream_rq_active"] == 1, "it is not done"
        answer = exchange.read()
        assert_safe(answer, APP, "a slow reader")
        assert (answer.status, answer.body == LARGE) == (200, True)


def test_slow_writers(gate):
    """Byte after byte of a head, and of a body; the decision is the one on the whole."""
    heads = {
        200: attacks.request("POST /", f"Host: {HOST}", f"Origin: {APP}", "Content-Length: 4", body="body"),
        403: attacks.request("POST /", f"Host: {HOST}", f"Origin: {APP}.evil.example", "Content-Length: 0"),
    }
    for status, text in heads.items():
        with Wire(gate.port) as wire:
            for number, byte in enumerate(text.encode()):
                wire.send(bytes([byte]))
                if number % 20 == 0:
                    gate.assert_well("a slow writer")
            answer = wire.answer()
        assert answer.status == status
        assert_safe(answer, APP if status == 200 else None, "a slow writer")
