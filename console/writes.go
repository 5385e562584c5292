package console

import (
	"net/url"

	"github.com/gin-gonic/gin"

	"idaas-ldap/internal/audit"
)

// writeList is a page of what was written to directories.
type writeList struct {
	Writes []audit.Record `json:"writes"`
	// Next is the before of the next page, zero where nothing follows.
	Next int64 `json:"next,omitempty"`
	// Kept: there is a log of writes.
	Kept bool `json:"kept"`
}

// writes returns a page of the log of writes, the newest first.
func (c *Console) writes(values url.Values) (writeList, error) {
	before, err := numberIn(values, "before")
	if err != nil {
		return writeList{}, err
	}
	list := writeList{Writes: []audit.Record{}}
	path := c.Trail()
	if path == "" {
		return list, nil
	}
	list.Kept = true
	records, err := audit.Last(path, before, pageSize)
	if err != nil {
		return list, err //nolint:wrapcheck // It names the file.
	}
	list.Writes = append(list.Writes, records...)
	if n := len(records); n > 0 && records[n-1].Seq > 1 {
		list.Next = records[n-1].Seq
	}
	return list, nil
}

func (c *Console) writesPage(ctx *gin.Context) {
	list, err := c.writes(ctx.Request.URL.Query())
	c.show(ctx, "writes", list, err)
}

func (c *Console) writesAPI(ctx *gin.Context) {
	list, err := c.writes(ctx.Request.URL.Query())
	c.answer(ctx, list, err)
}
