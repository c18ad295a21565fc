# The verbs that test, measure and attack. `build.sh` reads this file.
# shellcheck shell=bash

test() {
  need_rust
  mkdir -p "$TOOLS"
  # Networks are slow where compilers are not. What fails here is tried again where it is needed, and then says why.
  fetch > "$TOOLS/fetch.log" 2>&1 &
  local fetching=$!
  # shellcheck disable=SC2064 # it is this process that is waited for, so that a next run does not meet it
  trap "wait $fetching || true" EXIT
  lint
  say "unit, table and property tests"
  cargo test --quiet --locked --workspace
  check_audit_notes
  wait "$fetching" || true
  trap - EXIT
  build
  build_twin
  say "what is published, and how"
  need_python release
  ORIGIN_GATE_MODULE=$PWD/$MODULE "$PYTHON" -m pytest -c tests/release/pytest.ini tests/release \
    ${UNOPTIMISED:+--deselect=tests/release/test_module.py::test_it_has_no_path_of_the_machine}
  say "the module on two other hosts: the corpus, hostile traffic, instructions"
  run_host
  need_python tests
  say "the shop's own tests"
  (cd envoy/demo/shop && env --ignore-environment PYTHONDONTWRITEBYTECODE=1 "../../../$PYTHON" manage.py test --verbosity 0)
  need_envoy
  say "the filter under Django's settings, against Django; the corpus on a real Envoy, with the module and with its twin"
  ORIGIN_GATE_PYTHON=$PWD/$PYTHON ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$MODULE ORIGIN_GATE_TWIN=$PWD/$TWIN \
    cargo test --quiet --locked --workspace --lib -- --ignored --show-output --skip page::
  need_npm_packages tests/e2e node || true
  say "responses and upgrades end to end"
  run_e2e
  say "the demo"
  "$PYTHON" envoy/demo/demo.py demo --envoy "$ENVOY_BIN" --module "$MODULE"
}

lint() {
  need_rust
  need_python lint
  say "format and lints"
  "$PYTHON" tests/lint/lengths.py
  "$PYTHON" tests/lint/words.py
  "$TOOLS/lint/bin/typos" --format brief
  "$TOOLS/lint/bin/ruff" check --no-cache --quiet
  "$TOOLS/lint/bin/ruff" format --no-cache --quiet --check
  "$TOOLS/lint/bin/shellcheck" --external-sources --check-sourced build.sh release/review.sh tests/compose/*.sh tests/meshes/*.sh .ci/run
  cargo fmt --all --check
  cargo fmt --check --manifest-path tests/abi/Cargo.toml
  cargo clippy --quiet --locked --workspace --all-targets -- --deny warnings
  cargo clippy --quiet --locked --package origin-gate-module --target "$TARGET" -- --deny warnings
  local -x RUSTDOCFLAGS="--deny warnings"
  cargo doc --quiet --locked --workspace --exclude origin-gate-module --no-deps
  cargo doc --quiet --locked --package origin-gate-module --target "$TARGET" --no-deps
}

# The tests that need no Envoy and no other host: a lower bound.
coverage() {
  need_rust
  need_coverage
  say "the lines of src/ that the Rust tests run"
  "$TOOLS/cargo/bin/cargo-llvm-cov" llvm-cov --quiet --locked --workspace --ignore-filename-regex '/tests/' --summary-only
}

# What `test` needs of others, fetched and unpacked.
fetch() {
  cargo fetch --quiet --locked --manifest-path tests/abi/Cargo.toml
  need_python release
  need_python tests
  need_envoy
  need_npm_packages .cargo/wasm-opt wasm-opt
  need_npm_packages tests/e2e node
}

# Random cases by the thousand: `test` has 256 of each property, and 300 of each of paths.
properties() {
  local cases=${1:-20000}
  [[ $cases =~ ^[1-9][0-9]*$ ]] || fail "properties: expected a number of cases, got '$cases'"
  need_rust
  PROPTEST_CASES=$cases PATH_CASES=$cases cargo test --quiet --locked --package origin-gate-tests
}

# The comparison runs as much of our code as there is, so that it is optimised.
reach() {
  local pairs=${1:-100000} crate options=()
  [[ $pairs =~ ^[1-9][0-9]*$ ]] || fail "reach: expected a number of pairs, got '$pairs'"
  need_rust
  for crate in policy config analysis; do
    options+=(--config "profile.dev.package.origin-gate-$crate.opt-level=3")
  done
  ORIGIN_GATE_PAIRS=$pairs cargo test --quiet --locked "${options[@]}" --target-dir "${CARGO_TARGET_DIR:-target}/reach" \
    --package origin-gate-tests reach::
}

host() {
  case ${1:-10000000} in
    --accept)
      build
      [[ -z $UNOPTIMISED ]] || fail "host: this module is not optimised as releases are"
      ORIGIN_GATE_ACCEPT=1 run_host callbacks_cost_what_they_did
      ;;
    *[!0-9]* | 0*) fail "host: expected a number of requests or --accept, got '$1'" ;;
    *)
      build
      ORIGIN_GATE_REQUESTS=${1:-10000000} run_host
      ;;
  esac
}

# Under proxy-wasm-host and a bare host; what `wasmtime` declares is a later compiler than the one that builds it here.
# The instructions that are compared are those of a module that is optimised.
run_host() {
  [[ -z $UNOPTIMISED ]] || set -- "$@" --skip callbacks_cost_what_they_did
  ORIGIN_GATE_MODULE=$PWD/$MODULE cargo test --quiet --locked --ignore-rust-version --manifest-path tests/abi/Cargo.toml \
    --target-dir "${CARGO_TARGET_DIR:-target}/abi" -- --show-output "$@"
}

audit() {
  need_rust
  check_audit_notes
  need_deny
  local deny=$TOOLS/cargo/bin/cargo-deny checks=(licenses bans sources) manifest options
  if "$deny" --config deny.toml fetch db > /dev/null 2>&1; then
    checks+=(advisories)
  else
    say "RustSec's database cannot be fetched from here: advisories are not looked at"
  fi
  for manifest in Cargo.toml tests/abi/Cargo.toml tests/fuzz/Cargo.toml; do
    say "${checks[*]} of $manifest"
    options=(--hide-inclusion-graph)
    # What only tests may have two versions of a crate.
    [[ $manifest == Cargo.toml ]] || options+=(--allow duplicate)
    "$deny" --locked --config deny.toml --manifest-path "$manifest" check "${options[@]}" "${checks[@]}"
  done
}

# That docs/audit.md has the crates that reach the module, and no others.
check_audit_notes() {
  local noted linked
  say "the crates that reach the module, against docs/audit.md"
  # shellcheck disable=SC2016 # the backticks are Markdown's
  noted=$(sed -n 's/^| `\([^`]*\)` \([0-9][^ ]*\) |.*/\1 \2/p' docs/audit.md | sort)
  linked=$(cargo tree --locked --package origin-gate-module --target "$TARGET" --edges normal --prefix none --format '{p}' \
    | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | grep -v '^origin-gate' | sort --unique)
  diff <(echo "$noted") <(echo "$linked") \
    || fail "docs/audit.md (<) and what is linked (>) differ: look at the source of what is new, and note it there"
}

