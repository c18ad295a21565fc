"""Node's packages, which `./build.sh` puts here if Node is installed."""

import pathlib
import shutil

import pytest

MODULES = pathlib.Path(__file__).resolve().parent.parent.parent / ".tools/node/node_modules"


def need(package):
    if not shutil.which("node") or not (MODULES / package).exists():
        pytest.skip(f"needs Node, and `{package}` in .tools/node, where ./build.sh e2e puts it if npm is here")
