"""Envoy as `envoy/hot-reload/` has it, but for addresses and paths: its policy is changed by moving a file."""

import base64
import json
import re

import yaml

import demo
import proxy
from harness import free_port, metrics

FILES = demo.FILES / "hot-reload"


class HotReload:
    # Envoy reads a file by its ending.
    file = "origin_gate.yaml"

    def __init__(self, stage, binary, port, module, name, policy, **options):
        self.module, self.folder = module, stage.folder / name
        self.folder.mkdir()
        self.prepare()
        self.put(policy)
        self.envoy = stage.envoy(binary, self.config(port), name=name, **options)
        self.web = self.envoy.ports["web"]

    def prepare(self):
        """What must be in the folder beside the file."""

    def config(self, port):
        config = yaml.safe_load(demo.shown_by(self.module, (FILES / "envoy.yaml").read_text()))
        resources = config["static_resources"]
        for listener in resources["listeners"]:
            demo.bind(listener["address"], 0)
        clusters = {it["name"]: demo.endpoint(it) for it in resources["clusters"]}
        admin = free_port()
        demo.bind(config["admin"]["address"], admin)
        demo.bind(clusters["admin"], admin)
        demo.bind(clusters["backend"], port)
        manager = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        source = manager["http_filters"][0]["config_discovery"]["config_source"]["path_config_source"]
        source["path"] = str(self.folder / self.file)
        source["watched_directory"]["path"] = str(self.folder)
        return config

    def resource(self, policy):
        """The file, with a policy: plain data, its text, or the bytes of a compiled one."""
        found = yaml.safe_load((FILES / "origin_gate.yaml").read_text())
        (gate,) = found["resources"]
        config = gate["typed_config"]["config"]
        if isinstance(policy, bytes):
            value = base64.b64encode(policy).decode()
            config["configuration"] = {"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": value}
        else:
            config["configuration"]["value"] = policy if isinstance(policy, str) else json.dumps(policy)
        config["vm_config"]["code"]["local"]["filename"] = str(self.module)
        if proxy.is_native(self.module):
            gate.update(proxy.twin(self.module, config["configuration"]))
        return json.dumps(found)

    def put(self, policy):
        """As its comment says: written beside it, then moved."""
        new = self.folder.parent / f"{self.folder.name}.new"
        new.write_text(self.resource(policy))
        new.rename(self.folder / self.file)


def vms(envoy):
    """The VMs that hold each policy, as Prometheus is told."""
    text = metrics(envoy.admin).body
    return {digest: int(count) for digest, count in re.findall(r'^origin_gate_policy_vms\{digest="(\w+)"\} (\d+)$', text, re.M)}
