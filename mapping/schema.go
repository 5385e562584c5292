package mapping

import (
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Schema returns the JSON Schema (draft 7) of mapping files, for the completion and the hover texts of editors. It knows
// keys, words and shapes; expressions are only checked by [Compile].
func Schema() map[string]any {
	root := objectSchema("What the directory entries of users, units and groups should be.", node{
		"version":             node{"const": 1, "description": "The version of the language; always 1."},
		"base":                textSchema("The DN outside of which nothing is ever written. Templates name it as {base}.", "dc=example,dc=org"),
		"organizational_unit": sectionSchema(event.KindUnit),
		"user":                sectionSchema(event.KindUser),
		"group":               sectionSchema(event.KindGroup),
		"guards": objectSchema("How much may happen at once, whatever asks for it. What goes beyond waits for approval.", node{
			"deletes":   limitSchema("Entries that are deleted or moved to where leavers are kept."),
			"disables":  limitSchema("Users that are disabled."),
			"adoptions": limitSchema("Entries of others that are taken over."),
			"renames":   limitSchema("Entries that get another name or place."),
			"changes":   limitSchema("Entries that are written at all."),
			"vanished":  limitSchema("Entries that are gone although nobody here has deleted them. Beyond it the work on the directory stops."),
		}),
		"protect": protectSchema(),
		"tests":   listSchema("Tests of this file. They run when it is loaded, and by 'idaas-ldap test'.", testSchema()),
	}, "version", "base")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Mapping file of idaas-ldap"
	root["anyOf"] = []node{{"required": []string{"user"}}, {"required": []string{"organizational_unit"}}, {"required": []string{"group"}}}
	root["definitions"] = node{"rule": ruleSchema(), "userRecord": recordSchema(event.KindUser), "unitRecord": recordSchema(event.KindUnit), "groupRecord": recordSchema(event.KindGroup)}
	return root
}

// node is a part of a JSON Schema.
type node = map[string]any

func objectSchema(description string, properties node, required ...string) node {
	n := node{"type": "object", "description": description, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		n["required"] = required
	}
	return n
}

func textSchema(description string, examples ...string) node {
	n := node{"type": "string", "description": description}
	if len(examples) > 0 {
		n["examples"] = examples
	}
	return n
}

func wordsSchema(description string, choice ...string) node {
	return node{"enum": choice, "description": description}
}

func flagSchema(description string) node { return node{"type": "boolean", "description": description} }

func numberSchema(description string, least int) node {
	return node{"type": "integer", "minimum": least, "description": description}
}

func listSchema(description string, items node) node {
	return node{"type": "array", "items": items, "description": description}
}

func eitherSchema(description string, choice ...node) node {
	return node{"anyOf": choice, "description": description}
}

func defined(name string) node { return node{"$ref": "#/definitions/" + name} }

// oneOrMore is one text or a list of them.
func oneOrMore(description string) node {
	return eitherSchema(description, node{"type": []string{"string", "number", "boolean"}}, node{"type": "array", "items": node{"type": []string{"string", "number", "boolean"}}})
}

// expressionNote is what the description of every expression ends with.
const expressionNote = " An expression; texts in it go in quotes, a ?? b is b where a is absent."

// expressionSchema is that of an expression. A number or true is one as well.
func expressionSchema(description string, examples ...string) node {
	n := textSchema(description+expressionNote, examples...)
	n["type"] = []string{"string", "number", "boolean"}
	return n
}

// sectionSchema is what can be said about one kind of object.
func sectionSchema(kind event.Kind) node {
	own := scope{kind: kind}.own()
	properties := node{
		"scope":          expressionSchema("Objects for which this does not hold are left out; an entry that was ours is treated as if its object was gone.", "not ("+own+".name startsWith \"tmp-\")"),
		"dn":             textSchema("Where the entry is. Every {...} is an expression whose result becomes a value, never structure.", dnExamples[kind]),
		"match":          matchSchema(kind),
		"object_classes": oneOrMore("Object classes that the entry gets; others that it has stay. Without this: " + defaultClasses[kind] + "."),
		"adopt_below":    oneOrMore("Below which entries others may be taken over by 'adopt'. Without this: where the section makes entries itself."),
		"attributes": node{
			"type": "object", "description": "What the attributes hold, by attribute name. Attributes that are not named are never touched.",
			"additionalProperties": defined("rule"), "propertyNames": node{"pattern": "^[A-Za-z0-9.;-]+$"},
		},
	}
	switch kind {
	case event.KindUser:
		properties["password"] = passwordSchema()
		properties["adopt_password"] = flagSchema("An entry that is taken over gets the user's password. Without this it keeps the one that it has until a new one is set.")
		properties["on_delete"] = notEmptySchema("What becomes of the entry of a user who is gone while there are others below it.",
			"What happens while there still are entries below it: wait for at most a day, fail at once, or delete them all. The login ends at once in any case.", "wait", "fail", "subtree")
		properties["lifecycle"] = objectSchema("What becomes of the entry when the user is disabled, locked, expired or gone.", node{
			"disable": meansSchema("How a disabled user is kept from logging in."),
			"lock":    meansSchema("How a locked user is kept from logging in. A lock with an end is lifted then, without an event."),
			"expire":  meansSchema("How an expired user is kept from logging in."),
			"delete":  removalSchema(kind, "What becomes of the entry of a user who is gone; memberships and references go in any case but keep.", plan.RemoveDelete, plan.RemoveDisable, plan.RemoveKeep),
		})
	case event.KindUnit:
		properties["root"] = textSchema("The DN that stands for the root of IDaaS; made if it is absent. Without this, the base.", "ou=people,{base}")
		properties["on_delete"] = notEmptySchema("What becomes of the entry of a unit that is gone.",
			"What happens while there still are entries in it: wait for at most a day, fail at once, move them to the unit above, or delete them all.", "wait", "fail", "move_children", "subtree")
	case event.KindGroup:
		properties["members"] = objectSchema("How the members of the group are written.", node{
			"attribute":   textSchema("The attribute that holds them.", "member", "uniqueMember", "memberUid"),
			"value":       expressionSchema("What stands for a member: dn (the default), or a field of the user; entry.NAME is the name in the member's DN.", "dn", "user.username"),
			"placeholder": textSchema("The DN that stands in a group without members, where its object class demands one.", "cn=nobody,{base}"),
		}, "attribute")
		properties["on_delete"] = removalSchema(kind, "What becomes of the entry of a group that is gone.", plan.RemoveDelete, plan.RemoveKeep)
	}
	return objectSchema("Entries of "+kindName(kind)+"s.", properties, "dn", "match")
}

var dnExamples = map[event.Kind]string{
	event.KindUser:  "uid={user.username},{ou.dn}",
	event.KindUnit:  "ou={ou.name},{parent.dn}",
	event.KindGroup: "cn={group.name},ou=groups,{base}",
}

func matchSchema(kind event.Kind) node {
	own := scope{kind: kind}.own()
	rule := objectSchema("A rule with an attribute and a value, or with a filter.", node{
		"attribute": textSchema("The attribute to look in.", "employeeNumber"),
		"value":     expressionSchema("What to look for.", own+".id"),
		"filter":    textSchema("A search filter (RFC 4515); every {...} is an expression whose result becomes a value.", "(mail={"+own+".id})"),
		"adopt":     flagSchema("Entries found this way may be taken over although others made them. Without this they are a conflict, unless the rule asks for the id in IDaaS."),
	})
	n := listSchema("How an entry is found that was not written by us before. The first rule with one hit wins; two hits are a conflict. A rule whose values are absent is left out.", rule)
	n["minItems"] = 1
	return n
}

// ruleSchema is that of the rule of an attribute.
func ruleSchema() node {
	full := objectSchema("A rule with more than a value.", node{
		"value":      expressionSchema("What the attribute holds.", "lower(user.email)"),
		"const":      oneOrMore("A fixed value, or several."),
		"reference":  expressionSchema("The id of another object, whose DN is written as soon as that has an entry.", "user.custom.manager"),
		"required":   flagSchema("The entry waits for the object that a reference names. Without this the reference follows later, unless authority is initial."),
		"kind":       wordsSchema("Of which kind the object is that a reference names; without this, a user.", "user", "unit", "group"),
		"allocate":   allocateSchema(),
		"unique":     expressionSchema("A value that no other entry has: the first free one of these, then the last of them with 2, 3 and so on. Decided once; entry.NAME reads it.", "user.username"),
		"max_length": numberSchema("How many characters a unique value has at most, its number included.", 1),
		"when":       expressionSchema("While this does not hold, the attribute is left alone.", "user.phoneVerified"),
		"authority":  wordsSchema("managed (the default): the attribute holds exactly this. initial: only when the entry is made, or where it has none when it gets an object class. merge: values of others stay.", "managed", "initial", "merge"),
		"on_empty":   wordsSchema("What happens where there is no value: remove (the default) the attribute, or keep what is there.", "remove", "keep"),
	})
	full["oneOf"] = requireOne(sources)
	return eitherSchema("What the attribute holds: an expression, or keys.", expressionSchema("What the attribute holds.", "user.displayName"), full)
}

// requireOne asks for exactly one of some keys.
func requireOne(keys []string) []node {
	out := make([]node, len(keys))
	for i, key := range keys {
		out[i] = node{"required": []string{key}}
	}
	return out
}

func allocateSchema() node {
	return objectSchema("A number that is given out once, never again, and that no other entry has. Decided once; entry.NAME reads it.", node{
		"from": numberSchema("The first number.", 0), "to": numberSchema("The last number.", 0),
	}, "from", "to")
}

func passwordSchema() node {
	names := make([]string, len(hashes))
	for i, h := range hashes {
		names[i] = string(h)
	}
	return objectSchema("How passwords are written.", node{
		"write":             wordsSchema("auto: by the means of the server. never: passwords are ignored.", "auto", "never"),
		"hash":              wordsSchema("none: the server hashes it (RFC 3062, or unicodePwd on Active Directory). Otherwise it is written to userPassword in this form.", names...),
		"on_create_without": wordsSchema("What a new user gets who has no password yet: none.", "none"),
		"must_change":       flagSchema("The server demands a new password at the next login, where it can."),
	})
}

// meansSchema is how a status is expressed.
func meansSchema(description string) node {
	values := func(when string) node {
		return node{
			"type": "object", "description": "What attributes hold " + when + "; null for an attribute that is absent then.",
			"additionalProperties": eitherSchema("The values.", node{"type": "null"}, oneOrMore("The values.")),
		}
	}
	full := objectSchema("By attributes, or by a place of its own.", node{
		"on":   values("while it applies"),
		"off":  values("while it does not apply; what only on names is removed then"),
		"move": textSchema("The DN of the entry below which the user is kept while it applies, an ou is made if absent; without on, the server's own means count as well, where there are any.", "ou=disabled,{base}"),
	})
	full["anyOf"] = []node{{"required": []string{"on"}}, {"required": []string{"move"}}}
	return eitherSchema(description, wordsSchema("auto (the default): by the server's own means. ignore: not at all.", "auto", "ignore"), full)
}

// notEmptySchema is what becomes of an entry that is to be deleted and has others below it.
func notEmptySchema(description, key string, choice ...string) node {
	return objectSchema(description, node{"when_not_empty": wordsSchema(key, choice...)})
}

func removalSchema(kind event.Kind, description string, actions ...plan.RemovalAction) node {
	own := scope{kind: kind}.own()
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = string(a)
	}
	return eitherSchema(description, wordsSchema("delete is the default.", names...), objectSchema("The entry is kept elsewhere.", node{
		"move":        textSchema("The DN of the entry below which it is kept; an ou is made if absent.", "ou=leavers,{base}"),
		"purge_after": textSchema("How long it is kept there; without this, for ever.", "2160h"),
		"rename":      expressionSchema("The name that it gets there where its own is taken; without this, its name and the id in IDaaS.", own+".id"),
	}, "move"))
}

