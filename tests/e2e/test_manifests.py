"""The configurations in `envoy/` that can run without a cluster run here, on a real Envoy; the rest is held to its schema
by `tests/manifests.rs`."""

import json
import pathlib
import shutil

import pytest
import yaml

import demo
import peers
import proxy
from manifests import APP, FILES, FOREIGN, POLICY, Hot, granted, kustomize, load, needs_kubectl
from watch import wait_for


class ConfigMap(Hot):
    """The file as Kubernetes mounts it: a link through a link, and the second is what it moves."""

    def prepare(self):
        self.version = 0
        (self.folder / "origin_gate.yaml").symlink_to("..data/origin_gate.yaml")

    def put(self, policy):
        self.version += 1
        version = self.folder / f"..version-{self.version}"
        version.mkdir()
        (version / "origin_gate.yaml").write_text(self.resource(policy))
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.folder / "..data")


KINDS = {"moved": Hot, "config-map": ConfigMap}


@pytest.fixture(params=KINDS)
def hot(request, stage, binary, backend, module):
    return KINDS[request.param](stage, binary, backend.port, module, f"hot-{request.param}", POLICY)


def test_a_policy_is_changed_refused_and_rolled_back_without_a_restart(hot):
    assert granted(hot.web, APP) and not granted(hot.web, FOREIGN)
    with peers.Http1(hot.web) as exchange:
        exchange.start("GET", "/ws/", [("Origin", APP)], host=demo.API, websocket=True)
        assert exchange.head().status == 101
        frames = peers.Frames(exchange)
        frames.hear()
        changed = {**POLICY, "allowed_origins": [FOREIGN]}
        hot.put(changed)
        hot.wait_for_policy(2)
        assert granted(hot.web, FOREIGN) and not granted(hot.web, APP)
        hot.put({**changed, "alowed_hosts": []})
        hot.wait_for_stat("config_fail", 1)
        assert granted(hot.web, FOREIGN) and not granted(hot.web, APP), "the one before stays"
        assert "alowed_hosts: unknown key" in hot.envoy.log()
        hot.put(POLICY)
        wait_for(lambda: granted(hot.web, APP), hot.envoy.log)
        assert not granted(hot.web, FOREIGN)
        frames.say("still there")
        assert frames.hear() == "still there", "what was opened under the first policy"
    assert hot.envoy.stats("listener_manager.listener_modified") == {"listener_manager.listener_modified": 0}
    assert granted(hot.web, APP, "/healthz", 200)


@pytest.mark.module_only
def test_a_module_is_changed_and_rolled_back_without_a_restart(stage, binary, backend, module, tmp_path):
    hot = Hot(stage, binary, backend.port, module, "hot-module", POLICY)
    created = "wasm.envoy.wasm.runtime.v8.created"
    vms_before = hot.envoy.stats(created)[created]
    with peers.Http1(hot.web) as exchange:
        exchange.start("GET", "/ws/", [("Origin", APP)], host=demo.API, websocket=True)
        assert exchange.head().status == 101
        frames = peers.Frames(exchange)
        frames.hear()
        hot.module = tmp_path / "other.wasm"
        # A section more, which says nothing.
        hot.module.write_bytes(module.read_bytes() + b"\0\6\5other")
        for policy, number in (({**POLICY, "allowed_origins": [FOREIGN]}, 2), ({**POLICY, "allowed_origins": [APP]}, 3)):
            hot.put(policy)
            hot.wait_for_policy(number)
            assert granted(hot.web, policy["allowed_origins"][0])
            vms_now = hot.envoy.stats(created)[created]
            assert vms_now >= vms_before + 3, "the main thread and both workers have VMs of the other module"
            vms_before, hot.module = vms_now, module
        frames.say("still there")
        assert frames.hear() == "still there"


def test_a_start_with_a_wrong_policy_answers_500_until_it_is_mended(stage, binary, backend, module):
    hot = Hot(stage, binary, backend.port, module, "hot-wrong", {**POLICY, "alowed_hosts": []})
    request = {"path": "/backend/200", "headers": [("Origin", APP)], "host": demo.API}
    assert peers.ask(peers.Http1, hot.web, **request).status == 500
    hot.put(POLICY)
    wait_for(lambda: peers.ask(peers.Http1, hot.web, **request).status == 200, hot.envoy.log)


