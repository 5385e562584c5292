package pull

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// throttling is what the codes begin with that ask for fewer requests.
const throttling = "Throttling"

// mayRetry tells faults that pass from those that do not. Throttling may come with any status, so the body has to say.
func mayRetry(ctx context.Context, response *http.Response, err error) (bool, error) {
	if err != nil || ctx.Err() != nil {
		return retryablehttp.ErrorPropagatedRetryPolicy(ctx, response, err) //nolint:wrapcheck // It is wrapped where it is known what was asked.
	}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		return true, nil
	case status >= http.StatusBadRequest:
		return strings.HasPrefix(problemOf(response).Code, throttling), nil
	}
	return false, nil
}

// pause is how long to wait before the next try: what IDaaS asks for, or else longer each time, and never the same for everybody.
func (c *Client) pause(least, longest time.Duration, attempt int, response *http.Response) time.Duration {
	if response != nil {
		if asked, ok := c.askedPause(response.Header); ok {
			return min(asked, longestAsked)
		}
	}
	wait := longest
	if attempt < 6 {
		wait = min(longest, least<<attempt)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return wait/2 + time.Duration(c.cfg.Rand.Int64N(int64(wait/2)))
}

// askedPause is the pause that an answer asks for: in the Retry-After of HTTP (RFC 9110 section 10.2.3), or in the headers by which other
// services of Alibaba say it, in milliseconds.
func (c *Client) askedPause(header http.Header) (time.Duration, bool) {
	if text := header.Get("Retry-After"); text != "" {
		if seconds, ok := number([]byte(text)); ok && seconds >= 0 {
			return time.Duration(min(seconds, int64(longestAsked.Seconds()))) * time.Second, true
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, at.Sub(c.cfg.Clock())), true
		}
	}
	for _, name := range []string{"x-ratelimit-user-api", "x-ratelimit-user"} {
		for pair := range strings.SplitSeq(header.Get(name), ",") {
			key, value, _ := strings.Cut(pair, ":")
			if ms, ok := number([]byte(value)); ok && ms >= 0 && strings.EqualFold(strings.TrimSpace(key), "TimeLeft") {
				return time.Duration(min(ms, longestAsked.Milliseconds())) * time.Millisecond, true
			}
		}
	}
	return 0, false
}
