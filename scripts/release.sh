#!/usr/bin/env bash
# release.sh FOLDER [PLATFORM...]: what is published, for these platforms (linux/amd64 ...), into an empty folder: a static binary for
# each, deb and rpm for Linux, a zip for Windows, the list of what is linked (CycloneDX) and the checksums of all. The same commit gives the same bytes:
# nothing of this machine and no time but that of the commit is in them.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${VERSION:?the version to build}" "${TAGS:?the build tags}" "${NFPM:?the program nfpm}"
out=$1
shift
[ $# -gt 0 ] || set -- linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
mkdir -p "$out"
[ -z "$(ls -A "$out")" ] || { echo "release.sh: $out is not empty" >&2; exit 1; }
out=$(cd "$out" && pwd)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH CGO_ENABLED=0
# Debian wants a version to begin with a digit.
export PACKAGE_VERSION
PACKAGE_VERSION=$(sed -e 's/^v//' -e 's/^[^0-9]/0~&/' <<<"$VERSION")

binary() { echo "idaas-ldap-$VERSION-${1/\//-}$([ "${1%/*}" != windows ] || echo .exe)"; }

for platform in "$@"; do
  GOOS=${platform%/*} GOARCH=${platform#*/} go build -trimpath -buildvcs=false -tags "$TAGS" \
    -ldflags "-s -w -buildid= -X main.version=$VERSION" -o "$out/$(binary "$platform")" ./cmd/idaas-ldap
done

# What the program says of itself is the same on every platform, so it is asked on this one.
STAGE=$(mktemp -d)
trap 'rm -rf "$STAGE"' EXIT
export STAGE
go build -trimpath -buildvcs=false -tags "$TAGS" -ldflags "-s -w -buildid= -X main.version=$VERSION" -o "$STAGE/self" ./cmd/idaas-ldap
"$STAGE/self" man | gzip -n >"$STAGE/idaas-ldap.1.gz"
for shell in bash fish; do "$STAGE/self" completion "$shell" >"$STAGE/completion.$shell"; done
sed 's#/usr/local/bin/#/usr/bin/#' configs/systemd/idaas-ldap.service >"$STAGE/idaas-ldap.service"
sed 's#data/#/var/lib/idaas-ldap/#' configs/idaas-ldap.yaml >"$STAGE/idaas-ldap.yaml"

for platform in "$@"; do
  [ "${platform%/*}" = linux ] || continue
  export ARCH=${platform#*/}
  cp "$out/$(binary "$platform")" "$STAGE/idaas-ldap"
  for format in deb rpm; do
    "$NFPM" package --config configs/packages/nfpm.yaml --packager "$format" --target "$out/" >"$STAGE/log" || { cat "$STAGE/log" >&2; exit 1; }
  done
done

for platform in "$@"; do
  [ "${platform%/*}" = windows ] || continue
  go run -buildvcs=false ./cmd/windowszip "$out/idaas-ldap-$VERSION-${platform/\//-}.zip" "$SOURCE_DATE_EPOCH" "$out/$(binary "$platform")" .
done

if [ -n "${CYCLONEDX:-}" ]; then
  "$CYCLONEDX" bin -json -noserial -version "$VERSION" -output "$out/idaas-ldap-$VERSION.cdx.json" "$STAGE/self" 2>"$STAGE/log" || { cat "$STAGE/log" >&2; exit 1; }
  sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)\"/" "$out/idaas-ldap-$VERSION.cdx.json"
fi
(cd "$out" && sha256sum -- * >SHA256SUMS)
ls "$out"
