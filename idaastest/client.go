package idaastest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Result is one line of an answer.
type Result struct {
	EventID      string `json:"eventId"`
	EventCode    string `json:"eventCode"`
	EventMessage string `json:"eventMessage"`
}

// Answer is what a receiver answers.
type Answer struct {
	Status  int      `json:"-"`
	Success []Result `json:"successEvents"`
	Skipped []Result `json:"skippedEvents"`
	Failed  []Result `json:"failedEvents"`
	Retried []Result `json:"retriedEvents"`
	// Error and ErrorDescription are set where the request was refused.
	Error            string `json:"error"`
	ErrorDescription string `json:"errorDescription"`
	Body             string `json:"-"`
}

// Of returns the list that an event is in, and its line.
func (a Answer) Of(eventID string) (list string, result Result) {
	for name, results := range map[string][]Result{"success": a.Success, "skipped": a.Skipped, "failed": a.Failed, "retried": a.Retried} {
		for _, r := range results {
			if r.EventID == eventID {
				return name, r
			}
		}
	}
	return "", Result{}
}

// Retries are the pauses before IDaaS tries again.
func Retries() []time.Duration {
	return []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 10 * time.Second, 10 * time.Second}
}

// Client sends events as IDaaS does.
type Client struct {
	Tenant *Tenant
	URL    string
	HTTP   *http.Client
	// Retries are the pauses between tries; none to try once.
	Retries []time.Duration
	// AnswerWithin is how long to wait for an answer; 10 s, as IDaaS does, if zero.
	AnswerWithin time.Duration
}

// answerTime is how long IDaaS waits for an answer.
const answerTime = 10 * time.Second

// Send sends events in one request and returns the answer to the last try.
func (c *Client) Send(ctx context.Context, events ...Event) (Answer, error) {
	token, err := c.Tenant.Token(events)
	if err != nil {
		return Answer{}, err
	}
	return c.SendToken(ctx, token)
}

// SendToken sends a token and tries again until it is answered with 200 or there are no tries left.
func (c *Client) SendToken(ctx context.Context, token string) (Answer, error) {
	body, err := json.Marshal(map[string]string{"event": token})
	if err != nil {
		return Answer{}, fmt.Errorf("encode the body: %w", err)
	}
	answer, err := c.Post(ctx, body)
	for _, pause := range c.Retries {
		if err == nil && answer.Status == http.StatusOK {
			break
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer, fmt.Errorf("send: %w", ctx.Err())
		}
		answer, err = c.Post(ctx, body)
	}
	return answer, err
}

// Post sends a body once.
func (c *Client) Post(ctx context.Context, body []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.AnswerWithin, answerTime))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("send: %w", err)
	}
	request.Header.Set("Content-Type", "application/json;charset=utf-8")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("send: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read from
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	answer := Answer{Status: response.StatusCode, Body: string(text)}
	_ = json.Unmarshal(text, &answer) // an answer that is not JSON shows as its status and body
	return answer, nil
}
