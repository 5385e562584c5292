package telemetry

import (
	"fmt"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/sirupsen/logrus"
)

// RetryLogger returns what an HTTP client with retries writes its log to. Its debug entries are one for each try.
func RetryLogger(log logrus.FieldLogger) retryablehttp.LeveledLogger { return retryLogger{log} }

type retryLogger struct{ log logrus.FieldLogger }

func (l retryLogger) Error(message string, pairs ...any) { l.with(pairs).Error(message) }
func (l retryLogger) Warn(message string, pairs ...any)  { l.with(pairs).Warn(message) }
func (l retryLogger) Info(message string, pairs ...any)  { l.with(pairs).Info(message) }
func (l retryLogger) Debug(message string, pairs ...any) { l.with(pairs).Debug(message) }

func (l retryLogger) with(pairs []any) logrus.FieldLogger {
	log := l.log
	for i := 0; i+1 < len(pairs); i += 2 {
		log = log.WithField(fmt.Sprint(pairs[i]), pairs[i+1])
	}
	return log
}
