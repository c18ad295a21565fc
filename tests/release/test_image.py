"""The OCI image: whoever reads it finds the module that was put in."""

import hashlib
import json
import shutil
import subprocess

import pytest

import fetchers
import image

LABELS = {"org.opencontainers.image.title": "origin-gate"}
SKOPEO = shutil.which("skopeo")
needs_skopeo = pytest.mark.skipif(SKOPEO is None, reason="skopeo is not installed (Debian: apt install skopeo)")


@pytest.fixture(scope="module")
def stem(dist, package):
    return dist / f"origin-gate-{package['version']}.oci"


def manifest_of(layout):
    (descriptor,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    return json.loads(fetchers.blob(layout, descriptor))


@pytest.mark.parametrize("limit", [None, fetchers.ENVOY_GATEWAY_LIMIT], ids=["istio", "envoy-gateway"])
def test_the_control_planes_find_the_module(stem, module, limit):
    assert fetchers.fetch(stem, limit) == module


def test_the_bare_artifact_is_what_they_refuse(tmp_path, module):
    """The one layer that `wkg` and others publish; so that the test above can be believed."""
    files = image.layout(module, LABELS, "origin-gate:1")
    image.write(files, tmp_path / "layout", tmp_path / "tar")
    manifest = manifest_of(tmp_path / "layout")
    digest = hashlib.sha256(module).hexdigest()
    layer = {"mediaType": fetchers.WASM_LAYER, "digest": f"sha256:{digest}", "size": len(module)}
    content = json.dumps(manifest | {"layers": [layer]}).encode()
    for name, it in {digest: module, hashlib.sha256(content).hexdigest(): content}.items():
        (tmp_path / "layout/blobs/sha256" / name).write_bytes(it)
    index = {"manifests": [{"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}]}
    (tmp_path / "layout/index.json").write_text(json.dumps(index))
    with pytest.raises(fetchers.Refused):
        fetchers.fetch(tmp_path / "layout")


def test_it_says_what_it_is(stem, package, revision):
    annotations = manifest_of(stem)["annotations"]
    assert annotations.pop("module.wasm.image/variant") == "compat"
    told = {key.removeprefix("org.opencontainers.image."): value for key, value in annotations.items()}
    source = {"source": package["repository"]} if package["repository"] else {}
    assert told == source | {
        "title": "origin-gate",
        "description": package["description"],
        "version": package["version"],
        "revision": revision,
        "licenses": "Apache-2.0",
    }


def test_the_same_module_makes_the_same_bytes(module):
    one, other = (image.layout(module, labels, "origin-gate:1") for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}))
    assert one == other
    assert one != image.layout(module + b"\0", {"a": "1", "b": "2"}, "origin-gate:1")


@needs_skopeo
@pytest.mark.parametrize("source", ["oci:{}", "oci-archive:{}.tar", "docker-archive:{}.tar"])
def test_skopeo_finds_the_module(stem, module, tmp_path, source):
    """Which is how it gets to a registry. Written to another format, it is still an image that control planes take."""
    for kind in ("oci", "v2s2"):
        target = tmp_path / kind
        skopeo("copy", "--format", kind, source.format(stem), f"dir:{target}")
        manifest = json.loads((target / "manifest.json").read_bytes())
        layer = target / manifest["layers"][-1]["digest"].removeprefix("sha256:")
        shown = subprocess.run(["tar", "-xOf", layer, "plugin.wasm"], check=True, stdout=subprocess.PIPE, timeout=60)
        assert shown.stdout == module


@needs_skopeo
def test_the_digest_is_the_layouts(stem):
    shown = json.loads(skopeo("inspect", f"oci:{stem}"))
    (descriptor,) = json.loads((stem / "index.json").read_bytes())["manifests"]
    assert shown["Digest"] == descriptor["digest"]
    assert shown["Labels"]["org.opencontainers.image.title"] == "origin-gate"


def of_architecture(dist, stem, architecture):
    """The manifest of an architecture, in a layout of many."""
    (index,) = json.loads((dist / stem / "index.json").read_bytes())["manifests"]
    found = {it["platform"]["architecture"]: it for it in json.loads(fetchers.blob(dist / stem, index))["manifests"]}
    return json.loads(fetchers.blob(dist / stem, found[architecture]))


def unpacked(dist, stem, manifest, name, folder):
    (layer,) = manifest["layers"]
    (folder / "layer").write_bytes(fetchers.blob(dist / stem, layer))
    return subprocess.run(["tar", "-xzOf", folder / "layer", name], check=True, stdout=subprocess.PIPE).stdout


@pytest.mark.parametrize("architecture, name", [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_each_architecture_finds_its_native_twin(dist, package, tmp_path, architecture, name):
    stem = f"origin-gate-native-{package['version']}.oci"
    manifest = of_architecture(dist, stem, architecture)
    library = unpacked(dist, stem, manifest, "liborigin_gate.so", tmp_path)
    assert library == (dist / f"liborigin_gate-{name}.so").read_bytes()


def test_the_image_of_the_command_runs_it_as_nobody(dist, package, tmp_path):
    stem = f"origin-gate-command-{package['version']}.oci"
    manifest = of_architecture(dist, stem, "amd64")
    config = json.loads(fetchers.blob(dist / stem, manifest["config"]))["config"]
    assert (config["Entrypoint"], config["User"]) == (["/origin-gate"], "65532:65532")
    assert config["Labels"]["org.opencontainers.image.title"] == "origin-gate-command"
    assert unpacked(dist, stem, manifest, "origin-gate", tmp_path).startswith(b"#!/bin/sh")


@needs_skopeo
def test_skopeo_copies_the_native_twin_of_all_architectures(dist, package, tmp_path):
    stem = dist / f"origin-gate-native-{package['version']}.oci"
    skopeo("copy", "--all", f"oci-archive:{stem}.tar", f"oci:{tmp_path / 'copy'}")
    inside = [json.loads((it / "index.json").read_bytes())["manifests"][0]["digest"] for it in (stem, tmp_path / "copy")]
    assert inside[0] == inside[1]


def skopeo(*arguments):
    done = subprocess.run([SKOPEO, "--insecure-policy", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
