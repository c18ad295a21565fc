#!/usr/bin/env bash
# Everything that a contributor does here, and all that CI does. `./build.sh help` lists the verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly TARGET=wasm32-wasip1
readonly MODULE=dist/origin_gate.wasm
readonly TOOLS=.tools
readonly PYTHON=$TOOLS/python/bin/python
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
  build
  need_python
  need_envoy
  "$PYTHON" envoy/demo.py demo --envoy "$ENVOY_BIN" --module "$MODULE"
}

run() {
  build
  need_python
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
  need_python
  say "the shop's own tests"
  (cd envoy/shop && PYTHONDONTWRITEBYTECODE=1 "../../$PYTHON" manage.py test --verbosity 0)
  say "the filter under Django's settings, against Django"
  ORIGIN_GATE_PYTHON=$PWD/$PYTHON cargo test --quiet --locked --test django -- --ignored --show-output
  say "the corpus on a real Envoy"
  need_envoy
  ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$MODULE \
    cargo test --quiet --locked --test envoy -- --ignored --show-output
  say "the demo"
  "$PYTHON" envoy/demo.py demo --envoy "$ENVOY_BIN" --module "$MODULE"
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
  run     the same on fixed ports (Envoy 10000, admin 9901), up until Ctrl-C
  test    everything that a change must pass: format, lints, unit, table, property and end-to-end tests
  bench   what a decision costs, and how that grows with the policy
  fuzz [SECONDS]
          coverage-guided fuzzing, so long for each target (60); needs the nightly toolchain
  help    this

What a verb needs it installs: the Rust target, and under .tools/ a Python environment with Envoy and the shop's
packages. It needs rustup, python3 (3.10 or later, with venv), no root and no Docker.
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

# A private environment, made anew when what it should hold changes.
need_python() {
  local wanted
  wanted=$(cat envoy/requirements.txt envoy/shop/requirements.txt | sha256sum)
  [[ -f $TOOLS/python.done && $(< "$TOOLS/python.done") == "$wanted" ]] && return
  say "installing Envoy and the shop's packages under $TOOLS"
  command -v python3 > /dev/null || fail "python3 is not here: version 3.10 or later is needed, with venv"
  rm -rf "$TOOLS/python"
  python3 -m venv "$TOOLS/python" || fail "python3 cannot make environments: on Debian, install python3-venv"
  "$PYTHON" -m pip --quiet --disable-pip-version-check install --require-hashes \
    -r envoy/requirements.txt -r envoy/shop/requirements.txt
  echo "$wanted" > "$TOOLS/python.done"
}

# The binary inside the package: its launcher would end Envoy with itself.
need_envoy() {
  local locate='import importlib.util as u; print(u.find_spec("envoy").submodule_search_locations[0] + "/_bin/envoy")'
  ENVOY_BIN=${ENVOY_BIN:-$("$PYTHON" -c "$locate")}
  [[ -f $ENVOY_BIN && -x $ENVOY_BIN ]] || fail "ENVOY_BIN: '$ENVOY_BIN' is not a program"
}

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

case ${1:-help} in
  build | demo | run | test | bench | fuzz | help) "$@" ;;
  -h | --help) help ;;
  *) fail "there is no verb '$1'; ./build.sh help lists them" ;;
esac
