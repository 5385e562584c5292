package app

import (
	"testing"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/receiver"
)

// Where nobody asks for traces an event costs nothing more, and the work on it goes no other way.
func TestWithoutTracesNothingIsAllocated(t *testing.T) {
	a := &App{}
	d := receiver.Delivery{Application: "app", Changes: make([]event.Change, 100)}
	if n := testing.AllocsPerRun(100, func() { a.traced(t.Context(), d)(nil) }); n != 0 {
		t.Errorf("%v allocations for a callback", n)
	}
	p := processor.New(nil, nil)
	if route := tracedRoute(nil, dispatch.Route{Directory: "corp", Processor: p}); route.Processor != dispatch.Processor(p) || route.Begin != nil {
		t.Error("the work goes another way")
	}
}
