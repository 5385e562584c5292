package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"idaas-ldap/internal/secret"
)

// How often and how long a webhook is tried.
const (
	hookRepeats                   = 4
	hookLeast, hookLongest        = 2 * time.Second, 30 * time.Second
	hookWithin                    = 10 * time.Second
	largestHookAnswer       int64 = 64 << 10
	longestReason                 = 200
	shortestSecretInAddress       = 8
)

// WebhookConfig is what a webhook is made from.
type WebhookConfig struct {
	// Form is one of the words of this package.
	Form string
	// URL is where messages are posted; it is a secret, as whoever knows it may post there.
	URL secret.Text
	// Secret signs messages; empty where they are not signed.
	Secret secret.Text
	// Roots are whom to trust; nil for those of the system.
	Roots *x509.CertPool
	Clock func() time.Time
	// Within bounds one try, Pause is that after the first one; zero for what is usual.
	Within, Pause time.Duration
}

// Webhook posts messages.
type Webhook struct {
	cfg     WebhookConfig
	form    form
	address *url.URL
	client  *retryablehttp.Client
}

// NewWebhook returns a webhook. Nothing is sent yet.
func NewWebhook(cfg WebhookConfig) (*Webhook, error) {
	form, err := formOf(cfg.Form)
	if err != nil {
		return nil, err
	}
	w := &Webhook{cfg: cfg, form: form}
	if w.address, err = url.Parse(cfg.URL.Reveal()); err != nil || w.address.Host == "" {
		return nil, errors.New("the URL of the webhook cannot be read")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // It is documented to be one.
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots}
	transport.DisableKeepAlives = true // Messages are hours apart.
	client := retryablehttp.NewClient()
	client.Logger = nil // It would write the URL.
	client.HTTPClient = &http.Client{
		Transport: transport, Timeout: or(cfg.Within, hookWithin),
		// A redirect would carry the message to whomever it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = hookRepeats, or(cfg.Pause, hookLeast), hookLongest
	client.CheckRetry, client.ErrorHandler = w.mayRetry, retryablehttp.PassthroughErrorHandler
	client.Backoff = func(least, longest time.Duration, attempt int, response *http.Response) time.Duration {
		return min(retryablehttp.DefaultBackoff(least, longest, attempt, response), longest) // also where the receiver asks for hours
	}
	w.client = client
	return w, nil
}

func or(given, usual time.Duration) time.Duration {
	if given == 0 {
		return usual
	}
	return given
}

// Send posts a message.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	now := w.cfg.Clock()
	body, err := json.Marshal(w.form.body(m, w.cfg.Secret, now))
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	address := *w.address
	if w.form.sign != nil && !w.cfg.Secret.Empty() {
		w.form.sign(&address, w.cfg.Secret, now)
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, address.String(), body)
	if err != nil {
		return errors.New("the URL of the webhook cannot be used")
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "idaas-ldap")
	if w.form.header != nil && !w.cfg.Secret.Empty() {
		request.Header.Set(w.form.header(body, w.cfg.Secret, now))
	}
	response, err := w.client.Do(request)
	if err != nil {
		return fmt.Errorf("post to %s: %w", address.Host, w.withoutSecrets(err))
	}
	defer response.Body.Close()
	if v := w.verdictOn(response); !v.taken {
		return fmt.Errorf("post to %s: %w", address.Host, w.withoutSecrets(errors.New(v.reason)))
	}
	return nil
}

// mayRetry tells faults that pass from those that do not.
func (w *Webhook) mayRetry(ctx context.Context, response *http.Response, err error) (bool, error) {
	if err != nil || ctx.Err() != nil {
		return retryablehttp.ErrorPropagatedRetryPolicy(ctx, response, err) //nolint:wrapcheck // It is wrapped where it is known what was sent.
	}
	return w.verdictOn(response).again, nil
}

// verdictOn says what an answer means. The beginning of its body can be read again afterwards.
func (w *Webhook) verdictOn(response *http.Response) verdict {
	body, err := io.ReadAll(io.LimitReader(response.Body, largestHookAnswer))
	response.Body = readAgain{bytes.NewReader(body), response.Body}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		return verdict{again: true, reason: "the answer is " + response.Status}
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return verdict{reason: "the answer is " + response.Status + ", and a redirect is not followed"}
	case status < http.StatusOK || status >= http.StatusMultipleChoices:
		return verdict{reason: "the answer is " + response.Status}
	case err != nil:
		return verdict{reason: "the answer broke off, so the message may have arrived: " + err.Error()}
	}
	return w.form.answer(body)
}

// readAgain is a body whose beginning was read already.
type readAgain struct {
	io.Reader
	io.Closer
}

// withoutSecrets returns an error without the URL, the parts of it that may be a secret, and the key.
func (w *Webhook) withoutSecrets(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err // the URL is in its text
	}
	text := err.Error()
	for _, part := range w.hidden() {
		if len(part) >= shortestSecretInAddress {
			text = strings.ReplaceAll(text, part, secret.Mask)
		}
	}
	return errors.New(plain(text, longestReason))
}

// hidden are the key, the URL and what of it may be a secret, as it is and as it is written in an address.
func (w *Webhook) hidden() []string {
	hidden := []string{w.cfg.URL.Reveal(), w.cfg.Secret.Reveal()}
	hidden = append(hidden, strings.Split(w.address.Path, "/")...)
	hidden = append(hidden, strings.Split(w.address.EscapedPath(), "/")...)
	for _, values := range w.address.Query() {
		hidden = append(hidden, values...)
	}
	for pair := range strings.SplitSeq(w.address.RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		hidden = append(hidden, value)
	}
	if w.address.User != nil {
		password, _ := w.address.User.Password()
		hidden = append(hidden, w.address.User.Username(), password, w.address.User.String())
	}
	return hidden
}
