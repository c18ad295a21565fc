"""What a policy costs an Envoy, by the number of its origins: bytes, time to load, memory. `./build.sh sizes` prints it."""

import argparse
import json
import pathlib
import re
import sys
import time

from harness import PATIENCE, Failure, perform
from hot_reload import HotReload, digests, held, is_alone

HEADER = ["origins", "policy", "load, a VM", "VM", "Envoy of 1 worker", "each further worker", "in force everywhere after"]
WORKERS = (1, 3)
CHANGES = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envoy", required=True, type=pathlib.Path)
    parser.add_argument("--module", required=True, type=pathlib.Path)
    parser.add_argument("origins", nargs="*", type=int, default=[10, 1_000, 100_000])
    options = parser.parse_args()
    return perform(lambda stage: show(stage, options))


def show(stage, options):
    print(line(HEADER))
    print("|---" * len(HEADER) + "|")
    for number in options.origins:
        print(line(measure(stage, options, number)), flush=True)
    print(f"\nMemory is what is resident after {CHANGES} changes of the policy.")
    return 0


def line(cells):
    return f"| {' | '.join(cells)} |"


def policy(number, version):
    origins = [f"https://shop-{it}.version-{version}.example" for it in range(number)]
    return {"allowed_origins": origins, "allowed_hosts": ["api.example"], "cors": {"allow_credentials": True}}


def measure(stage, options, number):
    """A row of the table."""
    resident, seconds = [], 0.0
    for workers in WORKERS:
        name = f"sizes-{number}-{workers}"
        module = options.module.resolve()
        # Nothing listens on port 1, and nothing asks.
        hot = HotReload(stage, options.envoy, 1, module, name, policy(number, 0), concurrency=workers)
        seconds = max(change(hot, number, version, workers) for version in range(1, CHANGES + 1))
        resident.append(resident_mib(hot.envoy.process.pid))
        told = re.findall(r"Origin Gate policy loaded .* load_ms=(\d+) memory_kib=(\d+)", hot.envoy.log())
        hot.envoy.process.terminate()
        hot.envoy.process.wait()
    (one, several), (fewer, more) = resident, WORKERS
    load, memory = (max(int(it[at]) for it in told) for at in (0, 1))
    size = len(json.dumps(policy(number, 0)))
    return [
        f"{number:,}",
        f"{size / 1024:,.1f} KiB",
        f"{load} ms",
        f"{memory / 1024:.1f} MiB",
        f"{one:.0f} MiB",
        f"{(several - one) / (more - fewer):.1f} MiB",
        f"{seconds:.1f} s",
    ]


def change(hot, number, version, workers):
    """Seconds from the file's move until each worker and the main thread hold the new policy, and only that."""
    told = len(digests(hot.envoy))
    start = time.monotonic()
    hot.put(policy(number, version))
    while time.monotonic() < start + PATIENCE:
        found = digests(hot.envoy)
        if len(found) > told and is_alone(hot.envoy, workers + 1, found[-1]):
            return time.monotonic() - start
        time.sleep(0.01)
    raise Failure(f"the new policy is not everywhere: {held(hot.envoy)}\n{hot.envoy.log()}")


def resident_mib(process):
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
