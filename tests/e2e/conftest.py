import json
import os
import pathlib
import ssl
import time

import pytest
import trustme

import listeners
import proxy
import traffic
from peers import PATIENCE

pytest_plugins = ["given"]

ENVOY = pathlib.Path(os.environ["ENVOY_BIN"])
MODULE = pathlib.Path(os.environ["ORIGIN_GATE_MODULE"])


def pytest_addoption(parser):
    parser.addoption("--swaps", type=int, default=100, help="how often a policy is swapped under load")
    parser.addoption("--soak", type=float, default=6, help="how long the soak is, in seconds")


def pytest_collection_modifyitems(items):
    if proxy.is_native(MODULE):
        skip = pytest.mark.skip(reason="it is of the module, of which the twin has nothing")
        for item in items:
            if item.get_closest_marker("module_only"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def binary():
    return ENVOY


@pytest.fixture(scope="session")
def module():
    return MODULE


@pytest.fixture(scope="session")
def authority():
    """Who signs the run's certificate."""
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority):
    """For every name that the tests use, as Envoy takes it."""
    names = ["api.example", "app.example", "evil.example", "localhost", "127.0.0.1", *listeners.NAMES]
    return proxy.certificate(authority.issue_cert(*names))


@pytest.fixture(scope="session")
def trust(authority):
    """A client's context that trusts it."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class AccessLog:
    """What Envoy wrote of each request, by the `x-case` that it carried."""

    def __init__(self, path):
        self.path = path

    def line(self, case):
        return self.find("case", case)

    def find(self, key, value):
        """The last line that has this."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := [it for it in self.read() if it[key] == value]:
                return found[-1]
            time.sleep(0.01)
        raise AssertionError(f"no line of {key} {value} in the access log")

    def lines(self, case):
        """All that there are by now."""
        return [it for it in self.read() if it["case"] == case]

    def read(self):
        text = self.path.read_text() if self.path.exists() else ""
        return [shown(json.loads(it)) for it in text.rpartition("\n")[0].splitlines()]


def shown(line):
    """A line, whichever of module and twin has shown its finding."""
    native = line.pop("native")
    return {**line, "finding": line["finding"] or native}


@pytest.fixture(scope="session")
def access_log(stage):
    return AccessLog(stage.folder / "access.json")


@pytest.fixture(scope="session")
def envoy(stage):
    """Starts an Envoy with these listeners and clusters; `options` are those of `Stage.envoy`."""

    def start(name, listeners, clusters, stats_config=None, **options):
        config = proxy.config(listeners, clusters, stats_config=stats_config or {})
        return stage.envoy(ENVOY, config, name=name, **options)

    return start


@pytest.fixture(scope="session")
def busy(envoy, backend):
    """The clusters that load is sent to."""
    return traffic.clusters(envoy, "fast shop", backend)


@pytest.fixture(scope="session")
def shop(envoy, stage, backend, module, certificate, access_log):
    """Envoy in front of the shop, as browsers find it."""
    filters = [proxy.gate(module, listeners.POLICY)]
    return listeners.start(envoy, stage, backend, filters, certificate, access_log)
