"""What `envoy/` has for people to copy, to be run or looked at."""

import json
import shutil
import subprocess

import pytest
import yaml

import demo
import peers
from hot_reload import HotReload, digests, held, is_everywhere
from watch import show, wait_for

FILES = demo.FILES
POLICY = json.loads((FILES / "policy.json").read_text())
APP, FOREIGN = demo.APP, demo.FOREIGN


def kustomize_in_kubectl():
    """Those before 1.24 do not say which they have; it is an old one."""
    if shutil.which("kubectl") is None:
        return False
    done = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, timeout=60)
    return "Kustomize Version: v5" in done.stdout


needs_kubectl = pytest.mark.skipif(not kustomize_in_kubectl(), reason="kubectl with Kustomize 5 (1.27 or later) is not installed")


def load(path):
    return yaml.safe_load((FILES / path).read_text())


def granted(port, origin, path="/backend/200", status=200):
    """Whether a page of this origin may read the answer."""
    answer = peers.ask(peers.Http1, port, path=path, headers=[("Origin", origin)], host=demo.API)
    assert answer.status == status
    found = answer.value("access-control-allow-origin")
    assert found in (None, origin)
    return found == origin


class Hot(HotReload):
    def wait_for_policy(self, number):
        """Until so many policies have been loaded in all, and the last is everywhere."""

        def probe():
            show(self.envoy, self.module)
            found = list(dict.fromkeys(digests(self.envoy)))
            return len(found) == number and is_everywhere(self.envoy, 3, found)

        wait_for(probe, lambda: f"{held(self.envoy)}\n{self.envoy.log()}")

    def wait_for_stat(self, name, value):
        name = f"extension_config_discovery.http_filter.origin_gate.{name}"
        wait_for(lambda: self.envoy.stats(name).get(name, 0) >= value, lambda: f"{name}: {self.envoy.stats(name)}")


def kustomize(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {(it["kind"], it["metadata"]["name"]): it for it in yaml.safe_load_all(done.stdout)}
