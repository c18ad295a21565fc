# How the module is built, and what is published of it. `build.sh` reads this file.
# shellcheck shell=bash

readonly TARGET=wasm32-wasip1
readonly MODULE=dist/origin_gate.wasm
# Bytes. A proxy compiles the whole module when it loads it: size is start-up time.
readonly MODULE_BUDGET=320000
# What the compiler uses of WebAssembly, and every proxy has; and that the first kilobyte of memory is nothing's but that of
# a stack that is about to overflow.
readonly WASM_OPT=(--enable-bulk-memory --enable-multivalue --enable-mutable-globals --enable-nontrapping-float-to-int
  --enable-reference-types --enable-sign-ext --low-memory-unused)
# From a flat form Binaryen folds more than from what the compiler makes of its stack; the second round sees what the first
# left.
readonly PASSES=(--flatten --rereloop -Oz -Oz --const-hoisting --reorder-functions)
UNOPTIMISED=
# How something else is linked.
LINKED=()

build() {
  local size
  if [[ -n $NATIVE ]]; then
    build_twin
    return
  fi
  need_rust
  say "building the module"
  reproducibly "$TARGET" build --release --package origin-gate-module
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

# Builds for a target so that the same source gives the same bytes wherever it lies: none of this machine's paths gets
# in. Crates are fetched first, for their folder to be there.
reproducibly() {
  local target=$1 verb=$2 revision flags=("--remap-path-prefix=$PWD=." "${LINKED[@]}") folder rustc
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
    cargo "$verb" --quiet --locked --target "$target" "$@"
}

# All that is done to the module after the compiler.
finish_module() {
  optimise "$1" "$2"
  # Named as OCI annotations are, which is how `wasm-tools metadata show` finds them.
  wasm_section version "$(version)" >> "$2"
  wasm_section revision "$(revision)" >> "$2"
}

# Binaryen makes it smaller, by these passes or by the module's. Without it the module does the same, but its size, its bytes
# and its price are not a release's.
optimise() {
  local passes=("${@:3}")
  ((${#passes[@]})) || passes=("${PASSES[@]}")
  if ! need_npm_packages .cargo/wasm-opt wasm-opt; then
    say "no optimiser: the module will be larger than a release's"
    UNOPTIMISED=yes
    cp "$1" "$2"
    return
  fi
  "$TOOLS/wasm-opt/node_modules/.bin/wasm-opt" "${WASM_OPT[@]}" "${passes[@]}" "$1" --output "$2"
}

# A custom section: a zero, the length of the rest, that of the name, the name, the content.
wasm_section() {
  local length=$((1 + ${#1} + ${#2})) lengths
  ((length < 128)) || fail "the section $1 is too long for a length of one byte"
  printf -v lengths '\\x%02x\\x%02x' "$length" "${#1}"
  printf "\\x00$lengths%s%s" "$1" "$2"
}

# The source's revision in Git, with `-dirty` if something here is not in it. Archives that Git makes have it in a file.
revision() {
  local revision=${ORIGIN_GATE_REVISION:-}
  if [[ -z $revision && -e .git ]] && revision=$(git rev-parse --verify --quiet HEAD 2> /dev/null); then
    [[ -z $(git status --porcelain) ]] || revision+=-dirty
  fi
  [[ -n $revision ]] || revision=$(grep -xE '[0-9a-f]{40}' release/revision.txt) || revision=unknown
  [[ $revision =~ ^[0-9A-Za-z.+-]{1,64}$ ]] || fail "ORIGIN_GATE_REVISION: expected at most 64 letters, digits and '.+-', got '$revision'"
  echo "$revision"
}

version() { sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q}' Cargo.toml; }

dist() {
  local target architecture built=() twins=()
  # Once for all: what is built is of one revision.
  local -x ORIGIN_GATE_REVISION=${ORIGIN_GATE_REVISION:-}
  ORIGIN_GATE_REVISION=$(revision)
  build
  [[ -z $UNOPTIMISED ]] || fail "dist: this module is not optimised as releases are"
  if [[ $(uname) == Linux ]]; then
    build_twin
    for architecture in x86_64 aarch64; do
      say "building the native twin for $architecture"
      twin_for "$architecture" "dist/liborigin_gate-$architecture.so"
      twins+=("--twin=$architecture")
    done
  fi
  for target in $(command_targets); do
    need_target "$target"
    say "building the command for $target"
    reproducibly "$target" build --release --package origin-gate
    built+=("$target=${CARGO_TARGET_DIR:-target}/$target/release/origin-gate")
  done
  say "packing"
  python3 release/dist.py --dist dist --revision "$ORIGIN_GATE_REVISION" "${twins[@]}" "${built[@]}"
  cat dist/SHA256SUMS
}

# Those that the command is built for: on Linux static programs, which run on every one.
command_targets() {
  if [[ $(uname) == Linux ]]; then
    echo x86_64-unknown-linux-musl aarch64-unknown-linux-musl
  else
    rustc --verbose --version | sed -n 's/^host: //p'
  fi
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
  diff --recursive --brief --exclude page dist "$folder/another folder/dist" || fail "reproduce: these differ"
  say "the same bytes"
}

# For the workflow that publishes.
notes() {
  python3 release/notes.py "${1:-}" "$(version)" CHANGELOG.md
}
