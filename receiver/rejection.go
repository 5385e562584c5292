package receiver

import (
	"fmt"
	"net/http"
	"time"
)

// Rejection is a request that is not taken. Description goes to the caller and never helps a forger; Reason goes to the
// log.
type Rejection struct {
	Status      int
	Code        string
	Description string
	Reason      string
	// RetryAfter, if not zero, asks the caller to come again.
	RetryAfter time.Duration

	// kind is the same for refusals that are counted together in the log; empty for the code.
	kind string
}

// Error returns the reason, for the log.
func (r *Rejection) Error() string { return r.Reason }

func badRequest(description string) *Rejection {
	return &Rejection{Status: http.StatusBadRequest, Code: "bad_request", Description: description, Reason: description, kind: description}
}

// invalidToken is the one answer to everything that is wrong with a token. The format tells one kind from another, so what
// comes from outside stands in the arguments.
func invalidToken(format string, args ...any) *Rejection {
	return &Rejection{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the token was not accepted", Reason: fmt.Sprintf(format, args...), kind: format}
}

func unavailable(description, reason string) *Rejection {
	return &Rejection{Status: http.StatusServiceUnavailable, Code: "unavailable", Description: description, Reason: reason, RetryAfter: retryAfter}
}
