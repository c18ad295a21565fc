"""What Origin Gate costs, beside what does less: Envoys that differ in one filter, on one core, with the load on another.

`./build.sh bench` builds what it needs and runs it.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import random
import re
import subprocess
import sys

import figures
import footprint
import plot
import variants
from harness import Failure, Stage, perform
from load import Batch, Wrong, measure, on_core
from workloads import KINDS

ROUNDS = 60
FRESH = 5  # rounds after which every Envoy is started anew: where its memory came to lie is luck, too
MIB = 1024
MARKS = ("<!-- bench: written by `./build.sh bench --write` -->\n", "<!-- /bench -->\n")


def main():
    parser = argparse.ArgumentParser(prog="./build.sh bench", description=__doc__.splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS, help=f"how often each is measured ({ROUNDS})")
    parser.add_argument("--write", action="store_true", help="the tables into README.md and docs/, and the plot")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="KIND,…", help=", ".join(it.name for it in KINDS))
    parser.add_argument("--also", action="append", default=[], type=pathlib.Path, metavar="MODULE", help="another build, beside")
    for needed in ("envoy", "module", "twin", "empty"):
        parser.add_argument(f"--{needed}", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--floor", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--decide", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", default=pathlib.Path(".tools"), type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    return perform(lambda stage: play(stage, options))


def play(stage, options):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Failure("bench: needs two cores, one for Envoy and one for the load")
    modules = {"empty": options.empty.resolve(), "gate": options.module.resolve(), "twin": options.twin.resolve()}
    if options.floor and options.floor.exists():
        modules["floor"] = options.floor.resolve()
    modules.update({f"also {number} {it.name}": it.resolve() for number, it in enumerate(options.also, 1)})
    kinds = [it for it in KINDS if not options.only or it.name in options.only]
    try:
        with on_core(cores[1]):
            samples = compare(stage, options, modules, kinds, cores[0])
    except Wrong as wrong:
        raise Failure(f"bench: {wrong}") from wrong
    rows = figures.compared(samples) + figures.compared(samples, "twin", figures.NATIVE_TARGETS)
    if not options.only:
        with on_core(cores[0]):
            rows += footprints(options, modules)
    report(samples, rows, options, modules)
    return 0


def compare(stage, options, modules, kinds, core):
    """Rounds of all kinds and variants, in another order each time."""
    samples, dice = figures.Samples(), random.Random()
    port = variants.backend(stage)
    for first in range(0, options.rounds, FRESH):
        with Stage() as fresh:
            with on_core(core):
                envoys = variants.start(fresh, options.envoy, modules, port)
            variants.check(envoys, kinds)
            batches = open_batches(envoys, kinds)
            for number in range(first, min(first + FRESH, options.rounds)):
                one_round(batches, kinds, samples, dice)
                print(f"\r{number + 1} of {options.rounds} rounds", end="", flush=True, file=sys.stderr)
            for batch, _ in batches.values():
                batch.close()
    print(file=sys.stderr)
    return samples


def open_batches(envoys, kinds):
    """By kind and variant, each with the process that it is measured on; all have run once."""
    batches = {}
    for kind in kinds:
        for name, envoy in envoys.items():
            if kind.is_for(name):
                batches[kind.name, name] = (Batch(envoy.ports[kind.listener(name)], kind), envoy.process.pid)
                batches[kind.name, name][0].run()
    return batches


def one_round(batches, kinds, samples, dice):
    """Variants of a kind follow each other closely, so that they meet the same machine."""
    for kind in dice.sample(kinds, len(kinds)):
        names = [variant for it, variant in batches if it == kind.name]
        for name in dice.sample(names, len(names)):
            samples.add(kind.name, name, *measure(*batches[kind.name, name]))


def footprints(options, modules):
    """The rows of the targets for what lies in memory and on the disc."""
    policy = variants.shipped()
    print("memory and loading", file=sys.stderr)
    size = options.module.stat().st_size / 1000
    per_vm = {name: footprint.memory(options.envoy, name, modules[name], policy) for name in ("empty", "gate")}
    print(f"memory: {per_vm['gate']:.0f} KiB a VM, the empty module {per_vm['empty']:.0f} KiB")
    millis = footprint.load_time(options.envoy, modules["gate"], policy)
    chains = {name: [variants.made(name, modules[name], policy)] for name in ("empty", "gate", "twin")}
    over_empty = footprint.more(options.envoy, chains["gate"], chains["empty"])
    over_none = footprint.more(options.envoy, chains["twin"], [])
    return [
        figures.Row("size of the module", size, 320, unit=" KB"),
        figures.Row("memory a VM over the empty module's", (per_vm["gate"] - per_vm["empty"]) / MIB, 1, unit=" MiB"),
        figures.Row("memory of an Envoy over one with the empty module", over_empty / MIB, 8, unit=" MiB"),
        figures.Row("native: memory of an Envoy over one without a filter", over_none / MIB, 3, unit=" MiB"),
        figures.Row(f"`on_configure` with {footprint.MANY:,} origins", millis / 1000, 1, unit=" s"),
    ]


def report(samples, rows, options, modules):
    if options.decide and not options.only:
        rows += figures.decided(options.decide.read_text())
    table = [("what", "measured", "target", ""), *(it.cells() for it in rows)]
    print(f"\n{figures.aligned(figures.raw(samples))}\n\n{figures.aligned(figures.differences(samples))}")
    if floors := figures.floors(samples):
        print(f"\n{figures.aligned(floors)}")
    print(f"\n{figures.aligned(table)}")
    for name in modules:
        if name.startswith("also "):
            print(f"\n{name}\n{figures.aligned([table[0], *(it.cells() for it in figures.compared(samples, name))])}")
    options.out.mkdir(exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps([[*key, it] for key, it in samples.taken.items()]))
    picture = pathlib.Path("docs/bench.svg") if options.write else options.out / "bench.svg"
    picture.write_text(plot.draw(samples, conditions(options)))
    print(f"\n{conditions(options)}; medians, with quartiles, and ratios with the bounds of {figures.CALM:.0%}\n{picture}")
    if options.write:
        write(pathlib.Path("README.md"), figures.markdown(figures.overview(samples)), conditions(options))
        write(pathlib.Path("docs/bench.md"), figures.markdown(table), conditions(options))


def conditions(options):
    """When and on what."""
    version = subprocess.run([options.envoy, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"/(\d+\.\d+\.\d+)", version)
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    machine = cpu[1] if cpu else platform.machine()
    return f"{datetime.date.today()}, Envoy {found[1] if found else '?'}, {machine}, {options.rounds} rounds"


def write(path, table, when):
    """Into the marked block."""
    text = path.read_text()
    before, start, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise Failure(f"{path} has no block between {MARKS[0]!r} and {MARKS[1]!r}")
    path.write_text(f"{before}{start}{when}.\n\n{table}\n{end}{after}")
    print(f"written into {path}")


if __name__ == "__main__":
    sys.exit(main())
