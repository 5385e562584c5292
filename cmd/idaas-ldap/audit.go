package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/config"
)

type auditCommand struct {
	List   auditListCommand   `cmd:"" help:"List what was written to directories, the newest last."`
	Verify auditVerifyCommand `cmd:"" help:"Look whether any line of the audit log was changed, removed, added or put elsewhere."`
}

type auditListCommand struct {
	configFlag
	Directory string `placeholder:"NAME" help:"Writes to one directory; to all of them otherwise."`
	Object    string `placeholder:"ID" help:"Writes for one user, unit or group, by its IDaaS id; for all otherwise."`
	DN        string `name:"dn" placeholder:"TEXT" help:"Writes to entries whose DN, before or after, has this in it, in any case; to all otherwise."`
	Since     string `placeholder:"WHEN" help:"Writes since a time such as 2026-01-31T08:00:00Z, or not longer ago than so much, such as 90m or 36h; since ever otherwise."`
	Limit     int    `default:"100" help:"How many at most, the last ones; 100 without it, 0 for all."`
	Output    string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

// Run lists records.
func (c auditListCommand) Run(t terminal) error {
	cfg, err := auditedConfig(c.configFlag, t)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
		return err
	}
	from, err := since(c.Since, time.Now())
	if err != nil {
		return err
	}
	found := []audit.Record{} // none are an empty list
	err = audit.Read(string(cfg.Audit.File), func(r audit.Record) bool {
		if c.wants(r) && r.At.UnixMilli() >= int64(from) {
			found = append(found, r)
			if c.Limit > 0 && len(found) > 2*c.Limit {
				found = slices.Delete(found, 0, len(found)-c.Limit)
			}
		}
		return true
	})
	if err != nil && len(found) == 0 {
		return err //nolint:wrapcheck // It names file and line.
	}
	if c.Limit > 0 && len(found) > c.Limit {
		found = found[len(found)-c.Limit:]
	}
	return errors.Join(c.show(t, found), err)
}

// auditedConfig is the configuration, which has to name an audit log.
func auditedConfig(flag configFlag, t terminal) (*config.Config, error) {
	cfg, err := loadConfig(flag.Config, t)
	if err == nil && cfg.Audit.File == "" {
		err = usageError{errors.New("no audit log is kept: name a file in audit.file")}
	}
	return cfg, err
}

func (c auditListCommand) wants(r audit.Record) bool {
	has := func(dn string) bool { return strings.Contains(strings.ToLower(dn), strings.ToLower(c.DN)) }
	return (c.Directory == "" || r.Directory == c.Directory) && (c.Object == "" || r.Object.ID == c.Object) &&
		(c.DN == "" || has(r.DN) || has(r.NewDN))
}

func (c auditListCommand) show(t terminal, records []audit.Record) error {
	if c.Output == "json" {
		return writeJSON(t.Out, records)
	}
	if len(records) == 0 {
		_, err := fmt.Fprintln(t.Out, "no writes")
		return err //nolint:wrapcheck // Of the terminal.
	}
	list := table{head: []string{"NUMBER", "TIME", "DIRECTORY", "OBJECT", "WRITE", "OUTCOME", "WHY"}}
	for _, r := range records {
		list.row(strconv.FormatInt(r.Seq, 10), r.At.Local().Format(time.RFC3339), r.Directory, r.Object.String(), writeOf(r), outcomeOf(r), whyOf(r))
	}
	return t.writeTable(list)
}

// writeOf says what was written.
func writeOf(r audit.Record) string {
	text := r.Operation + " " + r.DN
	if r.NewDN != "" {
		text += " -> " + r.NewDN
	}
	if r.Subtree {
		text += " with all below it"
	}
	names := make([]string, len(r.Changes))
	for i, c := range r.Changes {
		names[i] = c.Attribute
		if c.Old != nil || c.New != nil {
			names[i] += fmt.Sprintf(" %q -> %q", c.Old, c.New)
		}
	}
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

func outcomeOf(r audit.Record) string {
	if r.Reason != "" {
		return string(r.Outcome) + ": " + r.Reason
	}
	return string(r.Outcome)
}

// whyOf names the events, and who has approved.
func whyOf(r audit.Record) string {
	why := make([]string, len(r.Events))
	for i, e := range r.Events {
		why[i] = e.Type + " " + e.ID
		if e.ApprovedBy != "" {
			why[i] += ", approved by " + e.ApprovedBy
		}
	}
	if len(why) == 0 {
		return "its time, or another object that has moved"
	}
	return strings.Join(why, "; ")
}

type auditVerifyCommand struct {
	configFlag
	Output string `enum:"text,json" default:"text" help:"Form of the output: text or json; text without it."`
}

// Run looks through the log.
func (c auditVerifyCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := auditedConfig(c.configFlag, t)
	if err != nil {
		return err
	}
	digest, err := app.TrailDigest(cfg)
	if err != nil {
		return err //nolint:wrapcheck // It names the file.
	}
	s, err := app.OpenStoreToRead(ctx, cfg)
	if err != nil {
		return err //nolint:wrapcheck // It names the store.
	}
	report, err := audit.Verify(string(cfg.Audit.File), digest, func() (audit.End, error) { return app.TrailEnd(ctx, cfg, s) })
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if c.Output == "json" {
		err = writeJSON(t.Out, report)
	} else {
		for _, problem := range report.Problems {
			fmt.Fprintln(t.Out, problem)
		}
		if len(report.Problems) == 0 {
			_, err = fmt.Fprintf(t.Out, "%d records, from number %d to %d, are as they were written\n", report.Records, report.First, report.Last)
		}
		if !report.Remembered && err == nil {
			_, err = fmt.Fprintln(t.Out, "the store remembers no end of a log of this name, so nobody can tell whether its first or last lines were removed; it does from the next start of the service on")
		}
	}
	if err == nil && len(report.Problems) > 0 {
		err = errReported
	}
	return err //nolint:wrapcheck // Of the terminal.
}