def test_the_files_are_where_the_bootstrap_looks_for_them():
    manager = load("hot-reload/envoy.yaml")["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    source = manager["typed_config"]["http_filters"][0]["config_discovery"]["config_source"]["path_config_source"]
    assert source == {"path": "/etc/envoy/policy/origin_gate.yaml", "watched_directory": {"path": "/etc/envoy/policy"}}


def test_the_parts_that_are_in_both_are_the_same():
    static, hot = load("envoy.yaml"), load("hot-reload/envoy.yaml")
    assert static["stats_config"] == hot["stats_config"]

    def named(config, kind, name):
        return next(it for it in config["static_resources"][kind] if it["name"] == name)

    managers = (named(it, "listeners", "web")["filter_chains"][0]["filters"][0]["typed_config"] for it in (static, hot))
    assert len({json.dumps(it["access_log"]) for it in managers}) == 1
    assert named(static, "listeners", "stats") == named(hot, "listeners", "stats")
    assert named(static, "clusters", "admin") == named(hot, "clusters", "admin")


# What Kustomize makes.


@needs_kubectl
def test_kustomize_makes_the_deployment():
    made = kustomize(FILES / "hot-reload")
    ((bootstrap, config),) = [(name, it) for (kind, name), it in made.items() if name.startswith("origin-gate-envoy-")]
    assert yaml.safe_load(config["data"]["envoy.yaml"]) == load("hot-reload/envoy.yaml")
    policy = made["ConfigMap", "origin-gate-policy"]["data"]
    assert yaml.safe_load(policy["origin_gate.yaml"]) == load("hot-reload/origin_gate.yaml")
    pod = made["Deployment", "origin-gate"]["spec"]["template"]["spec"]
    volumes = {it["name"]: it for it in pod["volumes"]}
    assert volumes["config"]["configMap"]["name"] == bootstrap, "the pods follow it"
    mounts = {it["mountPath"]: it["name"] for it in pod["containers"][0]["volumeMounts"]}
    assert set(mounts.values()) == set(volumes)
    # What the files name is mounted where they look for it.
    wasm = load("hot-reload/origin_gate.yaml")["resources"][0]["typed_config"]["config"]["vm_config"]
    module = pathlib.PurePath(wasm["code"]["local"]["filename"])
    assert mounts[str(module.parent)] == "module" and module.name == "plugin.wasm"
    assert mounts["/etc/envoy/policy"] == "policy" and mounts["/etc/envoy/envoy.yaml"] == "config"
    ports = {it["name"]: it["containerPort"] for it in pod["containers"][0]["ports"]}
    listeners = load("hot-reload/envoy.yaml")["static_resources"]["listeners"]
    assert ports == {it["name"]: it["address"]["socket_address"]["port_value"] for it in listeners}
    selected = made["Service", "origin-gate"]["spec"]["selector"]
    assert selected == made["Deployment", "origin-gate"]["spec"]["template"]["metadata"]["labels"]


@needs_kubectl
@pytest.mark.parametrize(
    "folder, kind, at",
    [("istio", "TrafficExtension", "wasm/pluginConfig"), ("envoy-gateway", "EnvoyExtensionPolicy", "wasm/0/config")],
)
def test_an_overlay_changes_the_policy(tmp_path, folder, kind, at):
    """One's own folder beside the base, as the bases' comments tell."""
    shutil.copytree(FILES / folder, tmp_path / "base")
    patch = [{"op": "replace", "path": f"/spec/{at}/allowed_origins", "value": [FOREIGN]}]
    overlay = {"resources": ["../base"], "patches": [{"target": {"kind": kind}, "patch": json.dumps(patch)}]}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    found = kustomize(tmp_path / "own")[kind, "origin-gate"]["spec"]
    for key in at.split("/"):
        found = found[int(key) if key.isdigit() else key]
    kept = {"on_refused_update": "keep"} if folder == "envoy-gateway" else {}
    assert found == {**POLICY, **kept, "allowed_origins": [FOREIGN]}


# Envoy Gateway, as far as Envoy itself can show it.


def test_a_filter_that_is_switched_on_by_route_needs_a_route_for_the_rest(envoy, backend, module, access_log):
    """As Envoy Gateway configures it; why `gateway.yaml` has the route `everything-else`."""
    gate = {**proxy.gate(module, POLICY), "disabled": True}
    on = proxy.enabled("origin_gate")
    known = proxy.route("/backend/", filters=on)
    rest = {"match": {"prefix": "/"}, "direct_response": {"status": 404}, "typed_per_filter_config": on}
    listeners = [
        proxy.listener(name, proxy.manager([gate], routes, access_log.path))
        for name, routes in {"without": [known], "with": [known, rest]}.items()
    ]
    ports = envoy("by-route", listeners, [proxy.cluster("backend", backend.port)]).ports
    assert granted(ports["without"], APP) and granted(ports["with"], APP)
    assert not granted(ports["without"], APP, "/nothing", 404)
    assert granted(ports["with"], APP, "/nothing", 404)
