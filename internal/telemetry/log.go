package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sirupsen/logrus"
	logrusslog "github.com/sirupsen/logrus/hooks/slog"
)

// LogConfig says what is logged, how and where.
type LogConfig struct {
	Level  string // debug, info, warn or error
	Format string // text or json
	Out    io.Writer
}

// NewLogger returns the logger of the program. It is safe for concurrent use.
func NewLogger(cfg LogConfig) (*logrus.Logger, error) {
	logger := logrus.New()
	logger.SetOutput(cfg.Out)
	return logger, Adjust(logger, cfg.Level, cfg.Format)
}

// Adjust changes what a logger of [NewLogger] logs from now on, and how.
func Adjust(logger *logrus.Logger, level, format string) error {
	parsed, err := logrus.ParseLevel(level)
	if err != nil {
		return fmt.Errorf("log level %q: not one of debug, info, warn, error", level)
	}
	switch format {
	case "text":
		logger.SetFormatter(&formatter{inner: &logrus.TextFormatter{DisableColors: true, TimestampFormat: time.RFC3339Nano}})
	case "json":
		logger.SetFormatter(&formatter{inner: &logrus.JSONFormatter{DisableHTMLEscape: true, TimestampFormat: time.RFC3339Nano}})
	default:
		return fmt.Errorf("log format %q: not one of text, json", format)
	}
	logger.SetLevel(parsed)
	return nil
}

// Slog returns a logger of the standard library that writes to logger, for libraries that want one.
func Slog(logger *logrus.Logger) *slog.Logger {
	return slog.New(logrusslog.NewHandler(logger, nil))
}
