package console

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// paced is an answer that notes what it was bound by whenever something was sent.
type paced struct {
	*httptest.ResponseRecorder
	until time.Time
	sent  []bool
}

func (p *paced) SetWriteDeadline(until time.Time) error {
	p.until = until
	return nil
}

func (p *paced) Write(b []byte) (int, error) {
	p.sent = append(p.sent, !p.until.IsZero())
	return p.ResponseRecorder.Write(b)
}

// Who takes nothing of a stream any more is not waited for; while nothing is sent, nothing is bounded.
func TestWhatIsSentIsToBeTaken(t *testing.T) {
	answer := &paced{ResponseRecorder: httptest.NewRecorder(), until: time.Now()}
	ctx, _ := gin.CreateTestContext(answer)
	end, err := beginStream(ctx)
	if err != nil || !answer.until.IsZero() {
		t.Errorf("it begins with a bound: %v", err)
	}
	for range 2 {
		if err := send(ctx, "overview", "how\nit is"); err != nil || !answer.until.IsZero() {
			t.Errorf("between two events there is a bound: %v", err)
		}
	}
	if end(); answer.until.IsZero() {
		t.Error("the end is not bounded")
	}
	if len(answer.sent) == 0 || slices.Contains(answer.sent, false) {
		t.Errorf("sent within a bound: %v", answer.sent)
	}
	if got := answer.Body.String(); got != "event: overview\ndata: how\ndata: it is\n\nevent: overview\ndata: how\ndata: it is\n\n" {
		t.Errorf("%q", got)
	}
}
