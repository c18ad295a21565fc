"""Answers that no filter sees, which `docs/operations.md` lists, and its snippet that makes them readable all the same."""

import socket

import pytest

import peers
import proxy
import readme
import refusals
from conftest import AccessLog

APP, ADMIN, FOREIGN = "https://app.example", "https://admin.example", "https://evil.example"
POLICY = {"allowed_origins": [APP, ADMIN], "allowed_hosts": ["api.example"], "csrf": {}}
# The snippet has `APP` and `ADMIN`; this policy has no `ADMIN`, and has another that the snippet has not.
THIRD = "https://third.example"
DIFFERING = {**POLICY, "allowed_origins": [APP, THIRD]}
CREDENTIALS = {"allow_credentials": True}
POLICIES = {
    "enforce": {**DIFFERING, "cors": CREDENTIALS},
    "keep": {**DIFFERING, "cors": {**CREDENTIALS, "upstream_headers": "keep"}},
    "report_only": {**DIFFERING, "cors": {**CREDENTIALS, "mode": "report_only"}},
    "off": {**DIFFERING, "cors": {**CREDENTIALS, "mode": "off"}},
    "any": {**DIFFERING, "allowed_origins": ["*"]},
}
LARGE = "a" * 70_000


def request(line="GET /backend/200 HTTP/1.1", *lines, host="Host: api.example"):
    return [line, *([host] if host else []), "Origin: ORIGIN", *lines, "", ""]


# The cases of each row of the page's table: who answers, in `%RESPONSE_CODE_DETAILS%`, and what is asked.
CASES = {
    "a malformed request line, header or host": [
        ("http1.codec_error", request("GET")),
        ("http1.invalid_characters", request("GET /backend/200 HTTP/1.1", "X-Nul: a\0b")),
        ("http.invalid_authority", request(host="Host: api example")),
    ],
    "an unknown `Transfer-Encoding`": [
        ("http1.invalid_transfer_encoding", request("GET /backend/200 HTTP/1.1", "Transfer-Encoding: gzip2")),
    ],
    "headers too large or too many": [
        ("http1.headers_too_large", request("GET /backend/200 HTTP/1.1", f"X-Large: {LARGE}")),
        ("http1.too_many_headers", request("GET /backend/200 HTTP/1.1", *(f"X-{it}: a" for it in range(110)))),
    ],
    "a header name with `_`, under `REJECT_REQUEST`": [
        ("http1.unexpected_underscore", request("GET /backend/200 HTTP/1.1", "X_Forwarded_Host: a")),
    ],
    "headers that do not come in time": [("request_header_timeout", request()[:-2] + [""])],
    "HTTP/1.0": [("low_version", request("GET /backend/200 HTTP/1.0"))],
    "no `Host`": [("missing_host_header", request(host=None))],
    "a path that `path_with_escaped_slashes_action` refuses": [
        ("path_normalization_failed", request("GET /backend%2f200 HTTP/1.1")),
    ],
    "`OPTIONS *`": [("absolute_path_rejected", request("OPTIONS * HTTP/1.1"))],
    "an upgrade that is not in `upgrade_configs`": [
        ("upgrade_failed", request("GET /backend/200 HTTP/1.1", "Connection: Upgrade", "Upgrade: h3c")),
    ],
    "a filter in front of this one": [("rbac_access_denied_matched_policy[all]", request("GET /early/ HTTP/1.1"))],
}
TABLE = readme.table("| what | status | origin known |", readme.OPERATIONS)
ROWS = {what: (int(status[:3]), known == "yes") for what, status, known in TABLE}
CELLS = [(what, case) for what, cases in CASES.items() for case in cases]
NAMES = [f"{what} ({details})" for what, (details, _) in CELLS]


@pytest.fixture(scope="module")
def access_log(stage):
    """Of this file's Envoy alone: no line can be told by its `x-case` where no header was read."""
    return AccessLog(stage.folder / "unread.access")


@pytest.fixture(scope="module")
def gate(envoy, backend, module, access_log):
    options = {
        "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"},
        "normalize_path": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "request_headers_timeout": "0.5s",
    }
    early, late = (refusals.forbid(it, f"/{it}/") for it in ("early", "late"))

    def web(policy, **more):
        filters = [early, proxy.gate(module, policy), late]
        return proxy.manager(filters, [proxy.route("/backend/"), proxy.route("/socket/")], access_log.path, **options, **more)

    snippet = {"local_reply_config": readme.block("local_reply_config", readme.OPERATIONS)}
    listeners = []
    for name, policy in {"": {**POLICY, "cors": CREDENTIALS}, **POLICIES}.items():
        listeners.append(proxy.listener(f"bare {name}".strip(), web(policy)))
        listeners.append(proxy.listener(f"covered {name}".strip(), web(policy, **snippet)))
    return envoy("local-replies", listeners, [proxy.cluster("backend", backend.port)])


def ask(gate, listener, lines, origin):
    """Sends bytes as they are, and reads the head of what comes back."""
    text = "\r\n".join(lines).replace("ORIGIN", origin)
    with socket.create_connection(("127.0.0.1", gate.ports[listener]), peers.PATIENCE) as stream:
        stream.sendall(text.encode("latin-1"))
        head = b""
        while b"\r\n\r\n" not in head and (data := stream.recv(65536)):
            head += data
    first, *rest = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    headers = [tuple(line.lower().split(": ", 1)) for line in rest]
    return peers.Answer(int(first.split(" ")[1]), headers)


def granted(origin):
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "vary": "origin",
    }


def test_the_page_lists_these():
    assert list(ROWS) == list(CASES)


