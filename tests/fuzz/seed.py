"""Writes the corpus of `tests/cases` as seeds, a folder a fuzz target."""

import json
import pathlib
import struct
import sys

CASES = pathlib.Path(__file__).resolve().parent.parent / "cases"


def main(folder):
    seeds = {name: [] for name in ("origin", "authority", "config", "message", "decide")}
    for path in sorted(CASES.glob("*.json")):
        suite = json.loads(path.read_text())
        for row in suite.get("rows", []):
            target, header = ("origin", "origin") if path.stem == "origins" else ("authority", ":authority")
            seeds[target].append(row[0].encode("latin-1"))
            seeds["decide"].append(f":method: GET\n{header}: {row[0]}".encode("latin-1"))
        for case in suite.get("cases", []):
            method, target = case["request"][0].split(" ", 1)
            lines = [f":method: {method}", f":path: {target}"]
            for line in case["request"][1:]:
                name, _, value = line.partition(":")
                name = ":authority" if name == "Host" else name.lower()
                lines.append(f"{name}:{value}")
            seeds["decide"].append("\n".join(lines).encode("latin-1"))
        for policy in (
            [suite.get("policy"), *suite.get("policies", {}).values()] if isinstance(suite.get("policies", {}), dict) else []
        ):
            if policy:
                seeds["config"].append(json.dumps(policy).encode())
    for path in sorted((CASES / "config").glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            text = case.get("text") or json.dumps(case.get("policy"))
            environment = "".join(f"\n{name}{value}" for name, value in case.get("environment", {}).items())
            seeds["config"].append((text + environment).encode())
    seeds["message"] = [encode_struct(json.loads(it)) for it in seeds["config"] if it.startswith(b"{") and is_object(it)]
    seeds["compiled"] = list(map(compiled, range(24)))
    for target, items in seeds.items():
        place = folder / target
        place.mkdir(parents=True, exist_ok=True)
        for number, item in enumerate(items):
            (place / f"seed-{number}").write_bytes(item)


def compiled(number):
    """What follows the checksum of a compiled policy, with lists that are long or short."""
    names = sorted(
        {f"s-{it * 7 % 24}.example{tail}" for it in range(number + 1) for tail in ("", "  8443", " http", "  *")[: it % 5 + 1]}
    )
    policy = {"allowed_origins": ["@0", "https://*.example"], "csrf": {"trusted_origins": ["@1"]}, "allowed_hosts": ["api.example"]}
    lists = "\n".join(names), "[::1]\na.example ws\nlocalhost capacitor 1"
    return "\n".join(["0123456789abcdef", json.dumps(policy), *(f"{it}\n" for it in lists), ""]).encode()


def is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def field(number, data):
    length, prefix = len(data), b""
    while length > 127:
        prefix += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + prefix + bytes([length]) + data


def encode_struct(value):
    return b"".join(field(1, field(1, key.encode()) + field(2, encode(item))) for key, item in value.items())


def encode(value):

    if value is None:
        return b"\x08\x00"
    if isinstance(value, bool):
        return bytes([0x20, value])
    if isinstance(value, (int, float)):
        return b"\x11" + struct.pack("<d", value)
    if isinstance(value, str):
        return field(3, value.encode("utf-8", "replace"))
    if isinstance(value, dict):
        return field(5, encode_struct(value))
    return field(6, b"".join(field(1, encode(item)) for item in value))


main(pathlib.Path(sys.argv[1]))
