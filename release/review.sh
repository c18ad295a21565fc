#!/usr/bin/env bash
# Reviews the policies of a Git repository: what a pipeline or a pre-commit hook runs. `action.yml` and `.pre-commit-hooks.yaml` call it.
#
#   review.sh [--base COMMIT] [--permit-more] [--env FILE] POLICY…
#
# POLICY is a file or a pattern of Git's, such as 'policies/*.json'. Of each:
#   check --deny-warnings   on the policy as it is in the work tree
#   test                    with the cases beside it: policy.cases.yaml or policy.cases.json for policy.json
#   diff                    against COMMIT (HEAD), with FILE as it was there; a policy that is new or gone is compared with no
#                           filter at all
# It fails if one of the first two does, or if a policy permits more than before and --permit-more is not given.
# ORIGIN_GATE names the command, if it is not `origin-gate` of PATH.
set -euo pipefail

base=HEAD
permits_more=
environment=()
problems=()

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

while (($#)); do
  case $1 in
    --base | --env) (($# > 1)) || fail "$1: a value is missing" ;;&
    --base)
      base=$2
      shift 2
      ;;
    --env)
      [[ -f $2 ]] || fail "--env: there is no file '$2'"
      environment=(--env "$2")
      shift 2
      ;;
    --permit-more)
      permits_more=yes
      shift
      ;;
    --)
      shift
      break
      ;;
    -*) fail "expected --base COMMIT, --permit-more or --env FILE, got '$1'" ;;
    *) break ;;
  esac
done
(($#)) || fail "no policy is named: give files, or patterns such as 'policies/*.json'"

command=${ORIGIN_GATE:-origin-gate}
[[ -n $(type -P "$command") ]] || fail "there is no command '$command': install it from the project's releases"
git rev-parse --is-inside-work-tree > /dev/null
if ! git rev-parse --quiet --verify "$base^{commit}" > /dev/null; then
  if [[ $base == HEAD ]]; then
    # Nothing is committed yet.
    base=$(git hash-object -t tree /dev/null)
  else
    git fetch --quiet --no-tags --depth=1 origin "$base" || fail "--base: '$base' is no commit that is here or at origin"
    base=$(git rev-parse FETCH_HEAD)
  fi
fi

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# What the work tree has, and for each what it was called before.
declare -A before=()
is_policy() { [[ $1 != *.cases.json && $1 != *.cases.yaml && $1 != *.cases.yml ]]; }
policies=()
gone=()
while IFS= read -r -d '' file; do
  if is_policy "$file" && [[ -f $file ]]; then
    policies+=("$file")
    before[$file]=$file
  fi
done < <(git ls-files -z --cached --others --exclude-standard -- "$@")
while IFS= read -r -d '' status; do
  IFS= read -r -d '' file
  case $status in
    R*)
      IFS= read -r -d '' renamed
      before[$renamed]=$file
      ;;
    D) ! is_policy "$file" || gone+=("$file") ;;
  esac
done < <(git diff --name-status --find-renames --relative -z "$base" -- "$@")
((${#policies[@]} + ${#gone[@]})) || fail "no policy is in '$*'"

# A file as it was; nothing if it was not there.
old_of() {
  git show "$base:./$1" 2> /dev/null || true
}

old_environment=()
if ((${#environment[@]})); then
  old_of "${environment[1]}" > "$temporary/env"
  old_environment=(--old-env "$temporary/env")
fi

compare() {
  local file=$1 new=$2 code=0
  "$command" diff "${environment[@]}" "${old_environment[@]}" "$temporary/old" "$new" > "$temporary/diff" || code=$?
  # 3 is stricter, and 4 permits more.
  case $code in
    0) return ;;
    3 | 4) ;;
    *) problems+=("$file" "it cannot be compared with what it was") ;;
  esac
  printf '%q, compared with %s:\n%s\n\n' "$file" "$base" "$(< "$temporary/diff")" | tee -a "$temporary/summary"
  if ((code == 4)) && [[ -z $permits_more ]]; then
    problems+=("$file" "it permits more than before: a second person should look at each line under 'newly permitted'")
  fi
}

# What strangers wrote is in what follows: GitHub must not take it for commands of its own.
token=$RANDOM$RANDOM$RANDOM
[[ -z ${GITHUB_ACTIONS:-} ]] || printf '::stop-commands::%s\n' "$token"
for file in "${policies[@]}"; do
  printf '== %q\n' "$file"
  if ! "$command" check --deny-warnings "${environment[@]}" "$file"; then
    problems+=("$file" "check finds errors or warnings")
    continue
  fi
  for cases in "${file%.*}".cases.{yaml,yml,json}; do
    [[ -f $cases ]] || continue
    "$command" test "${environment[@]}" "$file" "$cases" || problems+=("$file" "a case of $cases does not hold")
  done
  old_of "${before[$file]}" > "$temporary/old"
  compare "$file" "$file"
done
for file in "${gone[@]}"; do
  printf '== %q is gone\n' "$file"
  old_of "$file" > "$temporary/old"
  : > "$temporary/none"
  compare "$file" "$temporary/none"
done

[[ -z ${GITHUB_ACTIONS:-} ]] || printf '::%s::\n' "$token"

if [[ -n ${GITHUB_STEP_SUMMARY:-} && -s $temporary/summary ]]; then
  { printf '### What the policies permit\n\n' && sed 's/^/    /' "$temporary/summary"; } >> "$GITHUB_STEP_SUMMARY"
fi

# As GitHub writes what ends a part of a command.
escaped() {
  local text=$1
  text=${text//%/%25} text=${text//$'\r'/%0D} text=${text//$'\n'/%0A} text=${text//:/%3A} text=${text//,/%2C}
  printf '%s' "$text"
}

for ((at = 0; at < ${#problems[@]}; at += 2)); do
  file=${problems[at]} message=${problems[at + 1]}
  if [[ -n ${GITHUB_ACTIONS:-} ]]; then
    printf '::error file=%s::%s\n' "$(escaped "$file")" "$(escaped "$message")"
  else
    printf '%q: %s\n' "$file" "$message"
  fi
done
((${#problems[@]} == 0))
