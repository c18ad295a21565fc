import os
import pathlib

import pytest

import proxy
import traffic
from gateway import EnvoyGateway
from harness import free_port
from store import Store

pytest_plugins = ["given"]

ENVOY = pathlib.Path(os.environ["ENVOY_BIN"])
MODULE = pathlib.Path(os.environ["ORIGIN_GATE_MODULE"])
TWIN = MODULE.with_name("liborigin_gate.so")
TOOLS = pathlib.Path(os.environ["ORIGIN_GATE_MESHES"])
VERSIONS = sorted(it.name.removeprefix("gateway-") for it in TOOLS.glob("gateway-*"))


@pytest.fixture(scope="session")
def store():
    store = Store(MODULE)
    yield store
    store.server.shutdown()


@pytest.fixture(scope="session")
def shop(stage):
    """The demo's shop."""
    return stage.shop()


@pytest.fixture(scope="session")
def dead():
    """Nobody listens there."""
    return free_port()


@pytest.fixture(scope="session")
def fast(stage, backend):
    """The ports of the backends that load is sent to, by their names."""

    def start(name, listeners, clusters, **options):
        return stage.envoy(ENVOY, proxy.config(listeners, clusters), name=name, **options)

    found = traffic.clusters(start, "fast", backend)
    address = [it["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] for it in found]
    return {name: it["socket_address"]["port_value"] for name, it in zip(["items", "socket"], address, strict=True)}


@pytest.fixture(scope="module", params=VERSIONS)
def plane(request, stage):
    """Envoy Gateway; one at a time, since its ports are fixed."""
    plane = EnvoyGateway(stage, TOOLS / f"gateway-{request.param}" / "envoy-gateway", ENVOY)
    yield plane
    plane.stop()
