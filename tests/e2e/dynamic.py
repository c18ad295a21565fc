"""An Envoy that learns its listener and its policy while it runs, as from a control plane."""

import itertools
import json
import pathlib
import re
import time

import yaml

import proxy
from conftest import ENVOY
from peers import PATIENCE
from stage import Failure, ask

DISCOVERY = "extension_config_discovery.http_filter.origin_gate"
LDS = "listener_manager.lds"
STATS = yaml.safe_load((pathlib.Path(proxy.__file__).parent / "envoy.yaml").read_text())["stats_config"]


class Dynamic:
    """An Envoy that takes its listener from a file, and the listener its filter from another. `options` are those of
    `Stage.envoy`."""

    def __init__(self, stage, gate, routes, clusters, name="dynamic", access_log=None, **options):
        self.stage, self.routes, self.name, self.access_log = stage, routes, name, access_log
        self.versions = itertools.count()
        source = {"path_config_source": {"path": str(self.file("gate"))}, "resource_api_version": "V3"}
        wasm = gate["typed_config"]["@type"]
        self.by_discovery = {"name": "origin_gate", "config_discovery": {"config_source": source, "type_urls": [wasm]}}
        self.put_gate(gate)
        self.put_listener(self.by_discovery)
        config = {
            **proxy.config([], clusters, stats_config=STATS),
            "node": {"id": "test", "cluster": "test"},
            "dynamic_resources": {"lds_config": {"path_config_source": {"path": str(self.file("listener"))}}},
        }
        self.envoy = stage.envoy(ENVOY, config, name=name, **options)
        self.port = self.envoy.ports["web"]

    def file(self, kind):
        return self.stage.folder / f"{self.name}-{kind}.json"

    def put(self, kind, url, resource):
        found = {"version_info": str(next(self.versions)), "resources": [proxy.typed(url, **resource)]}
        new = self.file(f"{kind}-new")
        new.write_text(json.dumps(found))
        new.rename(self.file(kind))

    def put_gate(self, gate):
        """By extension discovery (ECDS)."""
        self.put("gate", "envoy.config.core.v3.TypedExtensionConfig", gate)

    def put_listener(self, gate):
        """By listener discovery (LDS)."""
        manager = proxy.manager([gate], self.routes, self.access_log)
        self.put("listener", "envoy.config.listener.v3.Listener", proxy.listener("web", manager))

    def stat(self, name):
        return self.envoy.stats(name).get(name, 0)

    def wait_for_stat(self, name, value):
        wait_for(lambda: self.stat(name) == value, lambda: f"{name}: {self.stat(name)}, for {value}\n{self.envoy.log()[-2000:]}")


def wait_for(probe, told):
    end = time.monotonic() + PATIENCE
    while not probe():
        if time.monotonic() > end:
            raise Failure(told())
        time.sleep(0.05)


def vms(envoy):
    """The VMs that hold each policy, as Prometheus is told."""
    text = ask(envoy.admin, "GET", "/stats/prometheus?filter=origin_gate_policy_vms").body
    return {digest: int(count) for digest, count in re.findall(r'^origin_gate_policy_vms\{digest="(\w+)"\} (\d+)$', text, re.M)}


def digests(envoy):
    """The policies that were loaded, as the log tells."""
    return re.findall(r"Origin Gate policy loaded .*digest=(\w+)", envoy.log())
