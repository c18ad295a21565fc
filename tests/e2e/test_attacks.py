"""What attackers send. After each: Envoy lives, its VM is the same, the next request is answered rightly; nothing came to
the backend that the policy does not allow, and nothing is readable by whom it does not."""

import contextlib
import re
import socket
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h11
import pytest

import attacks
import load
import peers
import proxy
from attacks import APP, EVIL, HOST
from backend import broken

POLICY = {
    "allowed_origins": [APP, "https://*.trusted.example", "http://localhost:*"],
    "allowed_hosts": [HOST],
    "cors": {"allow_credentials": True, "allow_private_network": True, "allow_headers": ["x-test"]},
    "hosts": {"forwarded_host": "check"},
    "csrf": {},
}
BODY = b"from the backend"
LARGE = b"x" * 40_000_000
LIES = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true")]


class Victim:
    """A backend that would let everybody in, and remembers what came."""

    def __init__(self):
        self.seen, self.unlawful = 0, []

    def serve(self, stream):
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        request = None
        while data := stream.recv(65536):
            wire.receive_data(data)
            while (event := wire.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Request):
                    request = event
                    self.judge(event)
                if isinstance(event, h11.ConnectionClosed):
                    return
                if isinstance(event, h11.EndOfMessage):
                    body = LARGE if request.target == b"/large" else BODY
                    head = h11.Response(status_code=200, headers=[*LIES, ("Content-Length", str(len(body)))])
                    stream.sendall(b"".join(map(wire.send, [head, h11.Data(data=body), h11.EndOfMessage()])))
                    wire.start_next_cycle()

    def judge(self, request):
        """By the request alone: what was asked for to bring it here does not count."""
        self.seen += 1
        lines = peers.text_of(request.headers)
        names = [name for name, _ in lines]
        value = dict(lines)
        is_mine = [it for name, it in lines if name == "origin"] in ([], [APP])
        if value["host"].split(":")[0].rstrip(".").lower() != HOST or names.count("host") > 1:
            self.unlawful.append(f"a host: {lines}")
        if value.get("x-forwarded-host", HOST) != HOST:
            self.unlawful.append(f"a forwarded host: {lines}")
        if not is_mine and ("upgrade" in names or request.method not in (b"GET", b"HEAD", b"OPTIONS", b"TRACE")):
            self.unlawful.append(f"a handshake or write: {request.method} {lines}")
        if request.method == b"OPTIONS" and "origin" in names and value.get("access-control-request-method"):
            self.unlawful.append(f"a preflight: {lines}")
        if b"smuggled" in request.target:
            self.unlawful.append(f"a request within a request: {request.target} {lines}")


class Gate:
    """Envoy with the filter, in front of a victim."""

    def __init__(self, envoy, port, victim):
        self.envoy, self.port, self.victim = envoy, port, victim
        self.vms = self.reloads()

    def reloads(self):
        return {name: value for name, value in self.envoy.stats("wasm.").items()}

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


class Wire:
    """Bytes to a server, and the answers that come back over the same connection."""

    def __init__(self, port):
        self.stream, self.data = peers.connect(port, None, []), b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.stream.sendall(data)

    def answer(self):
        """The next one; `None` if the connection ends instead."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                return None
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value.strip()) for name, value in (it.split(":", 1) for it in lines)]
        found = peers.Answer(int(start.split()[1]), headers)
        length = int(found.value("content-length") or 0)
        while len(self.data) < length:
            assert self.more(), f"it ended within a body: {head}"
        found.body, self.data = self.data[:length], self.data[length:]
        return found

    def more(self):
        try:
            data = self.stream.recv(65536)
        except ConnectionResetError:
            return False
        self.data += data
        return bool(data)


class Streams:
    """One HTTP/2 connection, for as long as the server keeps it."""

    def __init__(self, port):
        self.port, self.stream = port, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    def open(self):
        self.stream = peers.connect(self.port, None, [])
        options = {"validate_outbound_headers": False, "normalize_outbound_headers": False, "header_encoding": None}
        self.wire = h2.connection.H2Connection(h2.config.H2Configuration(**options))
        self.wire.initiate_connection()
        # More than one frame's worth is cut into frames by the library.

    def ask(self, headers, body=None):
        """`None` if the stream, or the connection with it, is ended."""
        if not self.stream:
            self.open()
        number = self.wire.get_next_available_stream_id()
        is_open = any(name == ":protocol" for name, _ in headers) or body is not None
        self.wire.send_headers(number, [(as_bytes(name), as_bytes(value)) for name, value in headers], end_stream=not is_open)
        if body is not None:
            self.wire.send_data(number, body, end_stream=True)
        self.stream.sendall(self.wire.data_to_send())
        return self.receive(number)

    def receive(self, number):
        found = None
        while True:
            try:
                data = self.stream.recv(65536)
            except ConnectionResetError:
                data = b""
            try:
                events = self.wire.receive_data(data) if data else [h2.events.ConnectionTerminated()]
            except h2.exceptions.ProtocolError:
                # The library takes nothing after a GOAWAY.
                events = [h2.events.ConnectionTerminated()]
            for event in events:
                if isinstance(event, h2.events.ConnectionTerminated):
                    self.close()
                    return None
                if getattr(event, "stream_id", None) != number:
                    continue
                if isinstance(event, h2.events.ResponseReceived):
                    status, *rest = peers.text_of(event.headers)
                    found = peers.Answer(int(status[1]), rest)
                if isinstance(event, h2.events.DataReceived):
                    found.body += event.data
                    self.wire.acknowledge_received_data(event.flow_controlled_length, number)
                if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    # A reset that follows a whole answer only says that the request need not be finished.
                    self.stream.sendall(self.wire.data_to_send())
                    return found


def as_bytes(text):
    """What is no Latin-1 is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


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
    headers, status = attacks.FRAMES[name]
    with Streams(gate.port) as streams:
        answer = streams.ask(headers)
        assert (answer and answer.status) == status
        if answer:
            assert_safe(answer, None if attacks.CROSS in headers else APP, name)
        assert_ordinary(streams.ask(attacks.h2(attacks.MINE)), name)
    gate.assert_well(name)


