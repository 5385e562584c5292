#!/usr/bin/env bash
# install-servers.sh [--if-possible]: install what the tests run on: slapd, 389 Directory Server, a Samba domain controller, PostgreSQL
# with the pooler pgbouncer, the tool that tries alerts, and Chromium to look at the console with. It installs only what is missing, and lets no daemon start: the tests
# start their own, with all files in a folder of the test.
#
# It needs root on Debian or Ubuntu. With --if-possible it only says what to do where it cannot install.
set -euo pipefail

# Daemons live in /usr/sbin, which is not on everybody's path.
PATH=$PATH:/usr/sbin:/usr/local/sbin
have() { command -v "$1" >/dev/null; }

lacking=()
have slapd && have ldapsearch || lacking+=(slapd ldap-utils)
have ns-slapd && have certutil || lacking+=(389-ds-base)
have openssl || lacking+=(openssl)
# Making a domain takes data that are in a package of their own, which installing Samba does not bring along.
have samba && have samba-tool && [ -d /usr/share/samba/setup ] || lacking+=(samba-ad-dc samba-ad-provision)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || lacking+=(postgresql)
have pgbouncer || lacking+=(pgbouncer)
# Alerts are tried with Prometheus's own tool.
have promtool || lacking+=(prometheus)
# The console is in Chinese too, and its pictures are to show that.
have chromium || lacking+=(chromium fonts-wqy-microhei)
[ ${#lacking[@]} -gt 0 ] || exit 0

cannot() {
  [ "$1" != --if-possible ] || exit 0
  echo "install-servers: $2" >&2
  exit 1
}

mode=${1:-}
have apt-get || cannot "$mode" "this is not Debian or Ubuntu; install OpenLDAP (slapd), 389 Directory Server, a Samba domain controller, PostgreSQL, pgbouncer and Chromium with the tools of this system, for instance: dnf install openldap-servers openldap-clients 389-ds-base samba-dc postgresql-server pgbouncer chromium"
[ "$(id -u)" = 0 ] || cannot "$mode" "installing ${lacking[*]} needs root; run: sudo make install-servers"

# What a package installs is started at once and with every boot from then on, unless this file says no (101).
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
restore() {
  rm -f "$policy" "$log"
  if [ -e "$policy.before-tests" ]; then mv "$policy.before-tests" "$policy"; fi
}
trap restore EXIT
trap 'exit 130' INT TERM
if [ -e "$policy" ]; then mv "$policy" "$policy.before-tests"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

# apt COMMAND...: three times, quietly unless it fails.
apt() {
  local try
  for try in 1 2 3; do
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 && return
    echo "install-servers: apt-get $1 failed ($try of 3)" >&2
    tail -n 15 "$log" >&2
    sleep $((try * 5))
  done
  return 1
}

echo "installing ${lacking[*]}"
apt update
apt install -y --no-install-recommends "${lacking[@]}"
if [ -d /run/systemd/system ]; then
  systemctl disable --quiet slapd samba-ad-dc postgresql pgbouncer prometheus 2>/dev/null || true
fi
