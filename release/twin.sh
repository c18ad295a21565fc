# How the native twin is built. `build.sh` reads this file.
# shellcheck shell=bash

readonly TWIN=dist/liborigin_gate.so
readonly LIBC_LIBRARIES=(c dl m pthread rt util)

build_twin() {
  say "building the native twin"
  mkdir -p dist
  twin_for "$(uname -m)" "$TWIN"
  (cd dist && sha256sum liborigin_gate.so > liborigin_gate.so.sha256)
  echo "$TWIN: $(wc -c < "$TWIN") bytes, sha256 $(cut -d' ' -f1 "$TWIN.sha256")"
}

# The twin for an architecture, as a file.
twin_for() {
  local target=$1-unknown-linux-gnu file=$2
  shift 2
  need_rust
  twin_library "$target" "$@"
  # An Envoy that has the old file mapped keeps it whole.
  cp "${CARGO_TARGET_DIR:-target}/$target/twin/liborigin_gate_twin.so" "$file.new"
  mv "$file.new" "$file"
}

# The library for a target. Envoy's process has the C library already, of whatever version, so that the twin names none: it
# is linked with nothing in its place. What unwinds a panic it brings along, since not every image of Envoy has that; it is
# the one that Rust ships for musl. So no C compiler is needed, and the same source gives the same bytes.
twin_library() {
  local target=$1 musl=${1/%-gnu/-musl} folder=${CARGO_TARGET_DIR:-target}/libraries/$1 library
  shift
  [[ $(uname) == Linux ]] || fail "the native twin is for Linux: dynamic modules are built there"
  need_target "$target"
  need_target "$musl"
  mkdir -p "$folder"
  for library in "${LIBC_LIBRARIES[@]}"; do echo '/* the process has it */' > "$folder/lib$library.so"; done
  echo "INPUT($(rustc --print target-libdir --target "$musl")/self-contained/libunwind.a)" > "$folder/libgcc_s.so"
  local LINKED=(-Clinker=rust-lld -Clinker-flavor=ld.lld "-Lnative=$folder")
  reproducibly "$target" rustc --profile twin --package origin-gate-twin --crate-type cdylib "$@"
}
