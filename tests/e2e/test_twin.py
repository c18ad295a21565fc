"""What only the native twin does: it catches a panic, and takes the module's place and gives it back.

`./build.sh faults --native` builds a library for the first that panics where a header asks it to.
"""

import json
import os
import pathlib

import pytest

import clients
import peers
import proxy
from dynamic import Dynamic
from hot_reload import digests
from test_faults import opened, who_may_read
from traffic import APP, OLD, POLICIES, ROUTES

HERE = pathlib.Path(os.environ["ORIGIN_GATE_MODULE"]).parent
PANICS = os.environ.get("ORIGIN_GATE_PANICS")
PANICKED = "dynamicmodulescustom.origin_gate_decisions.check.hosts.outcome.rejected.reason.panicked"


@pytest.fixture(scope="module")
def gate(stage, busy, access_log):
    """The twin that panics on purpose, with one worker, which would not come back."""
    if PANICS is None:
        pytest.skip("needs a twin that panics on purpose: ./build.sh faults --native")
    gate = proxy.gate(PANICS, POLICIES["old"])
    return Dynamic(stage, gate, ROUTES, busy, name="panics", access_log=access_log.path, concurrency=1)


def ask(kind, gate, hook, *headers):
    headers = [("Origin", APP), ("x-case", f"panic {kind.VERSION} {hook} {len(headers)}"), *headers]
    return peers.ask(kind, gate.port, path="/items", headers=[*headers, *([("x-panic", hook)] if hook else [])])


@pytest.mark.parametrize("kind", peers.BOTH)
@pytest.mark.parametrize("hook", ["request", "response"])
def test_a_panic_refuses_its_own_request(gate, access_log, kind, hook):
    sockets = opened(gate.port)
    before = gate.stat(PANICKED)
    for number in range(1, 21):
        answer = ask(kind, gate, hook)
        assert (answer.status, answer.cors()) == (500, {})
        assert answer.value("content-type") == "application/problem+json"
        assert '"check":"hosts","reason":"panicked"' in answer.text()
        assert gate.stat(PANICKED) == before + number
        assert (ask(kind, gate, None).status, who_may_read(gate.port)) == (200, {APP, OLD}), "all others go on"
    assert sockets.stop()["echoes"] > 0, "open sockets stay open"
    line = access_log.line(f"panic {kind.VERSION} {hook} 0")
    assert (line["status"], line["details"]) == (500, "origin_gate{hosts_panicked}")
    # What the access log shows of a decision stays as it was first.
    assert line["finding"] == ("hosts:rejected:panicked" if hook == "request" else "cors:allowed:listed")
    assert "Origin Gate panicked at src/twin/stream.rs:" in gate.envoy.log()
    assert "as the request asks" not in gate.envoy.log(), "what a panic says may be a client's"


def test_a_panic_over_grpc_is_no_success(gate):
    kind, grpc = ("content-type", "application/grpc"), peers.Http2
    answer = ask(grpc, gate, "request", kind)
    assert (answer.status, answer.value("grpc-status")) == (500, None)
    with pytest.raises((ConnectionError, AssertionError)):
        ask(grpc, gate, "response", kind)
    assert ask(grpc, gate, None, kind).status == 200


@pytest.mark.skipif(not (HERE / "origin_gate.wasm").exists(), reason="the module is not built")
@pytest.mark.skipif(not (HERE / "liborigin_gate.so").exists(), reason="the twin is not built")
def test_the_module_gives_way_to_the_twin_and_back(stage, busy):
    """By extension discovery, with the same policy, under load: no request fails, and no socket closes."""
    policy = json.dumps(POLICIES["old"])
    gates = [proxy.gate(HERE / it, policy, "FAIL_RELOAD") for it in ("origin_gate.wasm", "liborigin_gate.so")]
    gateway = Dynamic(stage, gates[0], ROUTES, busy, name="exchange")
    sockets = opened(gateway.port)
    with clients.Load(gateway.port, rate=500) as running:
        for number in range(1, 11):
            reloads = "extension_config_discovery.http_filter.origin_gate.config_reload"
            before = gateway.stat(reloads)
            gateway.put_gate(gates[number % 2])
            gateway.wait_for_stat(reloads, before + 1)
        running.stop()
    assert (running.closed, sockets.stop()["echoes"] > 0) == (0, True)
    assert len(digests(gateway.envoy)) > 1 and len(set(digests(gateway.envoy))) == 1, "the same text has the same digest"
