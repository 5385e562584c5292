#!/usr/bin/env bash
# fuzz.sh TIME: run every fuzz target of the module for a time such as 5s, or for a number of inputs such as 2000x, one
# after the other. What a target prints is shown where it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
found=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS=: read -r file name; do
  found=1
  if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "$(dirname "$file")" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  printf 'ok  \t%s\t%s\n' "$(dirname "$file")" "$name"
done < <(grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed 's/:func /:/' | sort)
[ $found = 1 ] || { echo "there is no fuzz target" >&2; exit 1; }
