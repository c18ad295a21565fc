"""A CycloneDX bill of the crates that a build for one target takes in: not those that only build or test it."""

import json
import pathlib
import re
import subprocess
import uuid

NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # that of URLs, RFC 9562


def bill(package: dict, product: dict, target: str, folder: pathlib.Path) -> bytes:
    """`package` is Cargo's, of the project; `product` says what was built: type, name, of which package, SHA-256, revision."""
    root = f"pkg:cargo/{package['name']}@{package['version']}"
    components, edges = crates(root, product["package"], target, folder)
    std = standard_library(folder)
    components[std["bom-ref"]] = std
    edges[root].add(std["bom-ref"])
    made = {
        "type": product["type"],
        "bom-ref": root,
        "name": product["name"],
        "version": package["version"],
        "description": package["description"],
        "hashes": [{"alg": "SHA-256", "content": product["sha256"]}],
        "licenses": licenses(package["license"]),
        "purl": root,
        "properties": [
            {"name": "origin_gate:revision", "value": product["revision"]},
            {"name": "origin_gate:target", "value": target},
        ],
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, product['name'] + product['sha256'])}",
        "version": 1,
        "metadata": {"lifecycles": [{"phase": "build"}], "component": made},
        "components": [components[it] for it in sorted(components)],
        "dependencies": [{"ref": it, "dependsOn": sorted(edges.get(it, []))} for it in sorted({root, *components})],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def crates(root: str, package: str, target: str, folder: pathlib.Path) -> tuple[dict[str, dict], dict[str, set[str]]]:
    """The crates below a package, and who needs whom. The project's own are the product itself."""
    command = ["cargo", "tree", "--locked", f"--package={package}", "--edges=normal,no-proc-macro", f"--target={target}"]
    shown = run([*command, "--no-dedupe", "--prefix=depth", "--format=|{p}|{l}|{r}"], folder)
    checksums = locked(folder)
    components, edges, above = {}, {root: set()}, []
    for line in shown.splitlines():
        depth, crate, license, repository = line.split("|")
        name, version = crate.split()[:2]
        version = version.removeprefix("v")
        checksum = checksums.get((name, version))
        purl = f"pkg:cargo/{name}@{version}" if checksum else root
        del above[int(depth) :]
        if checksum:
            edges[above[-1]].add(purl)
            components[purl] = {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": version,
                "scope": "required",
                "hashes": [{"alg": "SHA-256", "content": checksum}],
                "licenses": licenses(license),
                "purl": purl,
                "externalReferences": [{"type": "vcs", "url": repository}] if repository else [],
            }
        edges.setdefault(purl, set())
        above.append(purl)
    return components, edges


def locked(folder: pathlib.Path) -> dict[tuple[str, str], str]:
    """The SHA-256 of every crate, by its name and version."""
    entry = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    return {(name, version): it for name, version, it in re.findall(entry, (folder / "Cargo.lock").read_text())}


def standard_library(folder: pathlib.Path) -> dict:
    """It comes with the compiler, and no tool of Cargo's names it."""
    version, commit = (
        re.search(rf"^{key}: (\S+)", run(["rustc", "-vV"], folder), re.MULTILINE)[1] for key in ("release", "commit-hash")
    )
    purl = f"pkg:github/rust-lang/rust@{version}#library/std"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": "std",
        "version": version,
        "scope": "required",
        "licenses": licenses("MIT OR Apache-2.0"),
        "purl": purl,
        "properties": [{"name": "origin_gate:rustc_commit", "value": commit}],
    }


def licenses(expression: str) -> list[dict]:
    """Old crates write `/` for `OR`."""
    return [{"expression": re.sub(r"\s*/\s*", " OR ", expression)}]


def run(command: list[str], folder: pathlib.Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
