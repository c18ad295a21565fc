"""The access log that `envoy/` ships: JSON in which clients write no field, with what the filter decided by."""

import json
import os

import pytest
import yaml

import demo
import peers
import proxy
from conftest import MODULE
from manifests import APP, FILES, FOREIGN, POLICY
from watch import wait_for

SHIPPED = yaml.safe_load(demo.shown_by(MODULE, (FILES / "envoy.yaml").read_text()))
MANAGER = SHIPPED["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
HOST = demo.API


def lines(text):
    """Without what is absent, which is `null` on Envoy 1.36."""
    found = (json.loads(it) for it in text.splitlines() if it.startswith("{"))
    return [{name: value for name, value in line.items() if value is not None} for line in found]


class Log:
    def __init__(self, envoy):
        self.envoy = envoy

    def of(self, path, found="path"):
        """The last line of a path."""
        wait_for(lambda: self.all(path, found), lambda: f"{path}: {self.envoy.log()}")
        return self.all(path, found)[-1]

    def all(self, path, found="path"):
        return [it for it in lines(self.envoy.log()) if it.get(found) == path]


def ask(port, path, headers, method="GET", host=HOST, kind=peers.Http1):
    return peers.ask(kind, port, method, path, headers, host=host)


@pytest.fixture(scope="module")
def shipped(stage, backend, module):
    """Envoy as `envoy.yaml` has it, at the edge."""
    return stage.envoy(os.environ["ENVOY_BIN"], demo.envoy_config(backend.port, module, False), name="shipped-log")


@pytest.fixture(scope="module")
def inner(envoy, backend, module):
    """Behind another proxy, with routes that rewrite, and the shipped log."""
    routes = [
        proxy.route("/rewritten/", prefix_rewrite="/backend/", host_rewrite_literal="other.example", append_x_forwarded_host=True),
        proxy.route("/"),
    ]
    manager = proxy.manager([proxy.gate(module, POLICY)], routes)
    manager["typed_config"]["access_log"] = MANAGER["access_log"]
    return envoy("inner-log", [proxy.listener("web", manager)], [proxy.cluster("backend", backend.port)])


FORGERIES = [
    "https://evil.example origin_gate=cors:allowed:listed",
    'https://evil.example","origin_gate":"cors:allowed:listed',
    "https://evil.example\\",
    "https://evil.example\t\xff\xe9",
    f"{APP}/ {APP}",
]


@pytest.mark.parametrize("number, origin", enumerate(FORGERIES))
def test_no_client_writes_a_field(shipped, number, origin):
    path = f"/backend/200/{number}"
    with peers.Http1(shipped.ports["web"]) as exchange:
        forged = [("X-Envoy-Original-Path", "/other"), ("X-Envoy-Original-Host", "other")]
        exchange.start("GET", path, [("Origin", origin.encode("latin-1")), *forged], host=HOST)
        exchange.head()
    line = Log(shipped).of(path)
    assert line["origin"] == origin and line["origin_gate"] == "cors:rejected:origin_malformed"
    assert line["authority"] == HOST
    assert set(line) <= set(MANAGER["access_log"][0]["typed_config"]["log_format"]["json_format"])


def test_it_has_all_that_a_decision_reads(shipped):
    web = shipped.ports["web"]
    headers = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "accept,content-type"),
        ("Access-Control-Request-Private-Network", "true"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Dest", "empty"),
        ("Content-Type", "text/plain"),
        ("X-Forwarded-Host", "a.example"),
        ("Forwarded", "for=192.0.2.1;host=a.example"),
    ]
    assert ask(web, "/api/all?token=secret", headers, "OPTIONS").status == 204
    line = Log(shipped).of("/api/all")
    assert "secret" not in json.dumps(line)
    expected = {name.lower().replace("-", "_"): value for name, value in headers}
    expected |= {"method": "OPTIONS", "scheme": "http", "authority": HOST, "x_forwarded_proto": "http", "status": 204}
    assert expected.items() <= line.items()
    assert line["origin_gate"].startswith("cors:allowed:") and line["details"].startswith("origin_gate{cors_")
    assert line["start_time"].endswith("Z") and isinstance(line["duration_ms"], int)


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
def test_it_has_what_was_received_before_the_filter_and_the_routes_edited_it(inner, kind):
    path, port = f"/rewritten/200/{kind.VERSION}", inner.ports["web"]
    headers = [("Origin", APP), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")]
    ask(port, f"{path}?token=secret", headers, kind=kind)
    line = Log(inner).of(path)
    assert line["authority"] == HOST and line["received_x_forwarded_host"] == "evil.example"
    assert line["origin_gate"] == "cors:allowed:listed" and "secret" not in json.dumps(line)
    # What was neither changed nor there.
    path = f"/backend/200/{kind.VERSION}"
    ask(port, path, headers[:1], kind=kind)
    assert not [it for it in Log(inner).of(path) if it.startswith(("received_", "x_forwarded_host", "sec_", "upgrade"))]


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
@pytest.mark.parametrize("origin, status", [(APP, 101), (FOREIGN, 403)])
def test_a_handshake_has_the_scheme_that_was_received(inner, kind, origin, status):
    path = f"/ws/{kind.VERSION}/{status}"
    headers = [("Origin", origin), ("X-Forwarded-Proto", "wss")]
    with kind(inner.ports["web"]) as exchange:
        found = exchange.start("GET", path, headers, host=HOST, websocket=True).head().status
    assert found == (200 if (kind, status) == (peers.Http2, 101) else status)
    line = Log(inner).of(path)
    assert line.get("received_x_forwarded_proto", line["x_forwarded_proto"]) == "wss"
    assert line["upgrade"] == "websocket" and line["origin"] == origin


REPEATED = [
    ("Forwarded", "Forwarded", "host=api.example", "host=evil.test", "host=api.example, host=evil.test"),
    ("X-Forwarded-Host", "X_Forwarded_Host", "a.example", "evil.test", "a.example, evil.test"),
    ("Sec-Fetch-Site", "Sec-Fetch-Site", "cross-site", "same-origin", "cross-site, same-origin"),
    ("Sec-Fetch-Mode", "Sec_Fetch_Mode", "cors", "navigate", "cors, sec_fetch_mode: navigate"),
]


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
@pytest.mark.parametrize("one, two, first, second, shown", REPEATED)
def test_a_header_that_comes_twice_is_there_twice(inner, kind, one, two, first, second, shown):
    """A second line may be what decided, and Envoy's own operators show the first."""
    path = f"/backend/200/{kind.VERSION}/{one}"
    ask(inner.ports["web"], path, [("Origin", APP), (one, first), (two, second)], kind=kind)
    line = Log(inner).of(path)
    name = one.lower().replace("-", "_")
    found = line.get(f"received_{name}") or line[name]
    assert found.replace(",", ", ").replace("  ", " ") == shown
    assert [it for it in line if it.startswith("received_")] in ([f"received_{name}"], [])


def test_behind_another_proxy_clients_do_not_choose_the_path(inner):
    """There Envoy keeps the headers in which it notes what its routes rewrite, and its log believes them."""
    for origin, status, case in ((APP, 200, "allowed"), (APP, 421, "host")):
        real = f"/backend/200/{case}"
        host = HOST if status == 200 else "evil.example"
        headers = [("Origin", origin), ("X-Envoy-Original-Path", f"/forged/{case}?q"), ("X-Envoy-Original-Host", "forged.example")]
        assert ask(inner.ports["web"], f"{real}?token=secret", headers, host=host).status == status
        line = Log(inner).of(real, "received_path")
        assert line["received_authority"] == host and "secret" not in json.dumps(line)
