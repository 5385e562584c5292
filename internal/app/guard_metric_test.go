package app_test

import (
	"strings"
	"testing"
)

func TestTheMetricsShowHowMuchOfAGuardIsUsed(t *testing.T) {
	s := newStage(t)
	s.run()
	s.await("the guards are looked at", func() bool {
		return strings.Contains(s.page("/metrics"), `idaas_ldap_guard_used_ratio{act="delete",directory="corp"} 0`+"\n")
	})
}
