#!/usr/bin/env bash
# Tests that need a real server begin with its name: TestOpenLDAP..., Test389DS..., TestSamba..., TestPostgres...; those that
# need a browser, and slapd behind what they look at, with TestBrowser....
#
#   suite.sh NAME COMMAND...   run the tests of one server (openldap, 389ds, samba, postgres, browser) with a "go test" command
#   suite.sh --missing         print the pattern of the tests whose server is not installed, for go test -skip;
#                              say on stderr what is left out. With CI=true a missing server is a failure
#   suite.sh --all             print the pattern of all of them
set -euo pipefail
cd "$(dirname "$0")/.."

prefix() {
  case $1 in
    openldap) echo TestOpenLDAP ;;
    389ds) echo Test389DS ;;
    samba) echo TestSamba ;;
    postgres) echo TestPostgres ;;
    browser) echo TestBrowser ;;
    *) echo "suite.sh: no such server: $1" >&2; exit 2 ;;
  esac
}

# Daemons live in /usr/sbin, which is not on everybody's path.
installed() {
  local PATH=$PATH:/usr/sbin:/usr/local/sbin
  case $1 in
    openldap) command -v slapd && command -v slapadd ;;
    389ds) command -v ns-slapd && command -v certutil ;;
    samba) command -v samba && command -v samba-tool ;;
    postgres) compgen -G '/usr/lib/postgresql/*/bin/postgres' && command -v pgbouncer ;;
    browser) command -v chromium && command -v slapd && command -v slapadd ;;
  esac >/dev/null
}

# A Samba domain controller listens on port 389 and nowhere else.
usable() {
  installed "$1" && { [ "$1" != samba ] || [ "$(id -u)" = 0 ]; }
}

why() {
  if installed "$1"; then
    echo "$1: it needs root; run: sudo make test-$1"
  else
    echo "$1: it is not installed; run: sudo make install-servers"
  fi
}

packages() {
  grep -rlE --include='*_test.go' "^func $(prefix "$1")" . | xargs -r -n1 dirname | sort -u
}

case ${1:-} in
  --all)
    echo '^(TestOpenLDAP|Test389DS|TestSamba|TestPostgres|TestBrowser)'
    ;;
  --missing)
    missing=
    for server in openldap 389ds samba postgres browser; do
      if ! usable "$server"; then
        missing="$missing|$(prefix "$server")"
        echo "not tested on $(why "$server")" >&2
      fi
    done
    if [ -n "$missing" ]; then
      [ "${CI:-}" != true ] || exit 1
      echo "^(${missing#|})"
    fi
    ;;
  *)
    server=$1
    shift
    pattern="^$(prefix "$server")"
    usable "$server" || { echo "cannot test on $(why "$server")" >&2; exit 1; }
    mapfile -t found < <(packages "$server")
    # A suite that has lost its tests would pass.
    [ ${#found[@]} -gt 0 ] || { echo "no test begins with ${pattern#^}" >&2; exit 1; }
    exec env "$@" -count=1 -run "$pattern" "${found[@]}"
    ;;
esac
