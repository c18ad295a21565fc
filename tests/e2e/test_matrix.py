"""Every answer that a filter can reach, for every kind of origin, over both protocols: `tests/matrix.json`.

The same file goes through the filter on a fake proxy in `tests/filter.rs`.
"""

import json
import pathlib

import pytest

import peers
import proxy
import refusals
from backend import broken, close_unanswered, speak_something_else

MATRIX = json.loads((pathlib.Path(__file__).parent.parent / "matrix.json").read_text())


def filters(module, policy):
    authz = {"server_uri": {"uri": "http://authz", "cluster": "authz", "timeout": "5s"}}
    return [
        proxy.gate(module, policy),
        refusals.forbid("rbac", "/forbidden/"),
        refusals.need_token("jwt", "/token/"),
        refusals.limit("limit"),
        proxy.http_filter("authz", "ext_authz.v3.ExtAuthz", disabled=True, http_service=authz),
        proxy.http_filter(
            "fault", "fault.v3.HTTPFault", disabled=True, abort={"http_status": 503, "percentage": {"numerator": 100}}
        ),
        proxy.http_filter("buffer", "buffer.v3.Buffer", disabled=True, max_request_bytes=1024),
    ]


ROUTES = [
    {"match": {"path": "/direct"}, "direct_response": {"status": 418, "body": {"inline_string": "a teapot"}}},
    {"match": {"path": "/redirect"}, "redirect": {"path_redirect": "/"}},
    proxy.route("/dead/", "dead"),
    proxy.route("/closing/", "closing"),
    proxy.route("/empty/", "empty"),
    proxy.route("/unknown-cluster/", "nobody"),
    proxy.route("/slow/", timeout="0.2s"),
    proxy.route("/garbage/", "garbage"),
    proxy.route("/limited/", filters=proxy.enabled("limit"), timeout="0.2s"),
    proxy.route("/authorized/", filters=proxy.enabled("authz")),
    proxy.route("/faulty/", filters=proxy.enabled("fault")),
    proxy.route("/buffered/", filters=proxy.enabled("buffer")),
    *map(proxy.route, ["/slow-body/", "/forbidden/", "/token/", "/backend/", "/socket/"]),
]


@pytest.fixture(scope="module")
def gate(envoy, backend, module, access_log):
    def deny(stream):
        stream.recv(65536)
        stream.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 17\r\nConnection: close\r\n\r\nask somebody else")

    # A body has half a second to come; what has come whole has all the time that its route gives it.
    web = proxy.manager(
        filters(module, MATRIX["policy"]),
        ROUTES,
        access_log.path,
        domains=["api.example", "evil.example"],
        request_timeout="0.5s",
    )
    with broken(close_unanswered) as closing, broken(speak_something_else) as garbage, broken(deny) as authz:
        clusters = [
            proxy.cluster("backend", backend.port),
            # Nothing listens there, and no other test is given it.
            proxy.cluster("dead", 1),
            proxy.cluster("closing", closing),
            proxy.cluster("garbage", garbage),
            proxy.cluster("authz", authz),
            proxy.cluster("empty"),
        ]
        running = envoy("matrix", [proxy.listener("web", web)], clusters)
        peers.ask(peers.Http1, running.ports["web"], path="/limited/")  # the one that the hour has
        yield running


CELLS = [(row, origin, kind) for row in MATRIX["rows"] for origin in MATRIX["origins"] for kind in peers.BOTH]


@pytest.mark.parametrize("row, origin, kind", CELLS, ids=[f"{row['name']} - {it} - {kind.VERSION}" for row, it, kind in CELLS])
def test_cell(gate, access_log, row, origin, kind):
    who = MATRIX["origins"][origin]
    status, finding = outcome(row, origin)
    case = f"{row['name']} - {origin} - {kind.VERSION}"
    headers = [("x-case", case), *(("Origin", line) for line in who["lines"])]
    headers += [tuple(line.split(": ", 1)) for line in row.get("headers", [])]
    with kind(gate.ports["web"]) as exchange:
        length = row.get("send")
        exchange.start(
            row.get("method", "GET"),
            row["path"],
            headers,
            host=row.get("host", peers.HOST),
            length=length,
            websocket=row.get("websocket", False),
        )
        if length and not row.get("withhold"):
            exchange.send(b"x" * length)
            # A body that comes whole in one piece passes the buffer filter unmeasured.
            exchange.send(b"", end=True)
        head = exchange.head()
        answer = head if status == 101 else exchange.read(head)
    opened = 101 if kind is peers.Http1 else 200
    assert answer.status == (opened if status == 101 else status), answer.text()
    is_own = is_filters_own(row, finding, status)
    assert answer.cors() == ({} if status == 101 else expected_cors(row, who, status, is_own))
    if is_own and status >= 400:
        check, _, reason = finding.split(":")
        assert answer.value("content-type") == "application/problem+json"
        told = json.loads(answer.body)
        assert (told["status"], told["check"], told["reason"]) == (status, check, reason)
    elif is_own:
        assert answer.body == b""
    elif "outcomes" not in row:
        assert row["body"] in answer.text() if row["body"] else answer.body == b"", answer.text()
    line = access_log.line(case)
    assert (line["finding"], line["protocol"]) == (finding, kind.VERSION)
    assert line["details"].startswith(expected_details(row, finding, status)), line


def outcome(row, origin):
    if "status" in row:
        return row["status"], MATRIX["origins"][origin]["finding"]
    status, finding = row["outcomes"][origin].split(" ")
    return int(status), finding


def is_filters_own(row, finding, status):
    return "outcomes" in row and (":rejected:" in finding or status == 204)


def expected_cors(row, who, status, is_own):
    expected = {"vary": row.get("vary", "Origin") if is_own else "Origin"}
    if granted := who.get("granted"):
        expected["access-control-allow-origin"] = granted
        expected["access-control-allow-credentials"] = "true"
        expected["access-control-expose-headers"] = "x-total"
        lines = row.get("granted", []) if status < 300 else []
        expected.update((name.lower(), value) for name, value in (line.split(": ", 1) for line in lines))
    return expected


def expected_details(row, finding, status):
    """Who answered, so that each row is what it is called."""
    check, _, reason = finding.split(":")
    if is_filters_own(row, finding, status):
        return f"origin_gate{{{check}_{reason}}}"
    if status == 101:
        return "downstream_remote_disconnect"  # how the open socket ended
    return row.get("details", "via_upstream")
