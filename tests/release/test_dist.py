"""What `./build.sh dist` left."""

import hashlib
import json
import os
import re
import subprocess
import tarfile

import pytest

from conftest import MODULE, ROOT
from dist import pack_manifests, pages_of

PAGES = {
    "completions/_origin-gate": "#compdef origin-gate",
    "completions/origin-gate.bash": "complete -F _origin__gate",
    "completions/origin-gate.fish": "complete -c origin-gate",
    "man/origin-gate.1": ".TH origin-gate 1",
}


@pytest.fixture(scope="module")
def built(module):
    """The folder, if the rest of it was made with the module that is there."""
    folder, bill = MODULE.parent, MODULE.with_name(f"{MODULE.name}.cdx.json")
    digest = hashlib.sha256(module).hexdigest()
    if not (folder / "SHA256SUMS").exists() or digest not in bill.read_text():
        pytest.skip("dist/ holds no release of this module (./build.sh dist makes it)")
    return folder


def test_the_checksums_are_those_of_all_files(built):
    sums = dict(reversed(line.split("  ")) for line in (built / "SHA256SUMS").read_text().splitlines())
    files = {it.name for it in built.iterdir() if it.is_file()} - {
        "SHA256SUMS",
        "origin_gate.wasm.sha256",
        "liborigin_gate.so",
        "liborigin_gate.so.sha256",
    }
    assert set(sums) == files
    for name, digest in sums.items():
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest, name


def test_the_command_runs_and_knows_its_revision(built, package, revision, tmp_path):
    machine = os.uname().machine
    name = f"origin-gate-{package['version']}-{machine}-unknown-linux-musl"
    with tarfile.open(built / f"{name}.tar.gz") as archive:
        assert {it.mtime for it in archive} == {0}
        archive.extractall(tmp_path, filter="data")
    done = subprocess.run([tmp_path / name / "origin-gate", "--version"], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.stdout == f"origin-gate {package['version']} ({revision})\n"
    assert (tmp_path / name / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_archive_of_the_command_has_its_pages(built, package):
    for path in built.glob("origin-gate-*-linux-musl.tar.gz"):
        with tarfile.open(path) as archive:
            stem = path.name.removesuffix(".tar.gz")
            read = {it: archive.extractfile(f"{stem}/{it}").read().decode() for it in PAGES}
        assert all(mark in read[it] for it, mark in PAGES.items()), path


def test_the_native_twin_is_there_for_both_and_needs_no_library(built):
    """Its architecture stands in the 18th byte of an ELF file; what it needs beside Envoy would be its `NEEDED`."""
    for name, machine in {"x86_64": 62, "aarch64": 183}.items():
        library = (built / f"liborigin_gate-{name}.so").read_bytes()
        assert library[:4] == b"\x7fELF" and library[18] == machine
        assert bytes(ROOT) not in library
        assert not re.search(rb"/(root|home|Users)/[\w.-]+/|lib(c|gcc_s|m)\.so", library)
        assert (built / f"liborigin_gate-{name}.so.cdx.json").exists()


def test_no_command_has_a_path_of_the_machine(built):
    for path in built.glob("*-linux-musl.tar.gz"):
        with tarfile.open(path) as archive:
            command = archive.extractfile(path.name.removesuffix(".tar.gz") + "/origin-gate").read()
        assert bytes(ROOT) not in command
        assert not re.search(rb"/(root|home|Users)/[\w.-]+/", command)


def manifests(dist, package):
    with tarfile.open(dist / f"origin-gate-{package['version']}-manifests.tar.gz") as archive:
        return {it.name.partition("/")[2]: archive.extractfile(it).read().decode() for it in archive if it.isfile()}


def test_the_manifests_name_this_release(dist, package):
    """Each image by the digest of the layout that is beside it."""
    read = manifests(dist, package)
    pinned = set()
    for name, text in read.items():
        for kind in re.findall(r"ghcr\.io/\w+/origin-gate(-native)?\b", text):
            (image,) = json.loads((dist / f"origin-gate{kind}-{package['version']}.oci/index.json").read_bytes())["manifests"]
            if image["digest"].removeprefix("sha256:") in text:
                pinned.add(name)
        assert "0" * 64 not in text, name
    assert pinned == {
        "chart/files/envoy-gateway/policy.yaml",
        "chart/files/hot-reload/deployment.yaml",
        "chart/files/istio/trafficextension.yaml",
        "chart/files/istio/wasmplugin.yaml",
        "chart/values.yaml",
        "envoy-gateway/policy.yaml",
        "hot-reload/deployment.yaml",
        "istio/trafficextension.yaml",
        "istio/wasmplugin.yaml",
        "native/envoy-gateway.yaml",
    }
    assert "monitoring/alerts.yaml" in read and not any("demo" in it or "compose" in it for it in read)


def test_the_manifests_name_the_repository_of_the_package(tmp_path, package):
    """Its owner and its name; images have none but small letters."""
    digests = {"origin-gate": f"sha256:{'1' * 64}", "origin-gate-native": f"sha256:{'2' * 64}"}
    pack_manifests(tmp_path, package | {"repository": "https://github.com/Acme/Edge-Gate"}, digests)
    read = manifests(tmp_path, package)
    assert not any("OWNER" in it for it in read.values())
    assert f"url: oci://ghcr.io/acme/edge-gate:{package['version']}" in read["istio/trafficextension.yaml"]
    assert f"ghcr.io/acme/edge-gate-native:{package['version']}@sha256:{'2' * 64}" in read["native/envoy-gateway.yaml"]
    assert "https://github.com/Acme/Edge-Gate/blob/main/docs/operations.md" in read["monitoring/alerts.yaml"]


def test_completions_come_from_a_command_that_runs_here(tmp_path):
    other, own = tmp_path / "other", tmp_path / "own"
    other.write_bytes(b"\x7fELF of another machine")
    own.write_text('#!/bin/sh\necho "$@"\n')
    for it in (other, own):
        it.chmod(0o755)
    pages = pages_of([other, own])
    assert pages["completions/_origin-gate"] == b"completions zsh\n" and pages["man/origin-gate.1"] == b"man\n"
    with pytest.raises(SystemExit):
        pages_of([other])
