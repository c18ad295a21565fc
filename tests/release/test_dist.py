"""What `./build.sh dist` left."""

import hashlib
import os
import re
import subprocess
import tarfile

import pytest

from conftest import MODULE, ROOT


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


def test_the_native_twin_is_there_for_both_and_needs_no_library(built):
    """Its architecture stands in the 18th byte of an ELF file; what it needs beside Envoy would be its `NEEDED`."""
    for name, machine in {"x86_64": 62, "aarch64": 183}.items():
        library = (built / f"liborigin_gate-{name}.so").read_bytes()
        assert library[:4] == b"\x7fELF" and library[18] == machine
        assert bytes(ROOT) not in library
        assert not re.search(rb"/(root|home|Users)/[\w.-]+/|lib(c|gcc_s|m)\.so", library)
        assert (built / f"liborigin_gate-{name}.so.cdx.json").exists()


def test_no_command_has_a_path_of_the_machine(built):
    for path in built.glob("*.tar.gz"):
        with tarfile.open(path) as archive:
            command = archive.extractfile(path.name.removesuffix(".tar.gz") + "/origin-gate").read()
        assert bytes(ROOT) not in command
        assert not re.search(rb"/(root|home|Users)/[\w.-]+/", command)
