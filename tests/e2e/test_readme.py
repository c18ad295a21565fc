"""The README alone: its filter in a real Envoy, and what it says to ask there."""

import json
import shutil
import subprocess

import pytest
import yaml

import proxy
import readme

CALLS = [call.split("\n", 1) for block in readme.blocks(readme.TEXT, "console") for call in block.split("$ ")[1:]]


def configured(module, backend):
    """The filter as it stands there, but for where the module lies."""
    (gate,) = yaml.safe_load(readme.blocks(readme.TEXT, "yaml")[0])
    gate["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = str(module)
    listener = proxy.listener("web", proxy.manager([gate], [proxy.route("/")]))
    return gate["typed_config"]["config"], [listener], [proxy.cluster("backend", backend.port)]


@pytest.fixture(scope="module")
def gate(envoy, backend, module):
    return envoy("readme", *configured(module, backend)[1:])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("call, shown", CALLS, ids=[shown.strip()[:9] for _, shown in CALLS])
def test_it_answers_as_shown(gate, call, shown):
    line = call.replace("localhost:10000", f"127.0.0.1:{gate.ports['web']}")
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == shown.strip(), done.stderr


def test_there_are_three():
    assert len(CALLS) == 3


@pytest.mark.parametrize("is_right", [True, False], ids=["a right policy", "a wrong one"])
def test_validate_loads_the_policy(binary, backend, module, tmp_path, is_right):
    config, *parts = configured(module, backend)
    if not is_right:
        config["configuration"]["value"] = '{"alowed_origins": []}'
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(proxy.config(*parts)))
    command = [binary, "--mode", "validate", "-c", file, "--use-dynamic-base-id"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == is_right, done.stderr
    assert is_right or "alowed_origins" in done.stderr
