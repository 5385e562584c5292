package console

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"

	"github.com/gin-gonic/gin"
)

//go:embed assets/*
var assetFiles embed.FS

//go:embed openapi.json
var openAPIDocument []byte

// asset is a file that pages load.
type asset struct {
	content []byte
	kind    string
	tag     string
}

func readAssets() (map[string]asset, error) {
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("list the files of the pages: %w", err)
	}
	assets := map[string]asset{}
	for _, file := range files {
		content, err := assetFiles.ReadFile("assets/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("read a file of the pages: %w", err)
		}
		digest := sha256.Sum256(content)
		assets[file.Name()] = asset{content, kindOf(file.Name()), `"` + base64.RawURLEncoding.EncodeToString(digest[:12]) + `"`}
	}
	return assets, nil
}

// kindOf returns the media type of a file. The tables of the system are not asked, as they differ.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}

// asset serves a file. A browser asks each time whether the one that it has is the same still.
func (c *Console) asset(ctx *gin.Context) {
	found, ok := c.assets[ctx.Param("name")]
	if !ok {
		c.fail(ctx, absent("there is nothing at this path"))
		return
	}
	ctx.Header("Cache-Control", "no-cache")
	ctx.Header("ETag", found.tag)
	if ctx.GetHeader("If-None-Match") == found.tag {
		ctx.Status(http.StatusNotModified)
		return
	}
	ctx.Data(http.StatusOK, found.kind, found.content)
}

func (c *Console) openAPI(ctx *gin.Context) {
	ctx.Data(http.StatusOK, "application/json", openAPIDocument)
}
