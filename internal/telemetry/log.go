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
	level, err := logrus.ParseLevel(cfg.Level)
	if err != nil {
		return nil, fmt.Errorf("log level %q: not one of debug, info, warn, error", cfg.Level)
	}
	logger := logrus.New()
	logger.SetOutput(cfg.Out)
	logger.SetLevel(level)
	switch cfg.Format {
	case "text":
		logger.SetFormatter(&formatter{inner: &logrus.TextFormatter{DisableColors: true, TimestampFormat: time.RFC3339Nano}})
	case "json":
		logger.SetFormatter(&formatter{inner: &logrus.JSONFormatter{DisableHTMLEscape: true, TimestampFormat: time.RFC3339Nano}})
	default:
		return nil, fmt.Errorf("log format %q: not one of text, json", cfg.Format)
	}
	return logger, nil
}

// Slog returns a logger of the standard library that writes to logger, for libraries that want one.
func Slog(logger *logrus.Logger) *slog.Logger {
	return slog.New(logrusslog.NewHandler(logger, nil))
}
