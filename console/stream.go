package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// dataLines is a text as the data of a server-sent event.
func dataLines(text string) string {
	return "data: " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\ndata: ") + "\n"
}

// part makes one part of a page.
func (c *Console) part(l language, name string, view any) (string, error) {
	var text bytes.Buffer
	if err := c.pages[l].ExecuteTemplate(&text, name, view); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	return text.String(), nil
}

func encoded(what any) (string, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return "", fmt.Errorf("encode an answer: %w", err)
	}
	return string(text), nil
}
