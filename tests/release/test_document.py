"""`docs/release.md`: what it shows is done."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, TARGET

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "docs/release.md").read_text(), re.MULTILINE | re.DOTALL)
RUN = [text for kind, text in BLOCKS if kind == "console"]


@pytest.mark.parametrize("block", RUN, ids=lambda it: it.split()[1])
def test_the_commands_do_what_they_should(block, dist, package, tmp_path):
    if "skopeo" in block and not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed (Debian: apt install skopeo)")
    folder = shutil.copytree(dist, tmp_path / "dist")
    assert run(block, folder, package) == 0
    # Of another module they say so.
    with (folder / "origin_gate.wasm").open("ab") as module:
        module.write(b"\0")
    assert run(block, folder, package) != 0


def run(block, folder, package):
    lines = [line.removeprefix("$ ") for line in block.splitlines()]
    environment = os.environ | {"VERSION": package["version"], "TARGET": TARGET}
    script = "\n".join(["set -euo pipefail", "rm -rf image", *lines])
    return subprocess.run(["bash", "-c", script], cwd=folder, env=environment, timeout=60).returncode


def test_what_is_not_run_says_so():
    assert len(RUN) == 3
    assert {kind for kind, _ in BLOCKS} == {"console", "sh"}
    assert all(text.startswith("# Not run by the tests") for kind, text in BLOCKS if kind == "sh")


def test_the_files_are_those_that_are_made(dist, package):
    table = (ROOT / "docs/release.md").read_text().split("## Check one")[0]
    for path in dist.iterdir():
        name = path.name.replace(package["version"], "$VERSION").replace(TARGET, "$TARGET")
        name = re.sub(r".*\.cdx\.json", "*.cdx.json", name).removesuffix(".sha256").removesuffix(".oci")
        assert name in table, path.name


def test_the_workflow_and_the_document_name_the_same():
    text = (ROOT / "docs/release.md").read_text()
    workflow = (ROOT / ".github/workflows/release.yaml").read_text()
    assert "environment: release" in workflow and "an environment `release`" in text
    for name in ("SHA256SUMS.sigstore.json", "repository = "):
        assert name in workflow
    assert (ROOT / ".github/workflows/release.yaml").name in text
