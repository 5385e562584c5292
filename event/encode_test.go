package event

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/internal/secret"
)

// What is decoded can be encoded, and decoded to the same again: of each type, with every field, in every form that fields have.
func TestEncodedEventsAreDecodedToTheSame(t *testing.T) {
	values := map[FieldType]any{
		TypeString: "Zoë, \"x\"\n", TypeBool: true, TypeMillis: int64(1_800_000_000_001),
		TypeUnits: []any{map[string]any{"id": "ou_1", "name": "Lab", "primary": true}, map[string]any{"id": "ou_2", "primary": false}},
		TypeList:  []any{"group_1", "group_2"},
	}
	var changes []Change
	for i, kind := range Types() {
		if kind.Kind() == "" {
			continue
		}
		c := Change{ID: "evnt_" + string(kind), Type: kind, Object: Ref{Kind: kind.Kind(), ID: "o_1"}, Stamp: Stamp{Event: Millis(1_800_000_000_000 + i)}, Fields: Values{}}
		switch {
		case kind.Effect() == EffectTouch:
			c.Others = []Ref{{Kind: KindUser, ID: "o_2"}}
			changes = append(changes, c)
			continue
		case kind.Kind() == KindGroup:
			c.Members = []Member{{User: "u_1", Present: kind != TypeGroupRemoveUser}, {User: "u_2", Present: kind != TypeGroupRemoveUser}}
		case kind == TypeUserCreate:
			c.Password = secret.New("pass")
		}
		for j, f := range Fields(kind.Kind()) {
			c.Fields[f.Name] = values[f.Type]
			if j%5 == 4 {
				c.Fields[f.Name] = nil
			}
		}
		c.Fields[FieldID], c.Fields[FieldUpdateTime], c.Stamp.Update = "o_1", int64(7), 7
		c.Fields["custom.team"], c.Fields["custom.skills"], c.Fields["custom.none"] = "x", []any{"a", "b"}, nil
		c.Fields["raw.extra"] = map[string]any{"deep": []any{int64(1), "two"}}
		c.status()
		changes = append(changes, c)
	}
	document, err := Encode(changes)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(changes, got.Changes, cmp.Comparer(func(a, b secret.Text) bool { return a.Equal(b) })); diff != "" {
		t.Error(diff)
	}
}
