package console_test

import (
	"net/http"
	"testing"
)

// The cookie is for TLS alone where a proxy of the configuration says that the browser speaks it, and what a browser says of itself counts nowhere.
func TestTheCookieIsSecureBehindATrustedProxy(t *testing.T) {
	for admin, secure := range map[string]bool{"": false, "trusted_proxies: [127.0.0.1],": true} {
		s := serve(t, inMemory(t), admin)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/console/overview", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Forwarded-Proto", "https")
		request.Header.Set("X-Forwarded-For", "203.0.113.7")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		cookies := response.Cookies()
		if len(cookies) != 1 || cookies[0].Secure != secure || (cookies[0].Name == "__Host-idaas-ldap") != secure {
			t.Errorf("with %q the cookies are %v", admin, cookies)
		}
	}
}
