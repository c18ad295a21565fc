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
    files = FILES
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
        config = yaml.safe_load(demo.shown_by(self.module, (self.files / "envoy.yaml").read_text()))
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
        found = yaml.safe_load((self.files / "origin_gate.yaml").read_text())
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


def digests(envoy):
    """The policies that were loaded, as the log tells."""
    return re.findall(r"Origin Gate policy loaded .*\bdigest=(\w+)", envoy.log())


def held(envoy):
    """How many VMs hold a policy, and what the digests of all of them add up to, as Prometheus is told."""
    text = metrics(envoy.admin).body
    found = dict(re.findall(r"^origin_gate_policy_(vms|digests)(?:\{\})? (\d+)$", text, re.M))
    return int(found.get("vms", 0)), int(found.get("digests", 0))


def number(digest):
    """What gauges show of a digest."""
    return int(digest[:8], 16)


def is_alone(envoy, vms, digest):
    """Whether so many VMs hold a policy, and none another."""
    return held(envoy) == (vms, vms * number(digest))


def is_everywhere(envoy, vms, policies):
    """Whether so many VMs hold the last of these policies, and all others some of those just before, or the first: connections
    keep them."""
    others = {number(it) for it in [*policies[:1], *policies[-7:]]} - {number(policies[-1])}
    sums = {(vms, vms * number(policies[-1]))}
    for one in others:
        sums = {(count + more, total + more * one) for count, total in sums for more in range(vms + 1)}
    return held(envoy) in sums
