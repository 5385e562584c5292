package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/online"
)

type validateCommand struct {
	configFlag
	Online    bool   `help:"Connect to the directories: bind, compare the mapping with the schema, and ask what the bind account may write."`
	WriteTest bool   `help:"With --online: add one entry ou=idaas-ldap-test-... below the root of the units, and remove it."`
	Output    string `enum:"text,json" default:"text" help:"Form of the output: ${enum}."`
}

// onlineWithin bounds the look at one directory.
const onlineWithin = 30 * time.Second

// validated is what was found out about one directory.
type validated struct {
	Directory string `json:"directory"`
	Mapping   string `json:"mapping"`
	Tests     int    `json:"tests"`
	Online    bool   `json:"online"`
	// Problems and Notes come from the directory.
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`
}

// Run checks the configuration and its mapping files.
func (c validateCommand) Run(ctx context.Context, t terminal) error {
	if c.WriteTest && !c.Online {
		return usageError{errors.New("--write-test writes to the directories, so it goes with --online")}
	}
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	directories, err := app.OpenDirectories(cfg, quietLog(t.Err), nil)
	if err != nil {
		return err
	}
	var all []validated
	wrong := false
	for _, d := range directories {
		defer d.Server.Close()
		v := validated{
			Directory: d.Name, Mapping: string(d.Config.Mapping), Tests: len(d.Mapping().RunTests()), Online: c.Online,
			Problems: []string{}, Notes: []string{},
		}
		if c.Online {
			c.lookAt(ctx, d, &v)
		}
		wrong = wrong || len(v.Problems) > 0
		all = append(all, v)
		if c.Output == "text" {
			v.write(t)
		}
	}
	if c.Output == "json" {
		if err := writeJSON(t.Out, all); err != nil {
			return err
		}
	}
	if wrong {
		return errReported
	}
	return nil
}

// lookAt connects to a directory.
func (c validateCommand) lookAt(ctx context.Context, d *app.Directory, v *validated) {
	ctx, cancel := context.WithTimeout(ctx, onlineWithin)
	defer cancel()
	report, err := online.Check(ctx, online.Directory{
		Server: d.Server, Mapping: d.Mapping(), PasswordSync: d.Config.PasswordSync,
		WriteTest: c.WriteTest, TestName: "idaas-ldap-test-" + strings.ToLower(rand.Text()[:10]),
	})
	v.Problems, v.Notes = append(v.Problems, report.Problems...), append(v.Notes, report.Notes...)
	if err != nil {
		v.Problems = append(v.Problems, err.Error())
	}
}

func (v validated) write(t terminal) {
	fmt.Fprintf(t.Out, "%s: the mapping %s is good, %d tests passed\n", v.Directory, v.Mapping, v.Tests)
	for _, p := range v.Problems {
		fmt.Fprintf(t.Err, "%s: %s\n", v.Directory, p)
	}
	for _, n := range v.Notes {
		fmt.Fprintf(t.Out, "%s: %s\n", v.Directory, n)
	}
	if v.Online && len(v.Problems) == 0 {
		fmt.Fprintf(t.Out, "%s: the directory answers, and takes all that the mapping writes\n", v.Directory)
	}
}
