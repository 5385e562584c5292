package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/online"
)

type validateCommand struct {
	configFlag
	Online bool   `help:"Connect to every server of the directories, to the key endpoints and to IDaaS's own API: bind, look whether writes are taken, compare the mapping with the schema, ask for a token and the first pages. At most two minutes for each directory; without it nothing is connected to."`
	Rights bool   `help:"With --online: make a unit, a user and a group with idaas-ldap-test-... in their names, do to them all that the mapping can need, and remove them."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

// onlineWithin bounds the look at one directory, in which some hundred writes try the rights.
const onlineWithin = 2 * time.Minute

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

// Run does what the service does when it starts, without serving anything, and looks at the directories where that is asked for.
func (c validateCommand) Run(ctx context.Context, t terminal) error {
	if c.Rights && !c.Online {
		return usageError{errors.New("--rights writes to the directories, so it goes with --online")}
	}
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	log := quietLog(t.Err)
	found := app.Examine(ctx, cfg, quietLog(io.Discard)) // What is wrong is in what it finds.
	for _, note := range found.Notes {
		fmt.Fprintf(t.Err, "warning: %s\n", note)
	}
	if c.Online {
		// Where the store cannot be opened that was found already, and nobody knows which directories these were.
		if memory, err := app.OpenStoreToRead(ctx, cfg); err == nil {
			defer memory.Close()
			for _, d := range found.Directories {
				d.RecogniseBy(memory, false)
			}
		}
	}
	all, wrong := []validated{}, false
	if c.Online {
		asking, stop := context.WithTimeout(ctx, onlineWithin)
		problems, notes := found.AskSources(asking)
		stop()
		for _, note := range notes {
			fmt.Fprintf(t.Err, "warning: %s\n", note)
		}
		for _, problem := range append(found.FetchKeys(ctx), problems...) {
			fmt.Fprintln(t.Err, problem)
			wrong = true
		}
	}
	for _, d := range found.Directories {
		defer d.Server.Close()
		v := validated{
			Directory: d.Name, Mapping: string(d.Config.Mapping), Tests: len(d.Mapping().Tests()), Online: c.Online,
			Problems: []string{}, Notes: []string{},
		}
		if c.Online {
			progress := t.busy("looking at " + d.Name)
			c.lookAt(ctx, cfg, d, log, &v)
			progress.end()
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
	switch {
	case len(found.Problems) > 0:
		return errors.Join(found.Problems...)
	case wrong:
		return errReported
	}
	return nil
}

// lookAt connects to a directory: to each of its servers, and then to the one that is used.
func (c validateCommand) lookAt(ctx context.Context, cfg *config.Config, d *app.Directory, log *logrus.Logger, v *validated) {
	ctx, cancel := context.WithTimeout(ctx, onlineWithin)
	defer cancel()
	name := "idaas-ldap-test-" + strings.ToLower(rand.Text()[:10])
	usable := 0
	err := d.Each(log, func(key string, server *connector.Directory) {
		err := online.CheckServer(ctx, online.Server{Server: server, Base: d.Mapping().Base()})
		if err != nil {
			v.Problems = append(v.Problems, cfg.Problem(key, err.Error()).String())
			return
		}
		usable++
	})
	if err != nil || usable == 0 {
		return // every server has said why
	}
	look := online.Directory{
		Server: d.Server, Mapping: d.Mapping(), Type: d.Config.Type, PasswordSync: d.Config.PasswordSync, Who: d.Config.BindDN, TestName: name,
		Now: event.Millis(time.Now().UnixMilli()),
	}
	if c.Rights {
		sample, err := d.Sample(ctx, name, look.Now)
		if err != nil {
			v.Problems = append(v.Problems, err.Error())
			return
		}
		look.Sample = &sample
	}
	report, err := online.Check(ctx, look)
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
		fmt.Fprintf(t.Out, "%s: the directory answers, and its schema has all that the mapping writes\n", v.Directory)
	}
}
