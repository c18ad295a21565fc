"""Makes of what was built what is published: the image, the archives, their bills of materials and the checksums."""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import archive
import image
import sbom

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULE_TARGET = "wasm32-wasip1"
OCI_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What `envoy/` has for a cluster: all but the demo.
MANIFESTS = ["chart", "envoy-gateway", "hot-reload", "istio", "monitoring", "native"]
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
    images = {
        "origin-gate": pack_module(options.dist, package, options.revision),
        "origin-gate-native": pack_twins(options.dist, package, options.revision, options.twin),
    }
    commands = {target: pathlib.Path(path) for target, _, path in (it.partition("=") for it in options.commands)}
    pages = pages_of(list(commands.values()))
    for target, path in commands.items():
        pack_command(options.dist, package, options.revision, target, path, pages)
    pack_command_image(options.dist, package, options.revision, commands)
    pack_manifests(options.dist, package, images)
    write_checksums(options.dist)


def clear(dist: pathlib.Path) -> None:
    """What an earlier build left, the module aside."""
    for path in {*dist.glob("origin-gate-*"), *dist.glob("*.cdx.json"), *dist.glob("SHA256SUMS")}:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def pack_module(dist: pathlib.Path, package: dict, revision: str) -> str:
    """The digest of its image."""
    module = (dist / "origin_gate.wasm").read_bytes()
    product = {
        "type": "application",
        "name": "origin_gate.wasm",
        "package": "origin-gate-module",
        "sha256": sha256(module),
        "revision": revision,
    }
    (dist / "origin_gate.wasm.cdx.json").write_bytes(sbom.bill(package, product, MODULE_TARGET, ROOT))
    return write_image(dist, package, "", image.layout(module, labels(package, revision), f"origin-gate:{package['version']}"))


def pack_twins(dist: pathlib.Path, package: dict, revision: str, architectures: list[str]) -> str:
    """The libraries are there already; this adds what each is made of, and the image of all, whose digest it returns."""
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
    return write_image_of_architectures(dist, package, revision, "-native", libraries, "liborigin_gate.so")


def pack_command(dist: pathlib.Path, package: dict, revision: str, target: str, path: pathlib.Path, pages: dict) -> None:
    stem = f"origin-gate-{package['version']}-{target}"
    command = path.read_bytes()
    files = {f"{stem}/{path.name}": (command, 0o755)}
    files |= {f"{stem}/{name}": ((ROOT / name).read_bytes(), 0o644) for name in ("CHANGELOG.md", "LICENSE", "README.md")}
    files |= {f"{stem}/{name}": (page, 0o644) for name, page in pages.items()}
    (dist / f"{stem}.tar.gz").write_bytes(archive.gzip(archive.tar(files)))
    product = {"type": "application", "name": path.name, "package": "origin-gate", "sha256": sha256(command), "revision": revision}
    (dist / f"{stem}.cdx.json").write_bytes(sbom.bill(package, product, target, ROOT))


def pages_of(commands: list[pathlib.Path]) -> dict[str, bytes]:
    """Completions and the manual page, by their names in an archive. They are the same for each target: the first command that
    runs on this machine prints them."""
    calls = {
        "completions/_origin-gate": ["completions", "zsh"],
        "completions/origin-gate.bash": ["completions", "bash"],
        "completions/origin-gate.fish": ["completions", "fish"],
        "man/origin-gate.1": ["man"],
    }
    for command in commands:
        try:
            return {name: subprocess.run([command, *it], check=True, stdout=subprocess.PIPE).stdout for name, it in calls.items()}
        except OSError:
            # It is built for another machine.
            continue
    if commands:
        raise SystemExit("none of the commands runs here, to print its completions")
    return {}


def pack_command_image(dist: pathlib.Path, package: dict, revision: str, commands: dict[str, pathlib.Path]) -> None:
    """Of the commands that need nothing else: the static ones for Linux."""
    static = {it.partition("-")[0]: path for it, path in commands.items() if it.endswith("-linux-musl")}
    files = {OCI_ARCHITECTURES[architecture]: path.read_bytes() for architecture, path in static.items()}
    # The number that images without a list of users take for nobody.
    process = {"Entrypoint": ["/origin-gate"], "User": "65532:65532", "WorkingDir": "/policies"}
    write_image_of_architectures(dist, package, revision, "-command", files, "origin-gate", process)


def pack_manifests(dist: pathlib.Path, package: dict, images: dict[str, str]) -> None:
    """What `envoy/` has for a cluster, with the names and the digests of this release's images."""
    stem = f"origin-gate-{package['version']}-manifests"
    repository = package["repository"].removeprefix("https://github.com/")
    files = {}
    for folder in MANIFESTS:
        for path in sorted((ROOT / "envoy" / folder).rglob("*")):
            if path.is_file():
                text = path.read_text()
                if named := re.search(r"ghcr\.io/OWNER/([\w-]+)", text):
                    text = text.replace("0" * 64, images[named[1]].removeprefix("sha256:"))
                text = text.replace("ghcr.io/OWNER/origin-gate", f"ghcr.io/{repository.lower()}")
                text = text.replace("github.com/OWNER/origin-gate", f"github.com/{repository}")
                files[f"{stem}/{path.relative_to(ROOT / 'envoy')}"] = (text.encode(), 0o644)
    (dist / f"{stem}.tar.gz").write_bytes(archive.gzip(archive.tar(files)))


def write_image(dist: pathlib.Path, package: dict, kind: str, files: dict[str, bytes]) -> str:
    stem = f"origin-gate{kind}-{package['version']}.oci"
    image.write(files, dist / stem, dist / f"{stem}.tar")
    return image.digest_of(files)


def write_image_of_architectures(
    dist: pathlib.Path, package: dict, revision: str, kind: str, files: dict, name: str, process: dict | None = None
) -> str:
    if not files:
        return ""
    named = labels(package, revision) | {"org.opencontainers.image.title": f"origin-gate{kind}"}
    tag = f"origin-gate{kind}:{package['version']}"
    return write_image(dist, package, kind, image.layout_of_architectures(files, name, named, tag, process))


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
