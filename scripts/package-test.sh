#!/usr/bin/env bash
# package-test.sh: builds what is published, twice, and then installs the deb on this machine, runs the service as its user, upgrades it
# under what an administrator has edited and what the store holds, and removes it. As it changes the machine it runs where CI=true, as root.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${CI:-}" != true ] || [ "$(id -u)" != 0 ] || ! command -v dpkg >/dev/null; then
  echo "packages: not tested here, as that installs one; run as root on Debian: CI=true make test-packages" >&2
  exit 0
fi
if dpkg-query -W idaas-ldap >/dev/null 2>&1; then
  echo "packages: idaas-ldap is installed on this machine, so no test installs it" >&2
  exit 1
fi
work=$(mktemp -d)
service=
end() {
  if [ -n "$service" ]; then kill "$service" 2>/dev/null && wait "$service" 2>/dev/null || true; fi
  dpkg --purge idaas-ldap >/dev/null 2>&1 || true
  userdel idaas-ldap >/dev/null 2>&1 || true
  rm -rf "$work" /var/lib/idaas-ldap /etc/idaas-ldap
}
trap end EXIT
fail() { echo "packages: $*" >&2; [ ! -f "$work/log" ] || tail -n 20 "$work/log" >&2; exit 1; }

platform=linux/$(go env GOHOSTARCH)
VERSION=1.0.0 scripts/release.sh "$work/first" "$platform" >/dev/null
VERSION=1.0.0 scripts/release.sh "$work/again" "$platform" >/dev/null
VERSION=1.0.1 scripts/release.sh "$work/next" "$platform" >/dev/null
cmp "$work/first/SHA256SUMS" "$work/again/SHA256SUMS" || fail "the same commit gives other bytes"
(cd "$work/first" && sha256sum --quiet --check SHA256SUMS) || fail "the checksums are wrong"
[ "$(ls "$work"/first/*.rpm | wc -l)" = 1 ] || fail "there is no rpm"
grep -q '"name": "github.com/go-ldap/ldap/v3"' "$work"/first/*.cdx.json || fail "the list of what is linked lacks go-ldap"

as_user=(setpriv --reuid=idaas-ldap --regid=idaas-ldap --init-groups --)
install_package() { dpkg -i "$1"/*.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; fail "dpkg"; }; }

install_package "$work/first"
grep -q 'systemctl enable --now' "$work/dpkg" || fail "the first installation does not say what to do"
[ "$(idaas-ldap version | cut -d' ' -f2)" = 1.0.0 ] || fail "$(idaas-ldap version)"
# A machine may be told to leave manual pages out, so the package is asked.
dpkg -L idaas-ldap | grep -qx /usr/share/man/man1/idaas-ldap.1.gz || fail "there is no manual page"
[ "$(stat -c '%a %U' /var/lib/idaas-ldap)" = "700 idaas-ldap" ] || fail "the folder of the store is $(stat -c '%a %U' /var/lib/idaas-ldap)"
for mapping in /etc/idaas-ldap/mappings/*.yaml; do "${as_user[@]}" idaas-ldap test "$mapping" >/dev/null || fail "$mapping"; done

# A directory that is down: events are taken in and wait, which is enough to see that the store lives through an upgrade.
cat >/etc/idaas-ldap/idaas-ldap.yaml <<EOF
# edited
receiver: { listen: "127.0.0.97:8443" }
applications: [ { id: app_example, jwks_file: /var/lib/idaas-ldap/simulate.jwks } ]
store: { url: "sqlite:/var/lib/idaas-ldap/idaas-ldap.db", key_file: /var/lib/idaas-ldap/store.key }
directories: [ { name: corp, type: openldap, urls: ["ldap://127.0.0.1:1"], bind_dn: "cn=provisioner,dc=example,dc=org", bind_password: secret, mapping: mappings/openldap.yaml } ]
admin: { listen: "127.0.0.97:9090" }
EOF
simulate() { "${as_user[@]}" idaas-ldap simulate --config /etc/idaas-ldap/idaas-ldap.yaml --signing-key /var/lib/idaas-ldap/simulate.key "$@"; }
simulate --people 1 >"$work/log" 2>&1 || true # nobody listens yet; it makes the key that the service is to trust

start() {
  # The process itself, and no shell around it: it is what is stopped.
  "${as_user[@]}" idaas-ldap serve >"$work/log" 2>&1 &
  service=$!
  for _ in $(seq 1200); do
    if grep -q '"ready":true\|ready to' <(ask /readyz); then return; fi
    kill -0 "$service" 2>/dev/null || fail "the service ended"
    sleep 0.1
  done
  fail "the service did not get ready"
}
ask() {
  (exec 3<>/dev/tcp/127.0.0.97/9090 && printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.97\r\n\r\n' "$1" >&3 && cat <&3) 2>/dev/null || true
}
stop() {
  kill "$service"
  wait "$service" || fail "the service ended with $?"
  service=
  [ -z "$(ask /livez)" ] || fail "somebody answers after the service was stopped"
}
waiting() { "${as_user[@]}" idaas-ldap events list --waiting --output json | grep -c . || true; }

start
simulate --people 3 >/dev/null || fail "no event is taken in"
before=$(waiting)
[ "$before" -gt 2 ] || fail "$before events wait"
stop

install_package "$work/next"
[ "$(idaas-ldap version | cut -d' ' -f2)" = 1.0.1 ] || fail "$(idaas-ldap version)"
grep -q '^# edited' /etc/idaas-ldap/idaas-ldap.yaml || fail "the upgrade has replaced the configuration"
start
[ "$(waiting)" = "$before" ] || fail "$(waiting) of $before events are there after the upgrade"
stop

dpkg --remove idaas-ldap >/dev/null
! command -v idaas-ldap >/dev/null || fail "the program is there after its removal"
[ -s /etc/idaas-ldap/idaas-ldap.yaml ] || fail "the removal took the configuration along"
dpkg --purge idaas-ldap >/dev/null 2>&1
[ ! -e /etc/idaas-ldap/idaas-ldap.yaml ] || fail "the purge has left the configuration"
[ -s /var/lib/idaas-ldap/idaas-ldap.db ] && [ -s /var/lib/idaas-ldap/store.key ] || fail "the store is gone"
echo "packages: built twice alike, installed, started, upgraded and removed"
