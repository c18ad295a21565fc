"""What an Envoy has used, and what the filter in it has counted."""

import collections
import json
import os
import pathlib
import re

import proxy
from harness import ask

# What the names of the filter's metrics begin with.
PREFIX = "dynamicmodulescustom." if proxy.is_native(os.environ["ORIGIN_GATE_MODULE"]) else "wasmcustom."
FLAT = 8  # MiB that memory may grow once it is warm


def resident(envoy):
    """Its memory, in MiB."""
    text = pathlib.Path(f"/proc/{envoy.process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", text, re.M)[1]) / 1024


def allocated(envoy):
    """What it has taken of its heap and not given back, in KiB: to the byte, unlike what is resident."""
    return int(json.loads(ask(envoy.admin, "GET", "/memory").body)["allocated"]) / 1024


def cpu(envoy):
    """Seconds that it has computed."""
    fields = pathlib.Path(f"/proc/{envoy.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def counted(envoy):
    """What the filter has counted, by finding."""
    prefix = f"{PREFIX}origin_gate_decisions."
    found = collections.Counter()
    for name, value in envoy.counted(prefix).items():
        check, outcome, reason = name.removeprefix(prefix).split(".")[1::2]
        found[f"{check}:{outcome}:{reason}"] = value
    return +found