func protectSchema() node {
	several := objectSchema("An entry with everything below it, or all that pass a filter.", node{
		"subtree": textSchema("The DN of the entry at the top.", "ou=service,{base}"),
		"filter":  textSchema("A search filter (RFC 4515).", "(objectClass=device)"),
	})
	several["oneOf"] = requireOne([]string{"subtree", "filter"})
	n := listSchema("Entries that are never taken over, whatever a match rule finds.",
		eitherSchema("A DN, a subtree or a filter.", textSchema("The DN of one entry.", "cn=admin,{base}"), several))
	n["minItems"] = 1
	return n
}

func limitSchema(description string) node {
	return objectSchema(description+" The smaller of max and percent counts, and at least 1.", node{
		"max":     numberSchema("How many within the window.", 1),
		"percent": node{"type": "number", "exclusiveMinimum": 0, "maximum": 100, "description": "How many of the known objects of that kind within the window."},
		"window":  textSchema("How far the window reaches back.", "1h", "30m"),
	})
}

// testSchema is that of a test inside the file.
func testSchema() node {
	test := objectSchema("An event, and what it leads to.", node{
		"name": textSchema("What the test shows."),
		"event": eitherSchema("What is known of the object, as an event says it.", objectSchema("An event by the names that a mapping uses.", node{
			"type": eitherSchema("The type of the event, also as it stands on the wire.",
				node{"enum": eventTypes()}, node{"type": "string", "pattern": "^(" + event.TypePrefix + ")?ud:"}),
			nameUser:   defined("userRecord"),
			nameUnit:   defined("unitRecord"),
			nameParent: defined("unitRecord"),
			nameGroup:  defined("groupRecord"),
			"members":  listSchema("The users that a group event speaks about.", defined("userRecord")),
			"id":       textSchema("The id of the event; without one it gets one.", "evnt_1"),
			"time":     eitherSchema("When it happened: a date, or milliseconds since 1970; without it, now.", node{"type": "string"}, node{"type": "integer"}),
			"password": textSchema("The password that the event carries. It is not seen in tests."),
		}, "type"), wireSchema()),
		"directory":     textSchema("The entries that are there before, as LDIF."),
		"expect":        textSchema("The change, as LDIF. The order of attributes does not matter, and values need no base64."),
		"expect_error":  textSchema("A part of the message that says why nothing is written."),
		"expect_writes": node{"const": 0, "description": "Nothing is written: the directory says so already."},
	}, "name", "event")
	test["oneOf"] = requireOne(outcomes)
	return test
}

