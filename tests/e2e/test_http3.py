"""The same policy over HTTP/3: Envoy's QUIC listener, and a client that shares no code with it."""

import json

import pytest

import peers
import proxy
from http3 import Http3

POLICY = {
    "allowed_origins": ["https://app.example"],
    "allowed_hosts": ["api.example"],
    "cors": {"allow_credentials": True, "max_age": 600},
}
APP = ("origin", "https://app.example")
EVIL = ("origin", "https://evil.example")
ASKS = ("access-control-request-method", "PUT")
FOR_APP = {
    "access-control-allow-origin": "https://app.example",
    "access-control-allow-credentials": "true",
    "vary": "Origin",
}


@pytest.fixture(scope="module")
def port(envoy, backend, module, certificate, access_log):
    options = {"codec_type": "HTTP3", "http3_protocol_options": {"allow_extended_connect": True}}
    routes = [proxy.route("/backend/"), proxy.route("/socket/")]
    web = proxy.manager([proxy.gate(module, POLICY)], routes, access_log.path, **options)
    listeners = [proxy.quic_listener("web", web, certificate)]
    # One worker: with more, the kernel may hand packets of a connection to one that does not have it.
    return envoy("http3", listeners, [proxy.cluster("backend", backend.port)], concurrency=1).ports["web"]


@pytest.fixture(scope="module")
def connect(port, authority):
    return lambda: Http3(port, authority.cert_pem.bytes())


@pytest.fixture(scope="module")
def ask(connect, access_log):
    """One request: its answer, and what the access log has of it, which Envoy writes once the client has it all."""

    def ask(method, path, headers, case, **more):
        with connect() as exchange:
            answer = exchange.start(method, path, [*headers, ("x-case", case)], **more).read()
        return answer, finding(access_log, case)

    return ask


def finding(access_log, case):
    line = access_log.line(case)
    assert line["protocol"] == Http3.VERSION
    return line["finding"]


PATHS = [("/backend/200", 200, "from the backend"), ("/nowhere", 404, "")]
ORIGINS = [(APP, FOR_APP, "allowed:listed"), (EVIL, {"vary": "Origin"}, "rejected:origin_not_allowed")]


@pytest.mark.parametrize("path, status, body", PATHS, ids=["200", "404"])
@pytest.mark.parametrize("origin, cors, outcome", ORIGINS, ids=["allowed", "foreign"])
def test_an_answer_is_for_the_allowed_page_to_read(ask, path, status, body, origin, cors, outcome):
    answer, found = ask("GET", path, [origin], f"HTTP/3 {path} {outcome}")
    assert (answer.status, answer.text(), answer.cors()) == (status, body, cors)
    assert found == f"cors:{outcome}"


def test_a_preflight_is_answered_by_the_filter(ask):
    answer, found = ask("OPTIONS", "/backend/500", [APP, ASKS], "HTTP/3 preflight")
    assert (answer.status, answer.body, answer.value("access-control-max-age")) == (204, b"", "600")
    assert answer.value("access-control-allow-origin") == "https://app.example"
    assert found == "cors:allowed:listed"


def test_a_foreign_preflight_is_refused(ask):
    answer, found = ask("OPTIONS", "/backend/200", [EVIL, ASKS], "HTTP/3 foreign preflight")
    vary = {"vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
    assert (answer.status, answer.cors(), reason(answer)) == (403, vary, "origin_not_allowed")
    assert found == "cors:rejected:origin_not_allowed"


def test_a_foreign_host_is_refused_readably(ask):
    answer, found = ask("GET", "/backend/200", [APP], "HTTP/3 host", host="other.example")
    assert (answer.status, answer.cors(), reason(answer)) == (421, FOR_APP, "host_not_allowed")
    assert found == "hosts:rejected:host_not_allowed"


def test_a_websocket_opens_for_the_allowed_page(connect, access_log, backend):
    """RFC 9220, to a backend that speaks HTTP/1.1 and wants a `Sec-WebSocket-Key`."""
    with connect() as exchange:
        head = exchange.start("GET", "/socket/http3", [APP, ("x-case", "HTTP/3 socket")], websocket=True).head()
        assert (head.status, head.cors()) == (200, {})
        frames = peers.Frames(exchange)
        greeting = dict(json.loads(frames.hear()))
        assert (greeting["origin"], len(greeting["sec-websocket-key"])) == ("https://app.example", 24)
        frames.say("hello")
        assert frames.hear() == "hello"
        frames.close()
    assert "/socket/http3" in backend.handshakes
    assert finding(access_log, "HTTP/3 socket") == "websocket:allowed:listed"


def test_a_websocket_stays_shut_for_a_foreign_page(ask, backend):
    path = "/socket/http3-foreign"
    answer, found = ask("GET", path, [EVIL], "HTTP/3 foreign socket", websocket=True)
    assert (answer.status, answer.value("content-type")) == (403, "application/problem+json")
    assert (answer.cors(), reason(answer)) == ({"vary": "Origin"}, "origin_not_allowed")
    assert path not in backend.handshakes
    assert found == "websocket:rejected:origin_not_allowed"


def reason(answer):
    return json.loads(answer.body)["reason"]
