package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/idaastest"
)

// A receiver with a certificate of its own is trusted where the simulation is told to, and nowhere else.
func TestSimulateTrustsWhatItIsTold(t *testing.T) {
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string][]idaastest.Result{
			"successEvents": {{EventID: "evnt_1", EventCode: "ACCEPTED"}}, "failedEvents": {{EventID: "evnt\n2", EventCode: "REFUSED", EventMessage: "no\x1b[31m"}},
		})
	}))
	receiver.Config.ErrorLog = nil
	receiver.StartTLS()
	defer receiver.Close()
	folder := t.TempDir()
	ca, key := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "sign.key")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})
	if err := os.WriteFile(ca, append([]byte("\ufeff"), certificate...), 0o600); err != nil {
		t.Fatal(err)
	}
	simulate := func(args ...string) (int, string, string) {
		t.Helper()
		return call(t, append([]string{"simulate", "--url", receiver.URL, "--signing-key", key, "--test"}, args...)...)
	}
	if code, _, errs := simulate(); code != exitFailed || !strings.Contains(errs, "certificate") {
		t.Errorf("without it: exit %d: %s", code, errs)
	}
	if code, _, errs := simulate("--ca", key); code != exitConfig || !strings.Contains(errs, "holds no certificate") {
		t.Errorf("with another file: exit %d: %s", code, errs)
	}
	code, out, errs := simulate("--ca", ca)
	if code != exitFailed || !strings.HasPrefix(out, "1 success (1 of them stored and still to be applied), 0 skipped, 1 failed") || !strings.Contains(errs, `evnt\n2 REFUSED: no\x1b[31m`) {
		t.Errorf("with it: exit %d: %s%s", code, out, errs)
	}
	var sum summary
	if code, out, _ := simulate("--ca", ca, "--output", "json"); code != exitFailed || json.Unmarshal([]byte(out), &sum) != nil || sum.Accepted != 1 || len(sum.Problems) != 1 {
		t.Errorf("as JSON: exit %d: %s", code, out)
	}
}
