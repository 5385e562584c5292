package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The captured event of 2022 deletes a user; planned as of its time, it shows the deletion of the entry with that id.
func TestPlanOfTheCapturedEvent(t *testing.T) {
	raw, err := os.ReadFile("../../receiver/testdata/user-delete-encrypted.json")
	if err != nil {
		t.Fatal(err)
	}
	var captured struct {
		JWKS       json.RawMessage `json:"jwks"`
		AppID      string          `json:"appId"`
		EncryptKey string          `json:"encryptKey"`
		Event      string          `json:"event"`
	}
	if err := json.Unmarshal(raw, &captured); err != nil {
		t.Fatal(err)
	}
	directory := startDirectory(t, `dn: uid=leaver,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: leaver
cn: Leaver
sn: Leaver
employeeNumber: user_ossx3qxxixacimjwpwqdmmofr4
`)
	before := directory.LDIF()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"jwks.json": string(captured.JWKS), "enc.key": captured.EncryptKey + "\n", "body.json": fmt.Sprintf(`{"event":%q}`, captured.Event),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := writeConfig(t, folder, `listen: "127.0.0.1:0"`, "  - { id: "+captured.AppID+", jwks_file: jwks.json, encryption_key_files: [enc.key] }", directory.URL())

	code, out, errs := call(t, "plan", "--config", config, "--at", "2022-03-30T07:35:08Z", filepath.Join(folder, "body.json"))
	if want := "dn: uid=leaver,ou=people,dc=example,dc=org\nchangetype: delete\n"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit %d\n%s%s\nwant\n%s", code, out, errs, want)
	}
	code, out, errs = call(t, "plan", "--config", config, filepath.Join(folder, "body.json"))
	if code != exitFailed || !strings.Contains(errs, "401") || !strings.Contains(errs, "expired") || !strings.Contains(errs, "--at") {
		t.Errorf("today: exit %d\n%s%s", code, out, errs)
	}
	if directory.LDIF() != before || len(directory.Journal()) != 0 {
		t.Error("planning wrote something")
	}
	if _, err := os.Stat(filepath.Join(folder, "store.db")); err == nil {
		t.Error("planning made a store")
	}
}

// What an event says can neither write lines of LDIF of its own nor turn what the terminal shows.
func TestPlanOfAnEventThatWouldWriteItsOwnLines(t *testing.T) {
	directory := startDirectory(t, "")
	folder := t.TempDir()
	config := writeConfig(t, folder, `listen: "127.0.0.1:0"`, "  - { id: app_example, jwks_url: 'http://127.0.0.1:1/' }", directory.URL())
	const evil = "x\ndn: cn=evil\nchangetype: delete\n\x1b[2J\u202e"
	for name, change := range map[string]func(e, user map[string]any){
		"the id":     func(e, _ map[string]any) { e["eventId"] = evil },
		"the type":   func(e, _ map[string]any) { e["eventType"] = evil },
		"the object": func(_, u map[string]any) { u["userId"] = evil },
		"a name":     func(_, u map[string]any) { u["displayName"] = evil },
		"a member":   func(_, u map[string]any) { u[evil] = map[string]any{"a": 1} },
		"a custom field": func(_, u map[string]any) {
			u["customFields"] = []any{map[string]any{"fieldName": evil, "fieldValue": []any{}}}
		},
		"a wrong status": func(_, u map[string]any) { u["emailVerified"] = evil },
	} {
		user := map[string]any{"userId": "user_1", "username": "ann", "displayName": "Ann Lee"}
		e := map[string]any{"eventId": "evnt_1", "eventType": "urn:alibaba:idaas:app:event:ud:user:create", "eventTime": 1767225599000, "bizData": user}
		change(e, user)
		document, err := json.Marshal(map[string]any{"instanceId": "idaas_1", "eventData": []any{e}})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, "event.json")
		if err := os.WriteFile(path, document, 0o600); err != nil {
			t.Fatal(err)
		}
		_, out, errs := call(t, "plan", "--config", config, "--offline", path)
		if text := out + errs; strings.Contains(text, "\ndn: cn=evil") || strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%s writes\n%q", name, text)
		}
	}
}
