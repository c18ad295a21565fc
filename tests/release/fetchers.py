"""What Istio (`pkg/wasm/imagefetcher.go`) and Envoy Gateway (`internal/wasm/imagefetcher.go`, the same but for a limit)
do with an image, said in Python: which manifests and layers they take, and where in them they find the module.
"""

import gzip
import hashlib
import io
import json
import tarfile

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm"
ENVOY_GATEWAY_LIMIT = 256 * 1024 * 1024


class Refused(Exception):
    """There is no module to find."""


def fetch(layout, limit=None):
    """The module in the image that a layout, as a registry, holds."""
    index = json.loads((layout / "index.json").read_bytes())
    (descriptor,) = index["manifests"]
    manifest = json.loads(blob(layout, descriptor))
    layers = manifest["layers"]
    if manifest.get("mediaType") == DOCKER_MANIFEST:
        return from_archive(layout, layers, DOCKER_LAYER, limit)
    try:
        return from_archive(layout, layers, OCI_LAYER, limit)
    except Refused:
        return from_artifact(layout, layers)


def blob(layout, descriptor):
    algorithm, digest = descriptor["digest"].split(":")
    content = (layout / "blobs" / algorithm / digest).read_bytes()
    if len(content) != descriptor["size"] or hashlib.new(algorithm, content).hexdigest() != digest:
        raise Refused("a blob is not what its descriptor says")
    return content


def from_archive(layout, layers, media_type, limit):
    """The last layer is looked at, and no other."""
    if not layers or layers[-1]["mediaType"] != media_type:
        raise Refused(f"the last layer is not {media_type}")
    plain = gzip.decompress(blob(layout, layers[-1]))
    with tarfile.open(fileobj=io.BytesIO(plain[:limit])) as archive:
        for entry in archive:
            if entry.name.rpartition("/")[2] == "plugin.wasm":
                return archive.extractfile(entry).read()
    raise Refused("there is no plugin.wasm")


def from_artifact(layout, layers):
    """Two layers, one of them the bare module."""
    if len(layers) != 2:
        raise Refused(f"{len(layers)} layers, and not two")
    for layer in layers:
        if layer["mediaType"] == WASM_LAYER:
            return blob(layout, layer)
    raise Refused("no layer is a module")