e2e() {
  local version
  for version in "$@"; do pinned_envoy "$version" > /dev/null; done
  build
  need_python tests
  need_npm_packages tests/e2e node || true
  for version in "${@:-}"; do
    need_envoy "$version"
    say "responses and upgrades end to end, on $("$ENVOY_BIN" --version | grep -o '[0-9.]*/Clean' || echo "$ENVOY_BIN")"
    run_e2e
    unset ENVOY_BIN
  done
}

# All of it, two files at a time; or what is named.
run_e2e() {
  need_empty_module
  need_floor_module
  (($#)) || set -- --numprocesses=2 --dist=loadfile tests/e2e
  ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$ARTEFACT "$PYTHON" -m pytest -c tests/e2e/pytest.ini "$@"
}

soak() {
  local minutes=${1:-20}
  [[ $minutes =~ ^[1-9][0-9]*$ ]] || fail "soak: expected whole minutes, got '$minutes'"
  build
  need_python tests
  need_envoy
  say "traffic of every kind at all that one core can answer, for $minutes minutes"
  run_e2e tests/e2e/test_soak.py --soak=$((minutes * 60)) --capture=no
}

faults() {
  local swaps=${1:-1000}
  [[ $swaps =~ ^[1-9][0-9]+$ ]] || fail "faults: expected 10 swaps or more, got '$swaps'"
  if [[ -n $NATIVE ]]; then
    say "building a twin that panics on purpose"
    local -x ORIGIN_GATE_PANICS=$PWD/$TOOLS/panics.so
    twin_for "$(uname -m)" "$ORIGIN_GATE_PANICS" --features panics
  fi
  build
  need_python tests
  need_envoy
  say "policies, listeners and modules swapped under load, $swaps times, and a trap or panics"
  run_e2e tests/e2e/test_faults.py tests/e2e/test_twin.py --swaps="$swaps" --capture=no
}

peers() {
  local missing=()
  command -v chromium > /dev/null || missing+=(chromium)
  command -v firefox-esr > /dev/null || missing+=(firefox-esr)
  command -v haproxy > /dev/null || missing+=(haproxy)
  command -v nginx > /dev/null || missing+=(nginx-light libnginx-mod-http-headers-more-filter)
  command -v promtool > /dev/null || missing+=(prometheus)
  command -v redis-server > /dev/null || missing+=(redis-server)
  compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || missing+=(postgresql)
  command -v skopeo > /dev/null || missing+=(skopeo)
  command -v varnishd > /dev/null || missing+=(varnish)
  command -v puma > /dev/null || missing+=(puma ruby-rack)
  if ((${#missing[@]})); then
    say "installing ${missing[*]}, as Debian packages them"
    [[ $(id --user) == 0 ]] || fail "peers: needs root, to install packages"
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" > /dev/null
  fi
  need_crds
}

# Where nothing of it stays: `apart.sh` says how.
meshes() {
  [[ $(id --user) == 0 ]] || fail "meshes: needs root, for a network and a view of the files of its own"
  need_meshes
  build
  build_twin
  need_python tests
  need_envoy
  say "the manifests of envoy/ on Istio, and on Envoy Gateway ${GATEWAYS[*]}"
  ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$MODULE ORIGIN_GATE_MESHES=$PWD/$TOOLS/meshes \
    tests/meshes/apart.sh "$PWD" -- "$PWD/$PYTHON" -m pytest -c tests/meshes/pytest.ini tests/meshes
}

compose() {
  docker compose version > /dev/null 2>&1 || fail "compose: needs Docker, with its compose plugin 2.20 or later"
  build
  need_python demo
  need_envoy
  say "docker-compose.yaml on Docker"
  "$PYTHON" tests/compose/run.py --envoy "$ENVOY_BIN"
}

bench() {
  build
  build_twin
  need_empty_module
  need_floor_module
  need_python demo
  need_envoy
  if [[ " $* " != *" --only"* ]]; then
    say "what a decision costs, natively; last, the ratio of the largest policy to the smallest"
    cargo bench --quiet --locked --package origin-gate-tests --bench decide | tee "$TOOLS/decide.txt"
  fi
  say "what Origin Gate costs in Envoy, beside what does less"
  PYTHONPATH=envoy/demo "$PYTHON" tests/bench/bench.py --envoy "$ENVOY_BIN" --module "$MODULE" --twin "$TWIN" --empty "$EMPTY_MODULE" \
    --floor "$FLOOR_MODULE" --decide "$TOOLS/decide.txt" --out "$TOOLS" "$@"
}

sizes() {
  build
  need_python demo
  need_envoy
  say "what a policy costs an Envoy; the largest takes a minute"
  PYTHONPATH=envoy/demo "$PYTHON" tests/bench/sizes.py --envoy "$ENVOY_BIN" --module "$MODULE" "$@"
}

# The twin in the tests' own process, on a proxy made of vectors.
sanitise() {
  local target
  need_rust
  rustup run nightly rustc --version > /dev/null 2>&1 || fail "sanitise: needs 'rustup toolchain install nightly'"
  target=$(rustc --verbose --version | sed -n 's/^host: //p')
  local -x RUSTUP_TOOLCHAIN=nightly
  say "the corpus on the twin, under AddressSanitizer"
  RUSTFLAGS=-Zsanitizer=address cargo test --quiet --locked --package origin-gate-tests --target "$target" \
    --target-dir "${CARGO_TARGET_DIR:-target}/sanitise" twin::
  if ! cargo miri --version > /dev/null 2>&1; then
    say "Miri is not here ('rustup component add --toolchain nightly miri rust-src'): it is left out"
    return
  fi
  say "two cases of each policy on the twin, under Miri"
  MIRIFLAGS=-Zmiri-disable-isolation cargo miri test --quiet --locked --package origin-gate-tests \
    --target-dir "${CARGO_TARGET_DIR:-target}/miri" twin::
}

lists() {
  build
  need_python demo
  need_envoy
  cargo build --quiet --locked --package origin-gate
  say "one more origin in a long list, again and again, under load: as text and compiled"
  PYTHONPATH=envoy/demo "$PYTHON" tests/bench/lists.py --envoy "$ENVOY_BIN" --module "$MODULE" \
    --command "${CARGO_TARGET_DIR:-target}/debug/origin-gate" "$@"
}

fuzz() {
  local seconds=${1:-60} target
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "fuzz: expected whole seconds, got '$seconds'"
  need_rust
  need_fuzzer
  python3 tests/fuzz/seed.py tests/fuzz/corpus
  for target in origin authority config message compiled decide; do
    say "fuzzing $target for $seconds seconds"
    "$TOOLS/cargo/bin/cargo-fuzz" run --fuzz-dir tests/fuzz --sanitizer none "$target" -- \
      -max_total_time="$seconds" -print_final_stats=1 2>&1 | tee "$TOOLS/fuzz.log" | grep -E 'cov:.*(DONE|INITED)|stat::' \
      || true
    if ! grep -q 'stat::number_of_executed_units' "$TOOLS/fuzz.log" \
      || grep -q 'panicked\|ERROR: libFuzzer' "$TOOLS/fuzz.log"; then
      fail "$target failed: see $TOOLS/fuzz.log and tests/fuzz/artifacts/$target"
    fi
  done
}
