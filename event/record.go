package event

import (
	"encoding/json"
	"fmt"
)

// notSaid are members of a record that say nothing of the object itself, or what other words say better: the instance is that of the
// caller, and the members of a group are told with the group, so that the two never contradict each other.
var notSaid = []string{"instanceId", "groups"}

// Record reads a record of IDaaS's own API, with the same leniency as [Decode] reads events. The change has the [TypePull], and its Stamp
// has the time of the last change to the record; when the record was asked for is for the caller to add. What the record lacks is not
// said.
func Record(kind Kind, raw json.RawMessage) (Change, error) {
	c := Change{Type: TypePull, Fields: Values{}}
	members, err := payloadOf(raw)
	if err != nil {
		return Change{}, fmt.Errorf("the record of a %s %w", kind, err)
	}
	for _, name := range notSaid {
		delete(members, name)
	}
	if err := c.record(kind, members, ""); err != nil {
		return Change{}, fmt.Errorf("read the record of a %s: %w", kind, err)
	}
	return c, nil
}
