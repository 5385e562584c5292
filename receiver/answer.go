package receiver

import "idaas-ldap/event"

// answer is what IDaaS is told: every event in exactly one of the four lists.
type answer struct {
	Success []result `json:"successEvents"`
	Skipped []result `json:"skippedEvents"`
	Failed  []result `json:"failedEvents"`
	Retried []result `json:"retriedEvents"`
}

type result struct {
	ID      string     `json:"eventId"`
	Code    event.Code `json:"eventCode"`
	Message string     `json:"eventMessage"`
}

// answerOf sorts outcomes into the lists. What is not settled is ours from now on, so it counts as a success with code
// ACCEPTED and a message that says what it waits for; nothing is handed back to be pushed again.
func answerOf(changes []event.Change, outcomes []event.Outcome) answer {
	a := answer{Success: []result{}, Skipped: []result{}, Failed: []result{}, Retried: []result{}}
	for i, c := range changes {
		o := outcomes[i]
		r := result{ID: c.ID, Code: o.Code, Message: o.Message}
		switch o.State {
		case event.Done:
			a.Success = append(a.Success, r)
		case event.Skipped:
			a.Skipped = append(a.Skipped, r)
		case event.Failed, event.Discarded:
			a.Failed = append(a.Failed, r)
		default:
			r.Code = event.CodeAccepted
			a.Success = append(a.Success, r)
		}
	}
	return a
}
