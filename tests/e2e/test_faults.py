"""What an operator does, and what goes wrong, under load: no request fails, none is decided wrongly, no socket closes.

`./build.sh faults` does the same for longer, and prints the figures.
"""

import contextlib
import itertools

import pytest

import clients
import metrics
import modules
import peers
import proxy
import traffic
from dynamic import DISCOVERY, LDS, Dynamic
from hot_reload import digests, held, is_everywhere
from traffic import APP, NEW, OLD, POLICIES
from watch import wait_for

RATE = 1000  # requests a second
BAD = {"alowed_origins": [APP]}
TRAP_HEADERS = 50

# Of the module, and of the twin.
STARTS = [f"{it}.origin_gate_policy_{what}" for it in ("wasmcustom", "dynamicmodulescustom") for what in ("vms", "digests")]


class Gateway(Dynamic):
    """Under load, with WebSockets open; all that it counts is compared with all that was sent."""

    def __init__(self, stage, module, busy, name, **options):
        self.module, self.numbers = module, itertools.count()
        super().__init__(stage, self.gate("old"), traffic.ROUTES, busy, name=name, **options)
        self.vms = options.get("concurrency", 2) + 1

    def gate(self, name, module=None):
        """A policy, with an entry of its own, by which its digest is known from that of any other."""
        policy = POLICIES.get(name, POLICIES["old"])
        policy = {**policy, "allowed_origins": [*policy["allowed_origins"], f"https://{next(self.numbers)}.swap.example"]}
        return proxy.gate(module or self.module, policy, "FAIL_RELOAD")

    @contextlib.contextmanager
    def under_load(self, **options):
        before = metrics.counted(self.envoy)
        kept = opened(self.port)
        with clients.Load(self.port, rate=RATE, **options) as running:
            yield running
            counts = running.stop()
        sockets = kept.stop()
        assert metrics.counted(self.envoy) - before == clients.sent(counts, sockets)
        assert self.stat("wasm.origin_gate.vm_reload_success") == 0
        gauges = [it for start in STARTS for it in self.envoy.stats(start)]
        assert len(gauges) == 2, f"policies that are gone leave nothing behind: {gauges}"
        print(
            f"{running.requests} requests, {running.requests / running.seconds:.0f} a second, "
            f"{running.closed} connections closed, {sockets['echoes']} echoes over 8 WebSockets"
        )

    def swap(self, running, now, new, put, module=None):
        """Until every VM has the new one; until then both answers are right, and after that the new one only."""
        told = len(digests(self.envoy))
        running.accept(now, new)
        put(self.gate(new, module))
        wait_for(lambda: len(digests(self.envoy)) > told, lambda: f"no new policy\n{self.envoy.log()[-2000:]}")
        found = digests(self.envoy)
        wait_for(lambda: is_everywhere(self.envoy, self.vms, found), lambda: f"{found[-2:]}: {held(self.envoy)}")
        return new

    def refuse(self, gate, stat):
        """The one in force stays, and everything is answered by it."""
        before = self.stat(stat)
        self.put_gate(gate)
        self.wait_for_stat(stat, before + 1)


def opened(port):
    """WebSockets, all of which are open."""
    sockets = clients.Kept(port)
    wait_for(lambda: sockets.counts["echoes"] >= 8, lambda: f"no sockets: {sockets.error}")
    return sockets


@pytest.fixture(scope="module")
def swaps(request):
    return request.config.getoption("swaps")


