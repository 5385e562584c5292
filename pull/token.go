package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"idaas-ldap/internal/secret"
)

// usualLife is how long a token is taken to live where IDaaS does not say.
const usualLife = 5 * time.Minute

// access returns a token, the one that is at hand or a new one (RFC 6749 section 4.4). The secret is sent in the body: addresses end up in
// the logs of proxies.
func (c *Client) access(ctx context.Context) (secret.Text, error) {
	c.mu.Lock()
	token, good := c.token, c.cfg.Clock().Before(c.renewAt)
	c.mu.Unlock()
	if !token.Empty() && good {
		return token, nil
	}
	with := c.cfg.Secret()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.cfg.ClientID}, "client_secret": {with.Reveal()}}
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return secret.Text{}, fmt.Errorf("make the request for a token: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token   string          `json:"access_token"`
		Expires json.RawMessage `json:"expires_in"`
	}
	at := c.cfg.Clock()
	if err := c.do(request, &answer, with); err != nil {
		return secret.Text{}, fmt.Errorf("ask for a token: %w", err)
	}
	switch n := len(answer.Token); {
	case n == 0:
		return secret.Text{}, errors.New("ask for a token: the answer of IDaaS holds none")
	case n > longestToken:
		return secret.Text{}, fmt.Errorf("ask for a token: that of IDaaS has %d bytes, and the longest that is taken has %d", n, longestToken)
	}
	life := usualLife
	if seconds, ok := number(answer.Expires); ok && seconds > 0 {
		life = time.Duration(min(seconds, 86_400)) * time.Second
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.renewAt = secret.New(answer.Token), at.Add(life*2/3)
	return c.token, nil
}

// forget drops a token that IDaaS does not take any more.
func (c *Client) forget(token secret.Text) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.Equal(token) {
		c.token = secret.Text{}
	}
}

// number reads a whole number, or the digits of one in a string.
func number(raw json.RawMessage) (int64, bool) {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `" `), 10, 64)
	return n, err == nil
}
