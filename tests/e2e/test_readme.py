"""The README alone: its filter in a real Envoy, and what it says to ask there."""

import json
import shutil
import subprocess

import pytest
import yaml

import proxy
import readme
from harness import ask

pytestmark = pytest.mark.module_only
CALLS = [call.split("\n", 1) for block in readme.blocks(readme.TEXT, "console") for call in block.split("$ ")[1:]]


def configured(module, backend, policy=None):
    """The filter as it stands there but for where the module lies, in a listener."""
    (gate,) = yaml.safe_load(readme.blocks(readme.TEXT, "yaml")[0])
    config = gate["typed_config"]["config"]
    config["vm_config"]["code"]["local"]["filename"] = str(module)
    config["configuration"]["value"] = policy or config["configuration"]["value"]
    listener = proxy.listener("web", proxy.manager([gate], [proxy.route("/")]))
    return [listener], [proxy.cluster("backend", backend.port)]


@pytest.fixture(scope="module")
def gate(envoy, backend, module):
    return envoy("readme", *configured(module, backend))


def test_the_backend_is_behind_it(gate):
    answer = ask(gate.ports["web"], "GET", "/backend/200", {"Host": "api.example", "Origin": "https://app.example"})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "https://app.example")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("call, shown", CALLS, ids=[shown.strip()[:9] for _, shown in CALLS])
def test_it_answers_as_shown(gate, call, shown):
    line = call.replace("localhost:10000", f"127.0.0.1:{gate.ports['web']}")
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == shown.strip(), done.stderr


def test_there_are_three():
    assert len(CALLS) == 3


@pytest.mark.parametrize("policy", [None, '{"alowed_origins": []}'], ids=["its own", "a wrong one"])
def test_validate_loads_the_policy(binary, backend, module, tmp_path, policy):
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(proxy.config(*configured(module, backend, policy))))
    command = [binary, "--mode", "validate", "-c", file, "--use-dynamic-base-id"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == (policy is None), done.stderr
    assert policy is None or "alowed_origins: unknown key" in done.stderr