def test_policies_are_swapped(stage, module, busy, swaps):
    gateway = Gateway(stage, module, busy, "swaps")
    memory, now = [], "old"
    with gateway.under_load() as running:
        for number in range(swaps):
            now = gateway.swap(running, now, "old" if now == "new" else "new", gateway.put_gate)
            running.accept(now)
            memory.append(metrics.resident(gateway.envoy))
            if number == swaps // 2:
                gateway.refuse(proxy.gate(module, BAD), f"{DISCOVERY}.config_fail")
    assert gateway.stat(f"{DISCOVERY}.config_reload") >= swaps
    at = {share: memory[swaps * share // 100 - 1] for share in (10, 50, 100)}
    print(f"{swaps} swaps by ECDS; MiB resident: " + ", ".join(f"{it:.1f} after {share} %" for share, it in at.items()))
    assert at[100] - at[10] < metrics.FLAT, memory


def test_a_policy_that_is_gone_leaves_little_behind(stage, module, busy, swaps):
    """Envoy keeps a timer of each in every VM, about 2 KiB in all; a counter of each would be 8 more."""
    gateway = Gateway(stage, module, busy, "remains")
    gates = [gateway.gate("old"), gateway.gate("new")]
    reloads, count = gateway.stat(f"{DISCOVERY}.config_reload"), 20 + swaps // 2
    for number in range(1, count + 1):
        gateway.put_gate(gates[number % 2])
        gateway.wait_for_stat(f"{DISCOVERY}.config_reload", reloads + number)
        if number == 20:
            before = metrics.allocated(gateway.envoy)
    each = (metrics.allocated(gateway.envoy) - before) / (count - 20)
    print(f"{each:.1f} KiB for each of {count - 20} swaps")
    assert each < 4


def test_the_listener_is_swapped(stage, module, busy, swaps):
    """Connections of the old one drain: what still comes over them is answered by the policy that they began under."""
    gateway = Gateway(stage, module, busy, "listeners", arguments=["--drain-strategy", "immediate"])
    now, count = "old", max(5, swaps // 20)
    with gateway.under_load() as running:
        for _ in range(count):
            now = gateway.swap(running, now, "old" if now == "new" else "new", gateway.put_listener)
        before = gateway.stat(f"{LDS}.update_rejected")
        gateway.put_listener(proxy.gate(module, BAD))
        gateway.wait_for_stat(f"{LDS}.update_rejected", before + 1)
    assert running.closed >= 32, "its connections went over to the new listener"
    print(f"{count} swaps by LDS")
    assert who_may_read(gateway.port) == {APP, OLD if now == "old" else NEW}


def who_may_read(port):
    """Over connections of their own."""
    origins = [APP, OLD, NEW]
    answers = [peers.ask(peers.Http1, port, path="/items", headers=[("Origin", it)]) for it in origins]
    return {it.value("access-control-allow-origin") for it in answers} - {None}


@pytest.mark.module_only
def test_the_module_is_swapped_and_brought_back(stage, module, busy, swaps, tmp_path):
    release, broken = tmp_path / "release.wasm", tmp_path / "broken.wasm"
    release.write_bytes(modules.released(module.read_bytes(), b"9.9.9", traffic.RELEASE))
    broken.write_bytes(module.read_bytes()[:-1000])
    gateway = Gateway(stage, module, busy, "modules")
    count = max(1, swaps // 100)
    memory = []
    with gateway.under_load() as running:
        for _ in range(count):
            gateway.swap(running, "old", "release", gateway.put_gate, release)
            running.accept("release")
            gateway.refuse(gateway.gate("old", broken), f"{DISCOVERY}.config_fail")
            gateway.swap(running, "release", "old", gateway.put_gate)
            running.accept("old")
            memory.append((metrics.resident(gateway.envoy), metrics.allocated(gateway.envoy) / 1024))
    assert gateway.envoy.log().count("version=9.9.9") == count
    assert gateway.stat("wasm.envoy.wasm.runtime.v8.active") == gateway.vms + 1, "of the old module there is none left"
    told = [f"{resident:.1f} resident and {allocated:.1f} allocated" for resident, allocated in (memory[0], memory[-1])]
    print(f"{count} times to another module and back; MiB {told[0]} after the first, {told[1]} after the last")


@pytest.mark.module_only
def test_a_trap_is_recovered_from(stage, module, busy, tmp_path):
    """Of a build that was made to trap; the module itself has no request that does."""
    file = tmp_path / "trapping.wasm"
    file.write_bytes(modules.trapping(module.read_bytes(), TRAP_HEADERS))
    gateway = Gateway(stage, file, busy, "trap", concurrency=1)
    sockets = opened(gateway.port)
    for reloads in (1, 2):
        crash = ask_with(gateway.port, TRAP_HEADERS)
        assert (crash.status, crash.cors()) == (503, {}), "it is not let through, nor made readable"
        # Envoy waits between two reloads, and refuses meanwhile.
        wait_for(lambda: refused_or_right(gateway.port), lambda: "no answer")
        assert who_may_read(gateway.port) == {APP, OLD}
        assert gateway.stat("wasm.origin_gate.vm_reload_success") == reloads
    with pytest.raises(ConnectionError, match="unclosed"):
        sockets.stop()  # Envoy ends all streams of a VM with it
    with clients.Kept(gateway.port).open(peers.Http1, APP, 101):
        pass


def ask_with(port, count):
    """A request that Envoy shows to the filter with so many headers."""
    own = 6  # :authority, :path, :method, :scheme, x-forwarded-proto, x-request-id
    headers = [("Origin", APP), *((f"x-{it}", "a") for it in range(count - own - 1))]
    return peers.ask(peers.Http1, port, path="/items", headers=headers)


def refused_or_right(port):
    answer = peers.ask(peers.Http1, port, path="/items", headers=[("Origin", APP)])
    if answer.status == 503:
        assert answer.cors() == {}
        return False
    assert (answer.status, answer.value("access-control-allow-origin")) == (200, APP)
    return True


@pytest.mark.parametrize("concurrency", [1, 4])
def test_all_workers_have_one_policy(stage, module, busy, concurrency):
    gateway = Gateway(stage, module, busy, f"{concurrency} workers", concurrency=concurrency)
    with gateway.under_load(lines=64) as running:
        for now, new in itertools.islice(itertools.cycle([("old", "new"), ("new", "old")]), 5):
            gateway.swap(running, now, new, gateway.put_gate)
            running.accept(new)
        for number in range(concurrency):
            stat = f"listener.127.0.0.1_0.worker_{number}.downstream_cx_total"
            assert gateway.stat(stat), f"worker {number} has no connection"
