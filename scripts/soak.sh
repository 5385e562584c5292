#!/usr/bin/env bash
# soak.sh TIME COMMAND...: run all tests with a "go test" command again and again until a time such as 30m or 8h is over; the round that
# is under way is finished. Each round has another order of tests and other seeds. What fails ends it, and says how to repeat it.
set -euo pipefail
cd "$(dirname "$0")/.."
case $1 in
  *h) seconds=$((${1%h} * 3600)) ;;
  *m) seconds=$((${1%m} * 60)) ;;
  *s) seconds=${1%s} ;;
  *) echo "soak.sh: a time is a number with h, m or s: $1" >&2; exit 2 ;;
esac
shift
unset RAPID_SEED
round=0
part=$((seconds / 10 < 600 ? seconds / 10 : 600))s # of campaigns, in each round
while [ "$round" = 0 ] || [ "$SECONDS" -lt "$seconds" ]; do
  round=$((round + 1))
  echo "==> round $round, after $SECONDS s"
  env "$@" -count=1 -shuffle=on -skip "$(scripts/suite.sh --all)" ./...
  env "$@" -timeout 60m -count=1 -v -run '^TestEmbeddedCampaign$' ./internal/acceptance -campaign "$part" -campaign-seed "$RANDOM$RANDOM"
  for number in 1 50 500; do # of objects at a time
    [ -n "$(scripts/suite.sh --if-installed openldap,389ds,samba true 2>&1)" ] ||
      go test -count=1 -timeout 60m -run '^Test(Embedded|OpenLDAP|389DS|Samba)(Bare)?(Events|Sequence|Any).*$' ./internal/acceptance -at-once "$number"
  done
  go test -count=1 -timeout 60m -run '^TestSimulations$' ./internal/simulation -seed 0 -loose -events 50000
  scripts/suite.sh --if-installed openldap,389ds,samba,postgres,browser "$@" -shuffle=on
  [ -n "$(scripts/suite.sh --if-installed postgres true 2>&1)" ] || env "$@" -timeout 60m -count=1 -run '^TestPostgres(CarriesTheProduct|Campaign)$' ./internal/acceptance -everything -campaign "$part" -campaign-seed "$RANDOM$RANDOM"
done
