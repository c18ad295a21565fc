"""What an open socket costs the module: nothing, however much goes through it."""

import collections
import time

import pytest

import peers
import proxy
from peers import Frames

pytestmark = pytest.mark.module_only
FRAMES = 10_000
AT_A_TICK = ("proxy_on_tick", "proxy_increment_metric", "proxy_get_current_time_nanoseconds")
POLICY = {"allowed_origins": ["https://app.example"]}


@pytest.fixture(scope="module")
def gate(envoy, backend, module, access_log):
    """At level `trace` the component `wasm` logs every call into a module, and every call that the module makes."""
    web = proxy.manager([proxy.gate(module, POLICY)], [proxy.route("/", "echo")], access_log.path)
    found = envoy("frames", [proxy.listener("web", web)], [proxy.cluster("echo", backend.port)], log_level="trace")
    # Each VM, of the two workers and of the main thread, counts itself at its first tick.
    gauge = "wasmcustom.origin_gate_policy_vms"
    end = time.monotonic() + peers.PATIENCE
    while sum(found.stats(gauge).values()) < 3:
        assert time.monotonic() < end, found.stats(gauge)
        time.sleep(0.05)
    return found


def calls(gate):
    """By name, how many there have been in either direction, but for ticks, which come whatever goes on."""
    found = collections.Counter()
    for line in gate.log().splitlines():
        for direction in ("[host->vm] ", "[vm->host] "):
            _, is_call, call = line.partition(direction)
            name = call.partition("(")[0]
            if is_call and "(" in call and not name.endswith(AT_A_TICK):
                found[direction + name] += 1
    return found


@pytest.mark.parametrize("kind", peers.BOTH)
def test_frames_do_not_reach_the_module(gate, kind):
    """Each is back before the next goes, so the proxy has had every one in its hands, both ways."""
    with kind(gate.ports["web"]) as exchange:
        before = calls(gate)
        exchange.start("GET", "/", [("Origin", "https://app.example")], websocket=True).head()
        frames = Frames(exchange)
        frames.hear()
        opened = calls(gate)
        for name in ("proxy_on_request_headers", "proxy_on_response_headers"):
            assert opened[f"[host->vm] {name}"] == before[f"[host->vm] {name}"] + 1
        for number in range(FRAMES):
            frames.say(str(number))
            assert frames.hear() == str(number)
        assert calls(gate) == opened
        peers.ask(kind, gate.ports["web"], path="/backend/200")
        assert calls(gate)["[host->vm] proxy_on_request_headers"] == opened["[host->vm] proxy_on_request_headers"] + 1


def test_the_module_has_nothing_to_call_for_a_body(module):
    callbacks = {it for it in exports(module.read_bytes()) if it.startswith("proxy_on_")}
    unwanted = ("_body", "_trailers", "_metadata", "_data", "_close", "_log", "_ready", "_response")
    assert {"proxy_on_request_headers", "proxy_on_response_headers"} <= callbacks
    assert [it for it in callbacks if it.endswith(unwanted)] == []


def exports(wasm):
    """The names in the export section of a module (WebAssembly core specification, 5.5.10)."""

    def number(at):
        """LEB128; the number, and where it ends."""
        value = shift = 0
        while True:
            byte = wasm[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                return value, at

    section, end = None, len(b"\0asm") + 4
    while section != 7:
        section = wasm[end]
        size, at = number(end + 1)
        end = at + size
    count, at = number(at)
    names = []
    for _ in range(count):
        size, at = number(at)
        names.append(wasm[at : at + size].decode())
        at = number(at + size + 1)[1]
    return names
