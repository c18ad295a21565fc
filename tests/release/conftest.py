import json
import os
import pathlib
import subprocess
import sys

import pytest

import sbom
from sections import sections

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODULE = pathlib.Path(os.environ["ORIGIN_GATE_MODULE"])
TARGET = "x86_64-unknown-linux-musl"
ARCHITECTURES = ["x86_64", "aarch64"]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def module():
    """What was built."""
    return MODULE.read_bytes()


@pytest.fixture(scope="session")
def package():
    """What Cargo says of the package."""
    packages = json.loads(sbom.run(["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"], ROOT))["packages"]
    return next(it for it in packages if it["name"] == "origin-gate")


@pytest.fixture(scope="session")
def revision(module):
    """What the module says that it was built from."""
    return sections(module)["revision"].decode()


@pytest.fixture(scope="session")
def dist(tmp_path_factory, module, package, revision):
    """What `./build.sh dist` makes, of the module and of a script that stands in for the command."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "origin_gate.wasm").write_bytes(module)
    command = folder.parent / "origin-gate"
    command.touch(mode=0o755)
    command.write_text(f"#!/bin/sh\necho 'origin-gate {package['version']} ({revision})'\n")
    for architecture in ARCHITECTURES:
        (folder / f"liborigin_gate-{architecture}.so").write_bytes(f"stands in for one of {architecture}".encode())
    twins = [f"--twin={it}" for it in ARCHITECTURES]
    arguments = ["--dist", folder, "--revision", revision, *twins, f"{TARGET}={command}"]
    for _ in ("first", "again, over what is there"):
        subprocess.run([sys.executable, ROOT / "release/dist.py", *arguments], check=True, timeout=120)
    return folder


def shell(function, folder=ROOT, **variables):
    """What a function of `build.sh` prints."""
    environment = {key: value for key, value in os.environ.items() if key != "ORIGIN_GATE_REVISION"} | variables
    command = ["bash", "-c", f"source ./build.sh help > /dev/null; {function}"]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, timeout=60)
    return done.stdout.decode().strip()
