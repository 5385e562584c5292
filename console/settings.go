package console

import (
	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/config"
)

// Settings is what is in force, without secrets.
type Settings struct {
	Version string `json:"version"`
	// Reloaded says what came of the last time that the configuration was read again.
	Reloaded      string           `json:"reloaded"`
	Keys          []KeySet         `json:"keys"`
	Certificates  []Certificate    `json:"certificates"`
	Files         []FileState      `json:"files"`
	Configuration []config.Setting `json:"configuration"`
}

// KeySet are the keys that one application signs with.
type KeySet struct {
	Application string `json:"application"`
	// State is ok, or what there is to say.
	State string `json:"state"`
	// Confirmed is when the set was fetched, or found to be the same, last; zero while there is none.
	Confirmed event.Millis `json:"confirmed,omitempty"`
}

// Certificate is one that is shown or trusted.
type Certificate struct {
	Key     string       `json:"key"`
	File    string       `json:"file"`
	Subject string       `json:"subject"`
	Ends    event.Millis `json:"ends"`
	// Trouble says what is wrong, or will be soon, with it.
	Trouble string `json:"trouble,omitempty"`
}

// FileState says whether what a file of the configuration says is in force.
type FileState struct {
	Key   string `json:"key"`
	State string `json:"state"`
}

// settingsView is what the page of settings shows.
type settingsView struct {
	Settings
	Mappings []mappingRow `json:"mappings"`
}

func (c *Console) settings() settingsView { return settingsView{c.Config.Settings(), c.mappings()} }

func (c *Console) settingsPage(ctx *gin.Context) { c.show(ctx, "settings", c.settings(), nil) }

func (c *Console) settingsAPI(ctx *gin.Context) { c.answer(ctx, c.settings(), nil) }
