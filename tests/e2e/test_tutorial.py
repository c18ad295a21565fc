"""`docs/tutorial.md`: a shell goes through it from top to bottom, and prints what the page shows."""

import os
import re
import shutil
import subprocess

import pytest

import readme
from harness import free_port

PAGE = (readme.ROOT / "docs" / "tutorial.md").read_text()
# Each line, and what the page shows under it.
STEPS = [it.partition("\n")[::2] for block in readme.blocks(PAGE, "shell") for it in f"\n{block}".split("\n$ ")[1:]]
pytestmark = [
    pytest.mark.module_only,
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is not installed"),
]


@pytest.fixture(scope="module")
def printed(binary, module, tmp_path_factory):
    """What each step prints, in a folder that has the parts."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "policy.json").write_text(readme.blocks(PAGE, "json")[0] + "\n")
    (folder / "envoy.yaml").write_text(own(readme.blocks(PAGE, "yaml")[0]) + "\n")
    (folder / "origin_gate.wasm").symlink_to(module)
    (folder / "envoy").symlink_to(binary)
    lines = [f"echo '@@ {number}'\n{own(line)}" for number, (line, _) in enumerate(STEPS)]
    # Job control, as a shell has it that somebody types into; and whatever happens, no program stays.
    script = "\n".join(["set -m", "trap 'kill $(jobs -p) 2> /dev/null; cat envoy.log >&2' EXIT", *lines])
    script = script.replace("envoy -c running.yaml", "envoy -c running.yaml --use-dynamic-base-id")
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["timeout", "60", "bash", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    parts = re.split(r"@@ \d+\n", done.stdout)[1:]
    return parts, done.stderr


PORTS = {it: str(free_port()) for it in ("8000", "8443", "9901")}


def own(text):
    """On ports that are free."""
    for port, free in PORTS.items():
        text = re.sub(rf"\b{port}\b", free, text)
    return text


def test_it_goes_as_the_page_says(printed):
    parts, errors = printed
    found = [(line, part.strip().replace("\r", "")) for (line, _), part in zip(STEPS, parts, strict=False)]
    assert found == [(line, shown.strip()) for line, shown in STEPS], errors
