package app

import (
	"idaas-ldap/console"
	"idaas-ldap/event"
)

// settings are what is in force, without secrets.
func (a *App) settings() console.Settings {
	in := a.current.Load()
	s := console.Settings{
		Version: a.version, Reloaded: a.reloadState(), Configuration: in.cfg.Shown(),
		Keys: []console.KeySet{}, Certificates: []console.Certificate{}, Files: []console.FileState{},
	}
	for _, k := range in.keys {
		_, state := k.state()
		set := console.KeySet{Application: k.application, State: state}
		if at := k.confirmed(); !at.IsZero() {
			set.Confirmed = event.Millis(at.UnixMilli())
		}
		s.Keys = append(s.Keys, set)
	}
	for _, c := range in.certificates() {
		trouble, _ := c.trouble(a.clock.Now())
		s.Certificates = append(s.Certificates, console.Certificate{
			Key: c.key, File: c.file, Subject: c.leaf.Subject.String(), Ends: event.Millis(c.leaf.NotAfter.UnixMilli()), Trouble: trouble,
		})
	}
	for _, h := range in.files() {
		if !isMapping(h) {
			s.Files = append(s.Files, console.FileState{Key: h.What(), State: stateOf(h)})
		}
	}
	return s
}
