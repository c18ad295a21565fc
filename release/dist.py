"""Makes of what was built what is published: the image, the archives, their bills of materials and the checksums."""

import argparse
import hashlib
import json
import pathlib
import shutil

import archive
import image
import sbom

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULE_TARGET = "wasm32-wasip1"
OCI_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What `build --native` makes for this machine: the same as one of those that are published.
OWN = "liborigin_gate.so"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="where the module is, and the rest is put")
    parser.add_argument("--revision", required=True, help="the source's")
    parser.add_argument("--twin", action="append", default=[], metavar="ARCHITECTURE", help="of dist/liborigin_gate-….so")
    parser.add_argument("commands", nargs="*", metavar="TARGET=PATH", help="the command, built for a target")
    options = parser.parse_args()
    packages = json.loads(sbom.run(["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"], ROOT))["packages"]
    package = next(it for it in packages if it["name"] == "origin-gate")
    clear(options.dist)
    pack_module(options.dist, package, options.revision)
    pack_twins(options.dist, package, options.revision, options.twin)
    for command in options.commands:
        target, _, path = command.partition("=")
        pack_command(options.dist, package, options.revision, target, pathlib.Path(path))
    write_checksums(options.dist)


def clear(dist: pathlib.Path) -> None:
    """What an earlier build left, the module aside."""
    for path in {*dist.glob("origin-gate-*"), *dist.glob("*.cdx.json"), *dist.glob("SHA256SUMS")}:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def pack_module(dist: pathlib.Path, package: dict, revision: str) -> None:
    module = (dist / "origin_gate.wasm").read_bytes()
    product = {
        "type": "application",
        "name": "origin_gate.wasm",
        "package": "origin-gate-module",
        "sha256": sha256(module),
        "revision": revision,
    }
    (dist / "origin_gate.wasm.cdx.json").write_bytes(sbom.bill(package, product, MODULE_TARGET, ROOT))
    version = package["version"]
    files = image.layout(module, labels(package, revision), f"origin-gate:{version}")
    stem = f"origin-gate-{version}.oci"
    image.write(files, dist / stem, dist / f"{stem}.tar")


def pack_twins(dist: pathlib.Path, package: dict, revision: str, architectures: list[str]) -> None:
    """The libraries are there already; this adds what each is made of, and the image of all."""
    libraries = {}
    for architecture in architectures:
        path = dist / f"liborigin_gate-{architecture}.so"
        library = libraries[OCI_ARCHITECTURES[architecture]] = path.read_bytes()
        product = {
            "type": "library",
            "name": path.name,
            "package": "origin-gate-twin",
            "sha256": sha256(library),
            "revision": revision,
        }
        bill = sbom.bill(package, product, f"{architecture}-unknown-linux-gnu", ROOT)
        path.with_name(f"{path.name}.cdx.json").write_bytes(bill)
    if libraries:
        stem = f"origin-gate-native-{package['version']}.oci"
        named = labels(package, revision) | {"org.opencontainers.image.title": "origin-gate-native"}
        image.write(
            image.native_layout(libraries, named, f"origin-gate-native:{package['version']}"), dist / stem, dist / f"{stem}.tar"
        )


def pack_command(dist: pathlib.Path, package: dict, revision: str, target: str, path: pathlib.Path) -> None:
    stem = f"origin-gate-{package['version']}-{target}"
    command = path.read_bytes()
    files = {f"{stem}/{path.name}": (command, 0o755)}
    files |= {f"{stem}/{name}": ((ROOT / name).read_bytes(), 0o644) for name in ("CHANGELOG.md", "LICENSE", "README.md")}
    (dist / f"{stem}.tar.gz").write_bytes(archive.gzip(archive.tar(files)))
    product = {"type": "application", "name": path.name, "package": "origin-gate", "sha256": sha256(command), "revision": revision}
    (dist / f"{stem}.cdx.json").write_bytes(sbom.bill(package, product, target, ROOT))


def labels(package: dict, revision: str) -> dict[str, str]:
    """https://specs.opencontainers.org/image-spec/annotations/"""
    told = {
        "title": package["name"],
        "description": package["description"],
        "version": package["version"],
        "revision": revision,
        "licenses": package["license"],
        "source": package["repository"],
    }
    return {f"org.opencontainers.image.{key}": value for key, value in told.items() if value}


def write_checksums(dist: pathlib.Path) -> None:
    """As `sha256sum --check` reads them; a layout's folder has its digests inside."""
    files = [it for it in sorted(dist.iterdir()) if it.is_file() and it.suffix != ".sha256" and it.name != OWN]
    lines = [f"{sha256(it.read_bytes())}  {it.name}\n" for it in files]
    (dist / "SHA256SUMS").write_text("".join(lines))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
