"""What comes in parts goes on in parts, either way: each waits until the other side has seen the one before."""

import base64
import json

import grpc
import pytest

import peers
import proxy
import rpc

APP, FOREIGN = "https://app.example", "https://evil.example"
POLICY = {
    "allowed_origins": [APP],
    "allowed_hosts": ["api.example", "127.0.0.1"],
    "cors": {"allow_credentials": True, "presets": ["grpc_web", "connect"]},
    "csrf": {},
}
ORIGIN = ("Origin", APP)
KINDS = pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)


@pytest.fixture(scope="module")
def gate(envoy, backend, module, access_log):
    gate = proxy.gate(module, POLICY)
    routes = [proxy.route("/", timeout="0s")]
    to_grpc = [proxy.route("/", "grpc", timeout="0s")]
    grpc_web = proxy.http_filter("grpc_web", "grpc_web.v3.GrpcWeb")
    listeners = [
        proxy.listener("web", proxy.manager([gate], routes, access_log.path)),
        proxy.listener("continue", proxy.manager([gate], routes, access_log.path, proxy_100_continue=True)),
        proxy.listener("grpc", proxy.manager([gate, grpc_web], to_grpc, access_log.path)),
    ]
    with rpc.grpc_server(backend.steps) as port:
        clusters = [proxy.cluster("backend", backend.port), proxy.cluster("grpc", port, http2=True)]
        yield envoy("streaming", listeners, clusters)


def assert_readable(answer, status=200):
    assert (answer.status, answer.value("access-control-allow-origin")) == (status, APP)
    assert answer.value("access-control-allow-credentials") == "true"


@KINDS
def test_server_sent_events(gate, backend, kind):
    with kind(gate.ports["web"]) as exchange:
        head = exchange.start("GET", "/events/", [ORIGIN]).head()
        assert_readable(head)
        assert head.value("content-type") == "text/event-stream"
        for number in range(3):
            assert exchange.data() == f"id: {number}\ndata: event {number}\n\n".encode()
            backend.steps.take()
        assert exchange.data() is None


@KINDS
def test_a_body_both_ways_at_once(gate, kind):
    with kind(gate.ports["web"]) as exchange:
        exchange.start("POST", "/upload/", [ORIGIN], length=-1)
        exchange.send(b"part 0")
        assert_readable(exchange.head())
        assert exchange.data() == b"part 0"
        for number in range(1, 4):
            exchange.send(f"part {number}".encode())
            assert exchange.data() == f"part {number}".encode()
        exchange.send(b"", end=True)
        assert exchange.data() is None


@KINDS
@pytest.mark.parametrize("listener", ["web", "continue"])
def test_100_continue(gate, kind, listener):
    with kind(gate.ports[listener]) as exchange:
        exchange.start("POST", "/upload/", [ORIGIN, ("Expect", "100-continue")], length=4)
        if kind is peers.Http1:
            # The body is sent once the other side has said that it will have it.
            assert exchange.event().status_code == 100
        exchange.send(b"body", end=True)
        answer = exchange.read()
        assert_readable(answer)
        assert answer.body == b"body"


@pytest.mark.parametrize("listener", ["web", "continue"])
def test_100_continue_of_a_write_that_is_refused(gate, listener):
    with peers.Http1(gate.ports[listener]) as exchange:
        exchange.start("POST", "/upload/", [("Origin", FOREIGN), ("Expect", "100-continue")], length=4)
        answer = exchange.read()
        assert (answer.status, answer.cors()) == (403, {"vary": "Origin"})
        # Envoy itself says 100, before any filter, unless it leaves that to the backend.
        assert [it.status for it in exchange.interim] == ([100] if listener == "web" else [])


def test_grpc_with_its_trailers(gate, backend):
    with grpc.insecure_channel(f"127.0.0.1:{gate.ports['grpc']}") as channel:
        _, call = channel.unary_unary(f"/{rpc.SERVICE}/Get").with_call(rpc.message("anna"), timeout=peers.PATIENCE)
        assert dict(call.trailing_metadata())["x-checked"] == "yes"
        events = channel.unary_stream(f"/{rpc.SERVICE}/Watch")(rpc.message(""), timeout=peers.PATIENCE)
        for expected in rpc.EVENTS:
            assert rpc.text_of(next(events)) == expected
            backend.steps.take()
        assert list(events) == []
        with pytest.raises(grpc.RpcError) as missing:
            channel.unary_unary(f"/{rpc.SERVICE}/Get")(rpc.message("missing"), timeout=peers.PATIENCE)
        assert missing.value.code() is grpc.StatusCode.NOT_FOUND


