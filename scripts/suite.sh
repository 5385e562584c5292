#!/usr/bin/env bash
# Tests that need a real server begin with its name: TestOpenLDAP..., Test389DS..., TestSamba..., TestPostgres...; those that
# need a browser, and slapd behind what they look at, with TestBrowser....
#
#   suite.sh NAME COMMAND...   run the tests of one server (openldap, 389ds, samba, postgres, browser) with a "go test" command;
#                              of those on PostgreSQL, product is the longest alone, which does without the race detector
#   suite.sh --if-installed NAMES COMMAND...
#                              the same for several, with commas in between, and say on stderr which is left out. With CI=true
#                              a missing server is a failure
#   suite.sh --all             print the pattern of all of them, for go test -skip
set -euo pipefail
cd "$(dirname "$0")/.."

prefix() {
  case $1 in
    openldap) echo TestOpenLDAP ;;
    389ds) echo Test389DS ;;
    samba) echo TestSamba ;;
    postgres) echo TestPostgres ;;
    product) echo TestPostgresCarries ;;
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
    postgres | product) compgen -G '/usr/lib/postgresql/*/bin/postgres' && command -v pgbouncer ;;
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

# packages PREFIX: where there are such tests, those that take longest first.
packages() {
  grep -rlE --include='*_test.go' "^func $1" . | xargs -r -n1 dirname | sort -u |
    awk '{ print (/(acceptance|processor)$/ ? 0 : 1), $0 }' | sort -s -k1,1n | cut -d ' ' -f 2
}

# tested SERVER: print its prefix. A suite that has lost its tests would pass.
tested() {
  grep -rqE --include='*_test.go' "^func $(prefix "$1")" . || { echo "no test begins with $(prefix "$1")" >&2; exit 1; }
  prefix "$1"
}

# run PREFIX COMMAND...
run() {
  local prefix=$1
  shift
  mapfile -t found < <(packages "$prefix")
  exec env "$@" -count=1 -run "^$prefix" "${found[@]}"
}

case ${1:-} in
  --all)
    echo '^(TestOpenLDAP|Test389DS|TestSamba|TestPostgres|TestBrowser)'
    ;;
  --if-installed)
    IFS=, read -r -a servers <<<"$2"
    shift 2
    there=
    for server in "${servers[@]}"; do
      if usable "$server"; then
        prefix=$(tested "$server")
        there="$there|$prefix"
      else
        echo "not tested on $(why "$server")" >&2
        [ "${CI:-}" != true ] || exit 1
      fi
    done
    [ -z "$there" ] || run "(${there#|})" "$@"
    ;;
  *)
    server=$1
    shift
    usable "$server" || { echo "cannot test on $(why "$server")" >&2; exit 1; }
    prefix=$(tested "$server")
    run "$prefix" "$@"
    ;;
esac
