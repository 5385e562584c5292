package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// takeWithin is how long whoever is sent something of a stream may need to take it: who takes nothing any more holds no place for long.
const takeWithin = 30 * time.Second

// soon is when what is sent now has to be taken.
func soon() time.Time {
	return time.Now().Add(takeWithin) //nolint:forbidigo // Connections know no other clock.
}

// sendUntil bounds until when an answer is to be taken; the zero time is no bound, for as long as nothing is sent.
func sendUntil(ctx *gin.Context, end time.Time) error {
	if err := http.NewResponseController(ctx.Writer).SetWriteDeadline(end); err != nil {
		return fmt.Errorf("bound how long an answer takes: %w", err)
	}
	return nil
}

// beginStream begins an answer of server-sent events. End is to be called when nothing is sent any more.
func beginStream(ctx *gin.Context) (end func(), err error) {
	if err := sendUntil(ctx, time.Time{}); err != nil {
		return nil, err
	}
	ctx.Header("Content-Type", "text/event-stream")
	ctx.Status(http.StatusOK)
	return func() { _ = sendUntil(ctx, soon()) }, nil // it could be set at the beginning
}

// send sends one server-sent event.
func send(ctx *gin.Context, name, text string) error {
	if err := sendUntil(ctx, soon()); err != nil {
		return err
	}
	if _, err := fmt.Fprint(ctx.Writer, "event: ", name, "\n", dataLines(text), "\n"); err != nil {
		return fmt.Errorf("send how it is: %w", err)
	}
	ctx.Writer.Flush()
	return sendUntil(ctx, time.Time{})
}

// dataLines is a text as the data of a server-sent event.
func dataLines(text string) string {
	return "data: " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\ndata: ") + "\n"
}

// part makes one part of a page.
func (c *Console) part(l language, name string, view any) (string, error) {
	var text bytes.Buffer
	if err := c.pages[l].ExecuteTemplate(&text, name, view); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	return text.String(), nil
}

func encoded(what any) (string, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return "", fmt.Errorf("encode an answer: %w", err)
	}
	return string(text), nil
}
