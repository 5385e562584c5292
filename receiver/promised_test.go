package receiver

import (
	"testing"

	"idaas-ldap/internal/promised"
)

// What IDaaS is answered has the members of every earlier version.
func TestAnswersKeepTheirPromises(t *testing.T) {
	promised.Keep(t, "..", "answer", promised.Members("answer", answer{}))
}
