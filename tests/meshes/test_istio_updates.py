"""Policies that change on Istio's own discovery server, under load."""

import pytest

import clients
import mesh
import peers
import traffic
from conftest import ENVOY, MODULE, TOOLS
from driven import HOST, is_in_force, may_read, read
from hot_reload import digests, held, is_everywhere
from istio import Istio
from traffic import APP, NEW, OLD
from watch import wait_for

RATE = 300  # requests a second
VMS = 3  # of two workers and the main thread


def scene(fast, config):
    rules = [mesh.route("/items", route=mesh.to("items")), mesh.route("/socket/", route=mesh.to("socket"))]
    backends = [mesh.backend(name, port) for name, port in fast.items()]
    return [*mesh.gateway(), *backends, mesh.routes(*rules), mesh.policy("trafficextension", MODULE, config)]


@pytest.fixture
def start(stage, fast):
    planes = []

    def start(config):
        plane = Istio(stage, TOOLS / "bin" / "istio-discovery", ENVOY, MODULE, scene(fast, config))
        planes.append(plane)
        envoy = plane.envoy()
        planes.append(envoy)
        return plane, envoy

    yield start
    for it in reversed(planes):
        it.stop()


def with_entry(config, origin):
    """Another digest."""
    return {**config, "allowed_origins": [*config["allowed_origins"], origin]}


def swap(plane, envoy, running, accepted, documents):
    """Until every VM has the new one; from then on only the last of what is accepted is right."""
    before = len(digests(envoy))
    running.accept(*accepted)
    plane.put(*documents)
    wait_for(lambda: len(digests(envoy)) > before, envoy.log)
    wait_for(lambda: is_everywhere(envoy, VMS, digests(envoy)), lambda: f"{held(envoy)}\n{envoy.log()}")
    running.accept(accepted[-1])


def test_no_update_fails_or_misjudges_a_request(start, fast):
    """Right policies, and a wrong one between them, which is refused and changes nothing; and no socket closes meanwhile."""
    old, new = traffic.POLICIES["old"], traffic.POLICIES["new"]
    plane, envoy = start(old)
    wait_for(lambda: is_in_force(envoy, APP, OLD), envoy.log)
    sockets = clients.Kept(envoy.ports["web"], [peers.Http1])
    with clients.Load(envoy.ports["web"], rate=RATE) as running:
        swap(plane, envoy, running, ["old", "new"], scene(fast, new))
        plane.put(*scene(fast, {**old, "allowed_origins": ["https://wrong.example/"]}))
        wait_for(lambda: "`https://wrong.example/`" in envoy.log(), envoy.log)
        for _ in range(20):
            assert may_read(envoy) == {APP, NEW}
        for number in range(4):
            another = f"https://{number}.example"
            swap(plane, envoy, running, ["new", "old"], scene(fast, with_entry(old, another)))
            swap(plane, envoy, running, ["old", "new"], scene(fast, with_entry(new, another)))
        counts = running.stop()
    echoes = sockets.stop()["echoes"]
    print(f"{sum(counts.values())} requests, {running.closed} connections closed, {echoes} echoes")
    assert running.closed == 0


def test_nothing_but_a_wrong_policy_refuses_everything(start):
    _, envoy = start({**traffic.POLICIES["old"], "allowed_origins": ["https://wrong.example/"]})
    wait_for(lambda: "`https://wrong.example/`" in envoy.log(), envoy.log)
    for path in ("/items", "/nothing", "/socket/"):
        answer = read(envoy, path, APP, host=HOST)
        assert (answer.status, "access-control-allow-origin" in answer.headers) == (500, False), path