def http1(port):
    """A function that asks over HTTP/1.1, and returns `None` where the connection is closed unanswered."""
    with contextlib.ExitStack() as stack:
        kept = []

        def ask(method, headers, host=HOST):
            if not kept:
                kept.append(stack.enter_context(Wire(port)))
            lines = [b"%s / HTTP/1.1" % method.encode(), b"Host: " + as_bytes(host)]
            lines += [name.encode() + b": " + as_bytes(value) for name, value in headers.items()]
            if method == "POST":
                lines.append(b"Content-Length: 0")
            kept[0].send(b"\r\n".join([*lines, b"", b""]))
            answer = kept[0].answer()
            if answer is None or answer.value("connection") == "close" or answer.status == 400:
                kept.clear()
            return answer

        yield ask


def http2(port):
    """The same over HTTP/2."""
    with Streams(port) as streams:

        def ask(method, headers, host=HOST):
            lines = list(headers.items())
            if "upgrade" in headers:
                method = "CONNECT"
                lines = [(":protocol", headers["upgrade"]), *(it for it in lines if it[0] not in ("upgrade", "connection"))]
            return streams.ask(attacks.h2(*lines, method=method, authority=host))

        yield ask


PROTOCOLS = pytest.mark.parametrize("asking", [http1, http2], ids=["HTTP/1.1", "HTTP/2"])


@PROTOCOLS
@pytest.mark.parametrize("name", attacks.FIELDS)
def test_every_byte_that_is_not_ascii(gate, asking, name):
    method, headers, pattern = attacks.FIELDS[name]
    field = name.split()[0]
    before = load.counted(gate.envoy).total()
    with contextlib.contextmanager(asking)(gate.port) as ask:
        for byte in range(0x80, 0x100):
            value = pattern.format(chr(byte))
            answer = ask(method, headers, host=value) if field == "host" else ask(method, {**headers, field: value})
            if answer:
                assert answer.status < 500, f"{name} {byte:#x}: {answer.status} {answer.text()}"
                origin = value if field == "origin" else headers.get("origin")
                assert_safe(answer, origin, f"{name} {byte:#x}")
    # Envoy refuses the rest by itself.
    assert load.counted(gate.envoy).total() - before == (0 if field in ("host", "upgrade") else 128)
    gate.assert_well(name)


@PROTOCOLS
def test_origins_that_pass_for_others(gate, asking):
    """None is granted anything, may write, or opens a socket."""
    for origin in attacks.ORIGINS:
        with contextlib.contextmanager(asking)(gate.port) as ask:
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
        with contextlib.contextmanager(asking)(gate.port) as ask:
            for method, headers in [("GET", {"origin": APP}), ("OPTIONS", attacks.PREFLIGHT), ("GET", {**attacks.UPGRADE, "origin": APP})]:
                answer = ask(method, headers, host)
                if is_answered_by_the_filter(answer):
                    assert answer.status == 421, f"{host!r}: {answer.status}"
                    assert_safe(answer, APP, repr(host))
        gate.assert_well(repr(host))


def test_a_flood_of_preflights(gate):
    """No two alike: neither memory nor the number of counters follows them."""
    gate.assert_well("before")
    series, memory = len(gate.envoy.stats("")), load.resident(gate.envoy)
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
    assert load.resident(gate.envoy) - memory < load.FLAT


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
