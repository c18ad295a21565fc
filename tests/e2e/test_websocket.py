"""Handshakes by real clients, through the filter, to real servers: who gets in, and what the backend sees of it."""

import base64
import json
import pathlib
import subprocess

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import node
import peers
import proxy
from conftest import AccessLog
from peers import HOST, PATIENCE, Frames, Http1, Http2

HERE = pathlib.Path(__file__).parent
TABLES = json.loads((HERE / "handshakes.json").read_text())
APP, EVIL = "https://app.example", "https://evil.example"
SAID = {"uvicorn": '"WebSocket', "daphne": '"WSCONNECTING'}  # in the log, before the path of a handshake
SERVERS = list(SAID)
BACKENDS = [*SERVERS, "echo"]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the one that the HTTP/1.1 client of peers.py sends
TEXT = '{"hello": "there"}'

POLICY = {"allowed_origins": [APP], "allowed_hosts": ["api.example", "[::1]"]}
STRICT = {**POLICY, "websocket": {"allowed_hosts": False, "missing_origin": "reject"}}
POLICIES = {
    "plain": POLICY,
    "strict": STRICT,
    "by_hosts": {**POLICY, "allowed_hosts": ["api.example", "[::1]", "[::2]"], "websocket": {"allowed_hosts": True}},
    "strip_port": STRICT,
    "check": {**POLICY, "hosts": {"forwarded_host": "check"}},
    "strip": {**POLICY, "hosts": {"forwarded_host": "strip"}},
}


@pytest.fixture(scope="module")
def clusters(stage, backend):
    shops = [proxy.cluster(server, stage.shop(server, name=server)) for server in SERVERS]
    return [*shops, proxy.cluster("echo", backend.port)]


@pytest.fixture(scope="module")
def bare_log(stage):
    return AccessLog(stage.folder / "bare-access.json")


@pytest.fixture(scope="module")
def bare(envoy, clusters, bare_log):
    """The same proxy without the filter."""
    web = proxy.manager([], ROUTES, bare_log.path)
    return envoy("bare", [proxy.listener("web", web)], clusters).ports["web"]


@pytest.fixture(scope="module")
def gate(envoy, clusters, bare, module, certificate, access_log):
    """The filter, with a listener for each policy; its ports."""

    def web(policy, **more):
        # Who is refused has sent all it had, and need not be waited for.
        more["delayed_close_timeout"] = "0.01s"
        return proxy.manager([proxy.gate(module, policy)], ROUTES, access_log.path, **more)

    stripping = {"strip_port": {"strip_any_host_port": True}}
    listeners = [proxy.listener(name, web(it, **stripping.get(name, {}))) for name, it in POLICIES.items()]
    listeners.append(proxy.listener("tls", web(POLICY), certificate))
    return envoy("websocket", listeners, [*clusters, proxy.cluster("proxy", bare, http2=True)]).ports


ROUTES = [proxy.route(f"/{it}/", it, prefix_rewrite="/") for it in BACKENDS]
ROUTES.append(proxy.route("/proxy/", "proxy", prefix_rewrite="/"))


class Outcome:
    """Of a handshake, and of a text if it opened."""

    def __init__(self, status, heard=(), media_type=None, body=None):
        self.status, self.heard, self.media_type, self.body = status, list(heard), media_type, body


def by_raw(kind):
    def talk(port, tls, ca, path, origin, case):
        headers = [("Origin", origin), ("x-case", case)]
        with kind(port, tls) as exchange:
            head = exchange.start("GET", path, headers, websocket=True).head()
            if head.status != (101 if kind is Http1 else 200):
                answer = exchange.read(head)
                return Outcome(answer.status, media_type=answer.value("content-type"), body=answer.text())
            frames = Frames(exchange)
            frames.say(TEXT)
            heard = [frames.hear(), frames.hear()]
            frames.close()
            return Outcome(101, heard)

    return talk


def by_websockets(port, tls, ca, path, origin, case):
    if tls:
        tls.set_alpn_protocols(["http/1.1"])
    url = f"{'wss' if tls else 'ws'}://{HOST}:{port}{path}"
    options = {"sock": peers.connect(port, None, []), "ssl": tls, "open_timeout": PATIENCE, "proxy": None}
    try:
        with connect(url, origin=origin, additional_headers={"x-case": case}, **options) as client:
            client.send(TEXT)
            return Outcome(101, [client.recv(PATIENCE), client.recv(PATIENCE)])
    except InvalidStatus as refused:
        found = refused.response
        return Outcome(found.status_code, media_type=found.headers["content-type"], body=found.body.decode())