@pytest.mark.parametrize("what, case", CELLS, ids=NAMES)
def test_no_filter_sees_it(gate, access_log, what, case):
    details, lines = case
    answer = ask(gate, "bare", lines, APP)
    assert (answer.status, answer.cors()) == (ROWS[what][0], {})
    line = access_log.find("details", details)
    assert line["finding"] is None


@pytest.mark.parametrize("what, case", CELLS, ids=NAMES)
def test_the_snippet_makes_it_readable(gate, what, case):
    status, is_known = ROWS[what]
    # The constant says nothing to the page of another origin.
    for origin, named in ((APP, APP), (ADMIN, ADMIN if is_known else APP), (FOREIGN, APP)):
        answer = ask(gate, "covered", case[1], origin)
        assert (answer.status, answer.cors()) == (status, granted(named)), origin


# What passes through the filter, by what answers it.
SEEN = {
    "the backend": {"path": "/backend/200"},
    "the backend's error": {"path": "/backend/500"},
    "no route": {"path": "/nothing"},
    "a filter behind": {"path": "/late/"},
    "a preflight": {"method": "OPTIONS", "path": "/backend/200", "headers": [("Access-Control-Request-Method", "PUT")]},
    "another host": {"path": "/", "host": "evil.example"},
    "a write": {"method": "POST", "path": "/backend/200", "body": b"x"},
    "a handshake": {"path": "/socket/", "websocket": True},
}


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
@pytest.mark.parametrize("request_", SEEN.values(), ids=SEEN)
@pytest.mark.parametrize("policy", POLICIES)
def test_the_snippet_changes_nothing_that_the_filter_sees(gate, kind, policy, request_):
    """Whether policy and snippet agree on an origin or not."""

    def answer(listener, origin):
        asked = {"method": "GET", **request_, "headers": [("Origin", origin), *request_.get("headers", [])]}
        body = asked.pop("body", None)
        with kind(gate.ports[f"{listener} {policy}"]) as exchange:
            exchange.start(length=None if body is None else len(body), **asked)
            if body:
                exchange.send(body, end=True)
            head = exchange.head()
            is_open = head.status == 101 or "websocket" in asked and head.status == 200
            return head.status, head.cors(), None if is_open else exchange.read(head).body

    for origin in (APP, ADMIN, THIRD, FOREIGN):
        assert answer("covered", origin) == answer("bare", origin), origin


BROKEN = {
    "a malformed host": "Host: api example",
    "a malformed header": "X-Nul: a\0b",
    "an unknown Transfer-Encoding": "Transfer-Encoding: gzip2",
    "headers too large": f"X-Large: {LARGE[:65_000]}",
    "a header name with _": "X_Forwarded_Host: a",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_over_http2_there_is_no_answer(gate, line):
    name, value = line.split(": ", 1)
    host = {"host": value} if name == "Host" else {}
    with pytest.raises(ConnectionError, match="no answer"):
        peers.ask(peers.Http2, gate.ports["covered"], headers=[] if host else [(name, value)], **host)


# Responses that Envoy puts over others, and the net of `docs/control-planes.md`.

PLANES = (readme.ROOT / "docs" / "control-planes.md").read_text()
LOCAL = "envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy"
STATUS = {"name": "status", "typed_config": proxy.typed("envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput")}


def overriding():
    """Every 404."""
    is_404 = {"single_predicate": {"input": STATUS, "value_match": {"exact": "404"}}}
    action = {"name": "instead", "typed_config": proxy.typed(LOCAL, status_code=404, body={"inline_string": "overridden"})}
    matchers = {"matcher_list": {"matchers": [{"predicate": is_404, "on_match": {"action": action}}]}}
    return proxy.http_filter("custom_response", "custom_response.v3.CustomResponse", custom_response_matcher=matchers)


@pytest.fixture(scope="module")
def overridden(envoy, backend, module):
    net = readme.block("local_reply_config", PLANES)
    if proxy.is_native(module):
        expression = net["mappers"][0]["filter"]["extension_filter"]["typed_config"]
        expression["expression"] = expression["expression"].replace("wasm.origin_gate", "origin_gate")
    listeners = []
    for name, policy in {"": {**POLICY, "cors": CREDENTIALS}, **POLICIES}.items():
        filters = [overriding(), proxy.gate(module, policy)]
        for kind, more in {"bare": {}, "covered": {"local_reply_config": net}}.items():
            manager = proxy.manager(filters, [proxy.route("/backend/"), proxy.route("/socket/")], **more)
            listeners.append(proxy.listener(f"{kind} {name}".strip(), manager))
    return envoy("overridden", listeners, [proxy.cluster("backend", backend.port)])


@pytest.mark.parametrize("path", ["/backend/404", "/nothing"])
@pytest.mark.parametrize("origin, is_listed", [(APP, True), (ADMIN, True), (FOREIGN, False), ("null", False)])
def test_the_decision_makes_readable_what_is_put_over_an_answer(overridden, path, origin, is_listed):
    for listener, readable in (("bare", False), ("covered", is_listed)):
        answer = peers.ask(peers.Http1, overridden.ports[listener], path=path, headers=[("Origin", origin)])
        assert (answer.status, answer.text()) == (404, "overridden")
        expected = {**granted(origin), "vary": "Origin"} if readable else {}
        assert answer.cors() == expected, (listener, origin)


@pytest.mark.parametrize("request_", [it for it in SEEN.values() if it["path"] not in ("/nothing", "/late/")])
@pytest.mark.parametrize("policy", [it for it in POLICIES if it != "report_only"])
def test_that_net_grants_nothing_more_in_what_the_filter_sees(overridden, policy, request_):
    test_the_snippet_changes_nothing_that_the_filter_sees(overridden, peers.Http1, policy, request_)
