// Package web embeds the built front ends: the operators' inbox and the website widget with its demo shop page. In a
// checkout where they have not been built yet the file systems are empty but for a placeholder.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:inbox/dist
var inbox embed.FS

//go:embed all:widget/dist
var widget embed.FS

// Inbox returns the built inbox: index.html and assets/.
func Inbox() fs.FS { return sub(inbox, "inbox/dist") }

// Widget returns the built widget: widget.js, app.html, demo.html and assets/.
func Widget() fs.FS { return sub(widget, "widget/dist") }

func sub(embedded embed.FS, dir string) fs.FS {
	files, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // dir is a constant of this file, so it is a valid path
	}
	return files
}
