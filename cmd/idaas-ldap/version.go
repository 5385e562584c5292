package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker; without that, the version of the module is shown.
var version string // The linker can only set a global.

type versionCommand struct {
	Output string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

// Run prints what was built from what.
func (c versionCommand) Run(t terminal) error {
	v := currentVersion()
	if c.Output == "json" {
		return json.NewEncoder(t.Out).Encode(map[string]string{"version": v, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintln(t.Out, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("idaas-ldap %s (%s, %s/%s)", currentVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}
