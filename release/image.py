"""The module as an OCI image, in the one layout that Istio and Envoy Gateway both read from any registry: a layer of
`tar+gzip` with `plugin.wasm` at its root (the variant `compat` of the Wasm image specification). And the native twin, to be
mounted into Envoy's pods, and the command, each in one image of all architectures.
"""

import hashlib
import json
import pathlib

import archive

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"


def layout(module: bytes, labels: dict[str, str], tag: str) -> dict[str, bytes]:
    """The files of an OCI layout; with `manifest.json`, so that `docker load` takes them too."""
    blobs = {}

    def blob(media_type: str, content: bytes) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    plain = archive.tar({"plugin.wasm": (module, 0o644)})
    config = {
        # Nothing runs it, but Docker loads no image of another system.
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
        "history": [{"created_by": "COPY plugin.wasm ./"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(CONFIG, encode(config)),
        "layers": [blob(LAYER, archive.gzip(plain))],
        "annotations": labels | {"module.wasm.image/variant": "compat"},
    }
    reference = {"org.opencontainers.image.ref.name": tag.rpartition(":")[2], "io.containerd.image.name": tag}
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [blob(MANIFEST, encode(manifest)) | {"annotations": reference}],
    }
    docker = {"Config": path(manifest["config"]), "RepoTags": [tag], "Layers": [path(it) for it in manifest["layers"]]}
    return blobs | {
        "oci-layout": encode({"imageLayoutVersion": "1.0.0"}),
        "index.json": encode(index),
        "manifest.json": encode([docker]),
    }


def layout_of_architectures(
    files: dict[str, bytes], name: str, labels: dict[str, str], tag: str, process: dict | None = None
) -> dict[str, bytes]:
    """The files of an OCI layout: an image for each architecture, with its file under this name at the root. `process` says
    what runs, as in https://specs.opencontainers.org/image-spec/config/#properties."""
    blobs: dict[str, bytes] = {}

    def blob(media_type: str, content: bytes) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def manifest(architecture: str, file: bytes) -> dict:
        plain = archive.tar({name: (file, 0o755)})
        platform = {"architecture": architecture, "os": "linux"}
        config = {
            **platform,
            "config": {"Labels": labels} | (process or {}),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
            "history": [{"created_by": f"COPY {name} ./"}],
        }
        content = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(CONFIG, encode(config)),
            "layers": [blob(LAYER, archive.gzip(plain))],
            "annotations": labels,
        }
        return blob(MANIFEST, encode(content)) | {"platform": platform}

    manifests = [manifest(*it) for it in sorted(files.items())]
    image = blob(INDEX, encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": labels}))
    reference = {"org.opencontainers.image.ref.name": tag.rpartition(":")[2], "io.containerd.image.name": tag}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image | {"annotations": reference}]}
    return blobs | {"oci-layout": encode({"imageLayoutVersion": "1.0.0"}), "index.json": encode(index)}


def digest_of(files: dict[str, bytes]) -> str:
    """What a registry calls a layout's image."""
    (image,) = json.loads(files["index.json"])["manifests"]
    return image["digest"]


def write(files: dict[str, bytes], folder: pathlib.Path, tarball: pathlib.Path) -> None:
    """The layout as a folder, and the same as a tar file."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    tarball.write_bytes(archive.tar({name: (content, 0o644) for name, content in files.items()}))


def path(blob: dict) -> str:
    """Where a layout has what a descriptor describes."""
    return "blobs/" + blob["digest"].replace(":", "/")


def encode(value) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
