"""An Envoy that learns its listener and its policy while it runs, as from a control plane."""

import itertools
import json

import yaml

import demo
import proxy
from conftest import ENVOY
from watch import wait_for

DISCOVERY = "extension_config_discovery.http_filter.origin_gate"
LDS = "listener_manager.lds"
STATS = yaml.safe_load((demo.FILES / "envoy.yaml").read_text())["stats_config"]


class Dynamic:
    """An Envoy that takes its listener from a file, and the listener its filter from another. `options` are those of
    `Stage.envoy`."""

    def __init__(self, stage, gate, routes, clusters, name="dynamic", access_log=None, **options):
        self.stage, self.routes, self.name, self.access_log = stage, routes, name, access_log
        self.versions = itertools.count()
        source = {"path_config_source": {"path": str(self.file("gate"))}, "resource_api_version": "V3"}
        types = [it["typed_config"]["@type"] for it in (proxy.gate("module.wasm", {}), proxy.gate("twin.so", {}))]
        self.by_discovery = {"name": "origin_gate", "config_discovery": {"config_source": source, "type_urls": types}}
        self.put_gate(gate)
        self.put_listener(self.by_discovery)
        config = {
            **proxy.config([], clusters, stats_config=STATS),
            "node": {"id": "test", "cluster": "test"},
            "dynamic_resources": {"lds_config": {"path_config_source": {"path": str(self.file("listener"))}}},
        }
        self.envoy = stage.envoy(ENVOY, config, name=name, **options)
        self.port = self.envoy.ports.get("web")

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
