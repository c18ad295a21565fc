"""All that a core can answer, of every kind at once: nothing is wrong, nothing grows, and every request is counted.

`./build.sh soak` does the same for 20 minutes, and prints the figures.
"""

import time

import pytest

import clients
import metrics
import peers
import proxy
import traffic


@pytest.fixture
def pinned(envoy, backend, module):
    """Envoy on one core; who sends and who answers have the other."""
    peers.stay_on(1)
    clusters = traffic.clusters(envoy, "soak shop", backend)
    gate = proxy.gate(module, traffic.POLICIES["old"], "FAIL_RELOAD")
    listener = proxy.listener("web", proxy.manager([gate], traffic.ROUTES, None))
    peers.stay_on(0)
    found = envoy("soak", [listener], clusters, concurrency=1)
    peers.stay_on(1)
    yield found
    peers.stay_on(None)


def test_soak(pinned, request):
    seconds, port = request.config.getoption("soak"), pinned.ports["web"]
    passing, kept = clients.Passing(port), clients.Kept(port)
    memory, worked = {}, metrics.cpu(pinned)
    with clients.Load(port, lines=64, core=1) as running:
        for share in (10, 50, 100):
            time.sleep(max(0, running.began + seconds * share / 100 - time.monotonic()))
            memory[share] = metrics.resident(pinned)
            running.accept("old")
        counts = running.stop()
    worked = (metrics.cpu(pinned) - worked) / running.seconds
    print(
        f"\n{running.requests} requests in {running.seconds:.0f} s, {running.requests / running.seconds:.0f} a second; "
        f"Envoy computed {100 * worked:.0f} % of a core; {passing.counts['sockets']} WebSockets opened and closed, "
        f"as many refused; {kept.counts['echoes']} echoes over 8 that stayed open"
    )
    print("MiB resident: " + ", ".join(f"{it:.1f} after {share} %" for share, it in memory.items()))
    expected = clients.sent(counts, passing.stop(), kept.stop())
    found = metrics.counted(pinned)
    for finding in sorted(expected):
        print(f"{expected[finding]:>12} sent, {found[finding]:>12} counted: {finding}")
    assert found == expected
    assert set(counts) == {it.right["old"].finding for it in traffic.KINDS.values()}, "every kind was sent"
    stats = pinned.stats("")
    assert not any(value for name, value in stats.items() if "vm_reload" in name or name.endswith(".downstream_rq_5xx"))
    assert running.closed == 0
    assert memory[100] - memory[10] < metrics.FLAT
