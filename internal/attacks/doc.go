// Package attacks is tests only: what somebody who has no key tries on a running service, and what the service looks like
// meanwhile.
package attacks