def by_node(port, tls, ca, path, origin, case):
    node.need("ws")
    url = f"{'wss' if tls else 'ws'}://{HOST}:{port}{path}"
    what = {"url": url, "origin": origin, "headers": {"x-case": case}, "text": TEXT, "ca": ca}
    command = ["node", HERE / "ws_client.mjs", node.MODULES, json.dumps(what)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout, done.stderr
    return Outcome(**json.loads(done.stdout))


CLIENTS = {"HTTP/1.1": by_raw(Http1), "HTTP/2": by_raw(Http2), "websockets": by_websockets, "ws": by_node}


@pytest.fixture(scope="module")
def count_handshakes(stage, backend):
    """How often a path has come through to a backend, as that backend tells."""

    def count(name, path):
        if name == "echo":
            return backend.handshakes.count(path)
        return stage.log(name).count(f"{SAID[name]} {path}")

    return count


@pytest.mark.parametrize("listener", ["plain", "tls"])
@pytest.mark.parametrize("backend_name", BACKENDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_allowed_page_gets_in_and_a_foreign_one_does_not(
    gate, authority, trust, access_log, count_handshakes, client, backend_name, listener
):
    tls, ca = (trust, authority.cert_pem.bytes().decode()) if listener == "tls" else (None, None)
    slug = f"{client}-{listener}".replace("/", "").replace(".", "")
    case = f"{client} {backend_name} {listener}"

    def talk(who, origin):
        path = f"/{backend_name}/ws/chat/{slug}-{who}/"
        return CLIENTS[client](gate[listener], tls, ca, path, origin, f"{case} {who}")

    foreign = talk("foreign", EVIL)
    assert (foreign.status, foreign.media_type, foreign.heard) == (403, "application/problem+json", [])
    problem = json.loads(foreign.body)
    assert (problem["check"], problem["reason"], problem["status"]) == ("websocket", "origin_not_allowed", 403)
    allowed = talk("allowed", APP)
    # Counted now that a later one has come through: by now the first would have left its trace.
    came = [count_handshakes(backend_name, f"/ws/chat/{slug}-{who}/") for who in ("foreign", "allowed")]
    assert came == [0, 1]
    assert allowed.status == 101
    greeting, echo = map(json.loads, allowed.heard)
    assert echo == json.loads(TEXT)
    seen = dict(greeting) if backend_name == "echo" else greeting["handshake"]
    assert seen["origin"] == APP and seen["host"].split(":")[0] == HOST
    assert seen["x-forwarded-proto"] == ("https" if tls else "http")
    assert access_log.line(f"{case} allowed")["finding"] == "websocket:allowed:listed"
    line = access_log.line(f"{case} foreign")
    assert (line["finding"], line["details"]) == (
        "websocket:rejected:origin_not_allowed",
        "origin_gate{websocket_origin_not_allowed}",
    )
    assert line["protocol"] == ("HTTP/2" if client == "HTTP/2" else "HTTP/1.1")


class Handshake:
    """One with the echo: the head of its answer, then either what the backend saw or a whole refusal."""

    def __init__(self, kind, port, headers, path="/echo/", method="GET", host=HOST, websocket=True):
        with kind(port) as exchange:
            self.head = exchange.start(method, path, headers, host=host, websocket=websocket).head()
            self.status, self.seen, self.answer = self.head.status, None, None
            if self.status == (101 if kind is Http1 else 200):
                frames = Frames(exchange)
                self.seen = json.loads(frames.hear())
                frames.close()
            else:
                self.answer = exchange.read(self.head)

    def saw(self, name):
        """The lines of a header that reached the backend."""
        assert self.seen, f"{self.status} {self.answer.text()}"
        return [value for it, value in self.seen if it == name]


def each(rows, *protocols):
    cells = [(row, kind) for row in rows for kind in peers.BOTH if row.get("only", kind.VERSION) == kind.VERSION]
    return pytest.mark.parametrize("row, kind", cells, ids=[f"{name_of(row)} - {kind.VERSION}" for row, kind in cells])


def name_of(row):
    return row.get("name") or f"{row.get('listener', 'sent')} {row['sent']}"


@each(TABLES["edges"])
def test_corner(gate, backend, access_log, row, kind):
    case = f"{row['name']} - {kind.VERSION}"
    origins = row.get("origin", [APP])
    headers = [("x-case", case), *(("Origin", it) for it in origins)]
    options = {"method": row.get("method", "GET"), "websocket": row.get("protocol", True)}
    before = len(backend.handshakes)
    port = gate[row.get("listener", "plain")]
    found = Handshake(kind, port, headers, host=row.get("host", HOST), **options)
    line = access_log.line(case)
    assert (line["finding"], line["protocol"]) == (row["finding"], kind.VERSION)
    readable = {"access-control-allow-origin": APP} if origins == [APP] else {}
    assert found.head.cors() == ({} if found.seen else {**readable, "vary": "Origin"})
    _, outcome, reason = row["finding"].split(":")
    if outcome == "rejected":
        assert (found.status, found.seen) == (row.get("status", 403), None)
        assert json.loads(found.answer.body)["reason"] == reason
        assert len(backend.handshakes) == before
    elif "status" in row:
        assert (found.status, line["details"]) == (row["status"], row["details"])
    else:
        host = row.get(f"seen {kind.VERSION}") or row.get("seen") or HOST
        assert (found.saw("origin"), found.saw("host")) == (origins, [host])
        assert len(backend.handshakes) == before + 1


@each(TABLES["protos"])
def test_the_backend_sees_the_scheme_of_a_page(gate, row, kind):
    """Proxies in front write the scheme of the socket, which frameworks do not know."""
    found = Handshake(kind, gate["plain"], [("Origin", APP), *(("X-Forwarded-Proto", it) for it in row["sent"])])
    assert found.saw("x-forwarded-proto") == [row["seen"]]
    assert found.saw("origin") == [APP] and found.saw("host") == [HOST]


@each(TABLES["forwarded_hosts"])
def test_forwarded_host(gate, backend, access_log, row, kind):
    case = f"forwarded host {name_of(row)} - {kind.VERSION}"
    headers = [("x-case", case), ("Origin", APP), *(("X-Forwarded-Host", it) for it in row["sent"])]
    before = len(backend.handshakes)
    found = Handshake(kind, gate[row["listener"]], headers)
    if refused := row.get("refused"):
        assert (found.status, json.loads(found.answer.body)["reason"]) == (421, refused)
        assert access_log.line(case)["finding"] == f"hosts:rejected:{refused}"
        assert len(backend.handshakes) == before
    else:
        assert found.saw("x-forwarded-host") == ([row["seen"]] if row["seen"] else [])
        assert access_log.line(case)["finding"] == "websocket:allowed:listed"


@pytest.mark.parametrize("name", BACKENDS)
def test_over_http2_the_filter_brings_the_key_that_http1_backends_want(bare, gate, name):
    """https://github.com/envoyproxy/envoy/issues/8547: without the filter there is none."""
    mine = ("sec-websocket-key", KEY)
    without = [(Http2, bare, [], 400), (Http2, bare, [mine], 200), (Http1, bare, [], 101)]
    for kind, port, brought, status in [*without, (Http2, gate["plain"], [], 200)]:
        with kind(port) as exchange:
            exchange.start("GET", f"/{name}/ws/chat/key/", [("Origin", APP), *brought], websocket=True)
            assert exchange.head().status == status


def test_each_key_is_a_fresh_one(gate):
    keys = [Handshake(Http2, gate["plain"], [("Origin", APP)]).saw("sec-websocket-key") for _ in range(2)]
    assert [len(it) for it in keys] == [1, 1] and keys[0] != keys[1]
    assert [len(base64.b64decode(it, validate=True)) for (it,) in keys] == [16, 16]


@pytest.mark.parametrize("kind", peers.BOTH)
def test_a_key_that_is_there_stays(gate, kind):
    brought = [("sec-websocket-key", KEY)] if kind is Http2 else []
    assert Handshake(kind, gate["plain"], [("Origin", APP), *brought]).saw("sec-websocket-key") == [KEY]


@pytest.mark.parametrize("kind", peers.BOTH)
def test_an_http2_backend(gate, bare_log, kind):
    """Another proxy, which hands the handshake on to a backend that speaks HTTP/1.1."""
    allowed, foreign = (f"HTTP/2 backend - {who} - {kind.VERSION}" for who in ("allowed", "foreign"))
    found = Handshake(kind, gate["plain"], [("Origin", EVIL), ("x-case", foreign)], path="/proxy/echo/")
    assert (found.status, found.seen) == (403, None)
    found = Handshake(kind, gate["plain"], [("Origin", APP), ("x-case", allowed)], path="/proxy/echo/")
    assert (found.saw("origin"), len(found.saw("sec-websocket-key"))) == ([APP], 1)
    assert bare_log.line(allowed)["protocol"] == "HTTP/2"
    assert foreign not in bare_log.path.read_text()