// wireSchema is that of an event as IDaaS sends it, decrypted.
func wireSchema() node {
	return objectSchema("An event as IDaaS sends it, decrypted.", node{
		"eventId":   textSchema("The id of the event.", "evnt_1"),
		"eventType": textSchema("The type of the event.", event.TypeUserCreate.URN()),
		"eventTime": eitherSchema("When it happened, in milliseconds since 1970.", node{"type": "string"}, node{"type": "integer"}),
		"bizId":     textSchema("The id of the object.", "user_1"),
		"bizData":   eitherSchema("The fields, by their names on the wire.", node{"type": "object"}, node{"type": "string"}),
		nameUnit:    defined("unitRecord"),
		nameParent:  defined("unitRecord"),
	}, "eventType")
}

// recordSchema is that of the fields of an object.
func recordSchema(kind event.Kind) node {
	properties := node{
		nameCustom: node{"type": "object", "description": "Fields of your own, read as custom.NAME."},
		nameRaw:    node{"type": "object", "description": "Everything that came in the event, by its name there."},
	}
	for _, f := range event.Fields(kind) {
		properties[f.Name] = fieldSchema(f)
	}
	return objectSchema("The fields of a "+kindName(kind)+" that are known.", properties, event.FieldID)
}

func fieldSchema(f event.Field) node {
	n := node{"description": strings.ToUpper(f.Doc[:1]) + f.Doc[1:] + "."}
	switch f.Type {
	case event.TypeBool:
		n["type"] = []string{"boolean", "null"}
	case event.TypeMillis:
		n["type"] = []string{"integer", "null"}
	case event.TypeList:
		n["type"], n["items"] = []string{"array", "null"}, node{"type": "string"}
	case event.TypeUnits:
		unit := objectSchema("A unit.", node{"id": textSchema("Its id in IDaaS."), "name": textSchema("Its name in IDaaS."), "primary": flagSchema("The account mainly belongs to it.")})
		n["type"], n["items"] = []string{"array", "null"}, unit
	default:
		n["type"] = []string{"string", "null"}
	}
	if f.Name == event.FieldStatus {
		n["enum"] = slices.Concat([]any{event.StatusEnabled, event.StatusDisabled}, []any{nil})
	}
	return n
}
