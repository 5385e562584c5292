package config

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxBytes bounds the configuration file and files of secrets; larger ones are certainly not what was meant.
const maxBytes = 1 << 20

// byteOrderMark may stand in front of a text in UTF-8; editors of one system write it.
const byteOrderMark = "\ufeff"

// Load reads the configuration file at a path, with the overrides that an environment in the form of [os.Environ] makes.
//
// The warnings are about a configuration that is good as it is. The error is a [*Problems] if the configuration is
// wrong, and another one if the file cannot be read.
func Load(path string, environ []string) (*Config, []Warning, error) {
	text, mode, err := readFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	l := newLoader(path, text)
	if l.parse(text) {
		l.environment(environ)
		l.resolvePaths(filepath.Dir(path))
		l.warnOfWriters(mode)
		l.readSecrets(mode)
		l.validate()
	}
	if err := l.problems(); err != nil {
		return nil, nil, err
	}
	l.config.places = l.places()
	return l.config, l.warnings, nil
}

// readFile reads a file of a size that can be meant.
func readFile(path string) (text []byte, mode fs.FileMode, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err = io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, 0, err
	}
	if len(text) > maxBytes {
		return nil, 0, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return text, info.Mode(), nil
}
