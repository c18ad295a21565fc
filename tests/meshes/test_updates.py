"""Policies and modules that change on a real Envoy Gateway, under load, and what it cannot have."""

import subprocess
import time

import pytest

import clients
import image
import peers
import scene
import traffic
from conftest import ENVOY, MODULE, TOOLS
from driven import HOST, answers, is_in_force, may_read, read
from gateway import EnvoyGateway
from harness import free_port
from traffic import APP, NEW, OLD
from watch import wait_for

RATE = 300  # requests a second
KEPT = "origin_gate_policy_kept"


@pytest.fixture(params=sorted(TOOLS.glob("gateway-*")), ids=lambda it: it.name)
def start(request, stage, fast):
    """Envoy Gateway with a policy, and its Envoy."""
    planes = []

    def start(code, config):
        plane = EnvoyGateway(stage, request.param / "envoy-gateway", ENVOY)
        planes.append(plane)
        put(plane, fast, code, config)
        return plane, plane.envoy()

    yield start
    for plane in planes:
        plane.stop()


def put(plane, fast, code, config, *more):
    backends = [scene.backend(name, port) for name, port in fast.items()]
    routes = [scene.route("items", "/items", "items"), scene.route("socket", "/socket/", "socket")]
    policy = scene.policy(code, {**config, "on_refused_update": "keep"})
    plane.put(*scene.gateway(), policy, *backends, *routes, *more)


def wrong(config, number=0):
    """Another for each number: Envoy does not judge the same text again."""
    return {**config, "allowed_origins": [*config["allowed_origins"], f"https://wrong-{number}.example/"]}


def kept(envoy):
    return max(envoy.stats("wasmcustom." + KEPT).values(), default=0)


def told_of_modules(envoy):
    """What Envoy has asked for, and how it went."""
    return f"{envoy.stats('wasm.')} {envoy.stats('cluster.wasm')} {envoy.stats('listener_manager.')}\n{envoy.log()[-3000:]}"


def test_no_update_fails_or_misjudges_a_request(start, fast, store):
    """A right policy, and then wrong ones, with a module that is known and with new ones; then a right one."""
    known, old, new = scene.fetched(store), traffic.POLICIES["old"], traffic.POLICIES["new"]
    plane, envoy = start(known, old)
    wait_for(lambda: is_in_force(envoy, APP, OLD), plane.log)
    sockets = clients.Kept(envoy.ports["web"], [peers.Http1])
    with clients.Load(envoy.ports["web"], rate=RATE) as running:
        # Connections that are kept have the policy that they began with, until the listener before is drained.
        running.accept("old", "new")
        put(plane, fast, known, new)
        wait_for(lambda: is_in_force(envoy, APP, NEW), plane.log)
        for number, code in enumerate([known, scene.fetched(store), scene.fetched(store)]):
            put(plane, fast, code, wrong(old, number))
            mark = f"`https://wrong-{number}.example/`"
            wait_for(lambda mark=mark: mark in plane.log(), lambda: told_of_modules(envoy))
            for _ in range(20):
                assert may_read(envoy) == {APP, NEW}
            assert kept(envoy) == 1
        put(plane, fast, scene.fetched(store), {**old, "allowed_origins": [*old["allowed_origins"], "https://right.example"]})
        wait_for(lambda: is_in_force(envoy, APP, OLD), lambda: told_of_modules(envoy))
        wait_for(lambda: kept(envoy) == 0, plane.log)
        counts = running.stop()
    with clients.Load(envoy.ports["web"], rate=RATE) as running:
        running.accept("old")
        time.sleep(1)
        counts += running.stop()
    echoes = sockets.stop()["echoes"]
    print(f"{sum(counts.values())} requests, {running.closed} connections closed, {echoes} echoes over 8 WebSockets")


def test_a_new_policy_closes_open_sockets_within_a_minute(start, fast, store):
    """Envoy Gateway changes the listener for it, and the one before is drained."""
    known = scene.fetched(store)
    plane, envoy = start(known, traffic.POLICIES["old"])
    wait_for(lambda: is_in_force(envoy, APP, OLD), plane.log)
    with peers.Http1(envoy.ports["web"]) as exchange:
        assert exchange.start("GET", "/socket/", [("Origin", APP)], websocket=True).head().status == 101
        frames = peers.Frames(exchange)
        frames.hear()
        put(plane, fast, known, traffic.POLICIES["new"])
        wait_for(lambda: is_in_force(envoy, APP, NEW), plane.log)
        changed = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < changed + 90:
                frames.say("still there?")
                assert frames.hear() == "still there?"
                time.sleep(0.5)
        assert 10 < time.monotonic() - changed < 75


def test_nothing_but_a_wrong_policy_refuses_everything(start, store):
    _, envoy = start(scene.fetched(store), wrong(traffic.POLICIES["old"]))
    wait_for(lambda: answers(envoy, 503, "/items", host=HOST), envoy.log)
    for path in ("/items", "/nothing", "/socket/"):
        answer = read(envoy, path, APP, host=HOST)
        assert (answer.status, "access-control-allow-origin" in answer.headers) == (503, False)


def test_a_module_that_cannot_be_fetched_answers_500(start, store):
    remote = scene.fetched(store)
    remote["http"]["url"] = remote["http"]["url"].replace("http://127.0.0.1", "http://127.0.0.2")
    _, envoy = start(remote, traffic.POLICIES["old"])
    wait_for(lambda: answers(envoy, 500, "/items", host=HOST), envoy.log)
    assert answers(envoy, 500, host=HOST)


@pytest.fixture
def registry(stage, tmp_path):
    """With the module's image, as a release has it: how it is named, and its manifest's digest."""
    port = free_port()
    name = f"localhost:{port}/origin-gate:0.2.0"
    process = stage.start(f"registry-{port}", [TOOLS / "bin" / "registry", "-port", str(port)])
    for path, content in image.layout(MODULE.read_bytes(), {}, name).items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def crane(*arguments):
        done = subprocess.run([TOOLS / "bin" / "crane", *arguments], capture_output=True, text=True)
        return done.returncode == 0 and done.stdout.strip()

    stage.wait_for(lambda: crane("push", tmp_path, name), f"registry-{port}", process)
    return name, crane("digest", name).removeprefix("sha256:")


@pytest.mark.parametrize("by", ["digest", "tag"])
def test_the_image_comes_from_a_registry(start, registry, by):
    name, digest = registry
    found = {"url": name, **({"sha256": digest} if by == "digest" else {})}
    _, envoy = start({"type": "Image", "image": found}, traffic.POLICIES["old"])
    wait_for(lambda: is_in_force(envoy, APP, OLD), envoy.log)


def test_a_policy_on_a_route_takes_the_place_of_the_gateway_s(start, fast, store):
    code = scene.fetched(store)
    plane, envoy = start(code, traffic.POLICIES["old"])
    wait_for(lambda: is_in_force(envoy, APP, OLD), plane.log)
    of_route = scene.policy(code, traffic.POLICIES["new"], "of-route", scene.on("items"))
    put(plane, fast, code, traffic.POLICIES["old"], of_route)
    wait_for(lambda: is_in_force(envoy, APP, NEW), plane.log)
    assert read(envoy, "/nothing", OLD, host=HOST).headers["access-control-allow-origin"] == OLD
