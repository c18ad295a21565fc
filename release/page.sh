# How the page that explains is built: dist/page/, which any server of files can serve. `build.sh` reads this file.
# shellcheck shell=bash

readonly PAGE=dist/page
readonly PAGE_TARGET=wasm32-unknown-unknown
# Bytes, gzipped: all that a browser loads to show the page, and the public-suffix list.
readonly PAGE_BUDGET=700000

page() {
  [[ -z ${1:-} || $1 == --test ]] || fail "page: expected --test, got '$1'"
  build_page
  [[ -z ${1:-} ]] || test_page
}

build_page() {
  need_rust
  need_target "$PAGE_TARGET"
  say "building the page"
  reproducibly "$PAGE_TARGET" build --profile page --package origin-gate-page
  rm -rf "$PAGE.new"
  mkdir -p "$PAGE.new"
  cp src/page/site/* LICENSE "$PAGE.new"
  # Where the documents are that it links to, if somebody says so: the workflow that publishes it does.
  sed -i "s/@VERSION@/$(version)/; s|@REPOSITORY@|${ORIGIN_GATE_REPOSITORY:-}|" "$PAGE.new/index.html"
  optimise "${CARGO_TARGET_DIR:-target}/$PAGE_TARGET/page/origin_gate_page.wasm" "$PAGE.new/page.wasm" -Oz
  suffixes > "$PAGE.new/suffixes.txt"
  rm -rf "$PAGE"
  mv "$PAGE.new" "$PAGE"
  check_page_size
}

# The public-suffix list that the command has, in ASCII, as browsers write names.
suffixes() {
  local version folder
  version=$(sed -n '/^name = "psl"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
  for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"psl-$version"; do
    [[ -f $folder/data/rules.txt ]] || continue
    python3 release/suffixes.py "$folder/data/rules.txt"
    return
  done
  fail "page: the list of psl $version is not here"
}

check_page_size() {
  local file bytes all=0
  for file in "$PAGE"/*; do
    bytes=$(gzip -9 --stdout "$file" | wc -c)
    printf '%8d bytes gzipped  %s\n' "$bytes" "$file"
    all=$((all + bytes))
  done
  echo "$PAGE: $all bytes gzipped"
  if ((all > PAGE_BUDGET)) && [[ -z $UNOPTIMISED ]]; then
    fail "that is over its budget of $PAGE_BUDGET bytes"
  fi
}

# What the page says, in Node and in browsers; how soon, as a figure; and what it looks like, as pictures.
test_page() {
  need_python tests
  need_npm_packages tests/page axe || true
  cargo clippy --quiet --locked --package origin-gate-page --target "$PAGE_TARGET" -- --deny warnings
  say "every case of the corpus, by the page's WebAssembly in Node"
  ORIGIN_GATE_PAGE=$PWD/$PAGE cargo test --quiet --locked --package origin-gate-tests page:: -- --include-ignored --show-output
  say "the page in Chromium and Firefox"
  mkdir -p "$TOOLS/pictures"
  ORIGIN_GATE_PAGE=$PWD/$PAGE "$PYTHON" -m pytest -c tests/page/pytest.ini tests/page --capture=no --pictures "$TOOLS/pictures"
}
