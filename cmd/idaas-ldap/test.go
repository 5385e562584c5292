package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

type testCommand struct {
	Mappings []string `arg:"" name:"mapping" type:"path" help:"Mapping files, one or more."`
	Update   bool     `help:"Write into each expect that differs what would be written now, and leave the rest of the file as it is."`
	Output   string   `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

type testLine struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Test  string `json:"test"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Run runs the tests of mapping files.
func (c testCommand) Run(t terminal) error {
	lines := []testLine{} // none are an empty list in JSON
	var wrong []error
	for _, path := range c.Mappings {
		set, err := compileMapping(path)
		if err == nil && c.Update {
			set, err = updateTests(t, path, set)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, result := range mappingtest.Run(set) {
			line := testLine{File: path, Line: result.Line, Test: result.Name, OK: result.Err == nil}
			if result.Err != nil {
				line.Error = result.Err.Error()
			}
			lines = append(lines, line)
		}
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	failed := 0
	for _, l := range lines {
		if !l.OK {
			failed++
		}
	}
	if c.Output == "json" {
		if err := writeJSON(t.Out, lines); err != nil {
			return err
		}
	} else {
		for _, l := range lines {
			if !l.OK {
				fmt.Fprintf(t.Out, "FAILED %s:%d: %s\n%s\n\n", l.File, l.Line, l.Test, l.Error)
			}
		}
		fmt.Fprintf(t.Out, "%d passed, %d failed\n", len(lines)-failed, failed)
	}
	if failed > 0 {
		return errReported
	}
	return nil
}

func compileMapping(path string) (*mapping.Set, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, configError{fmt.Errorf("read the mapping: %w", err)}
	}
	return mapping.Compile(filepath.Clean(path), source)
}
