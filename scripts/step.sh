#!/usr/bin/env bash
# step.sh NAME: begin a step of a long run and say how long it has been going on. STARTED is the second in which it began.
set -eu
if [ -n "${STARTED:-}" ]; then
  printf '==> [%4d s] %s\n' $(($(date +%s) - STARTED)) "$1"
else
  printf '==> %s\n' "$1"
fi
