"""The bills of materials are valid, and say what is inside and nothing else."""

import hashlib
import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from conftest import TARGET


@pytest.fixture(params=["module", "twin", "command"])
def text(request, dist, package):
    names = {
        "module": "origin_gate.wasm",
        "twin": "liborigin_gate-x86_64.so",
        "command": f"origin-gate-{package['version']}-{TARGET}",
    }
    return (dist / f"{names[request.param]}.cdx.json").read_text()


def names(document):
    return {it["name"] for it in document["components"]}


def test_it_is_valid(text):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_all_that_is_named_is_there(text):
    document = json.loads(text)
    known = {it["bom-ref"] for it in [*document["components"], document["metadata"]["component"]]}
    edges = {it["ref"]: it["dependsOn"] for it in document["dependencies"]}
    assert set(edges) == known
    needed = {it for needs in edges.values() for it in needs}
    assert needed == known - {document["metadata"]["component"]["bom-ref"]}, "nothing unneeded, and not itself"


def test_it_has_nothing_of_the_machine(text, root):
    assert str(root) not in text and "file://" not in text


def test_they_tell_the_module_from_the_command(dist, package, module):
    of_module = json.loads((dist / "origin_gate.wasm.cdx.json").read_text())
    of_command = json.loads((dist / f"origin-gate-{package['version']}-{TARGET}.cdx.json").read_text())
    made = of_module["metadata"]["component"]
    assert made["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(module).hexdigest()}]
    assert {"log", "serde_json", "std"} <= names(of_module)
    only_command = {"clap", "psl", "regex-lite", "yaml-rust2"}
    assert only_command <= names(of_command)
    only_tests = {"proptest", "jsonschema", "httparse"}
    assert not names(of_module) & (only_command | only_tests)
    assert not names(of_command) & only_tests