@KINDS
@pytest.mark.parametrize(
    "listener, asked",
    [
        ("grpc", "content-type,grpc-timeout,x-grpc-web,x-user-agent"),
        ("web", "connect-protocol-version,connect-timeout-ms,content-type,x-user-agent"),
    ],
)
def test_the_presets_let_their_clients_ask(gate, kind, listener, asked):
    headers = [ORIGIN, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", asked)]
    answer = peers.ask(kind, gate.ports[listener], "OPTIONS", f"/{rpc.SERVICE}/Get", headers)
    assert_readable(answer, 204)
    allowed = answer.value("access-control-allow-headers").split(", ")
    assert [it for it in asked.split(",") if it not in allowed] == []


def start_rpc(exchange, method, content_type, text, *headers):
    """A call with one message, in an envelope unless it is a unary one of Connect."""
    body = rpc.message(text)
    if content_type != "application/proto":
        body = rpc.frame(body)
    exchange.start("POST", f"/{rpc.SERVICE}/{method}", [ORIGIN, ("Content-Type", content_type), *headers], length=len(body))
    exchange.send(body, end=True)
    head = exchange.head()
    assert_readable(head, head.status)
    return head


def exposed(head):
    return head.value("access-control-expose-headers").split(", ")


@KINDS
def test_grpc_web(gate, backend, kind):
    grpc_web = "application/grpc-web+proto"
    with kind(gate.ports["grpc"]) as exchange:
        head = start_rpc(exchange, "Watch", grpc_web, "", ("X-Grpc-Web", "1"))
        assert (head.status, head.value("content-type")) == (200, grpc_web)
        frames = rpc.Frames(exchange)
        for expected in rpc.EVENTS:
            flags, payload = frames.next()
            assert (flags, rpc.text_of(payload)) == (rpc.DATA, expected)
            backend.steps.take()
        flags, payload = frames.next()
        assert flags == rpc.TRAILERS and b"grpc-status:0" in payload
        assert frames.next() is None


@KINDS
def test_a_grpc_web_error(gate, kind):
    with kind(gate.ports["grpc"]) as exchange:
        head = start_rpc(exchange, "Get", "application/grpc-web+proto", "missing", ("X-Grpc-Web", "1"))
        # In a header, where scripts read it only if it is exposed.
        assert (head.status, head.value("grpc-status"), head.value("grpc-message")) == (200, "5", "there is no such cart")
        assert {"grpc-status", "grpc-message", "grpc-status-details-bin"} <= set(exposed(head))


@KINDS
def test_connect(gate, backend, kind):
    version = ("Connect-Protocol-Version", "1")
    with kind(gate.ports["web"]) as exchange:
        answer = exchange.read(start_rpc(exchange, "Get", "application/proto", "anna", version))
        assert (answer.status, rpc.text_of(answer.body)) == (200, "cart of anna")
    with kind(gate.ports["web"]) as exchange:
        answer = exchange.read(start_rpc(exchange, "Get", "application/proto", "missing", version))
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "not_found")
    with kind(gate.ports["web"]) as exchange:
        head = start_rpc(exchange, "Watch", "application/connect+proto", "", version)
        assert (head.status, head.value("content-type")) == (200, "application/connect+proto")
        frames = rpc.Frames(exchange)
        for expected in rpc.EVENTS:
            flags, payload = frames.next()
            assert (flags, rpc.text_of(payload)) == (0, expected)
            backend.steps.take()
        assert frames.next() == (rpc.END_STREAM, b"{}")
        assert frames.next() is None


@KINDS
def test_connect_by_get(gate, kind):
    asked = base64.urlsafe_b64encode(rpc.message("anna")).decode()
    path = f"/{rpc.SERVICE}/Get?connect=v1&encoding=proto&base64=1&message={asked}"
    answer = peers.ask(kind, gate.ports["web"], path=path, headers=[ORIGIN])
    assert_readable(answer)
    assert rpc.text_of(answer.body) == "cart of anna"


@KINDS
def test_a_foreign_page_may_not_call(gate, kind):
    body = rpc.frame(rpc.message("anna"))
    for content_type in ("application/grpc-web+proto", "application/connect+proto"):
        headers = [("Origin", FOREIGN), ("Content-Type", content_type)]
        answer = peers.ask(kind, gate.ports["grpc"], "POST", f"/{rpc.SERVICE}/Get", headers, body)
        assert (answer.status, answer.cors()) == (403, {"vary": "Origin"})
        assert '"reason":"cross_site_write"' in answer.text()
