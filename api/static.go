package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"parley/demo"
	"parley/dialogue"
	"parley/web"
)

// staticOptions is what the pages of the front ends are served from.
type staticOptions struct {
	Inbox  fs.FS // index.html and assets/, or nothing when it is not built; nil: the embedded one
	Widget fs.FS // widget.js, app.html, demo.html and assets/, or nothing when it is not built; nil: the embedded one
	// AllowedOrigins returns the origins of the sites that may show a widget channel, named by id or slug. None: every site may.
	AllowedOrigins func(ctx context.Context, channel string) ([]string, error)
	Log            *slog.Logger // nil: the default one
}

const (
	inboxPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
	widgetPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors "
	demoPolicy = "default-src 'self'; img-src 'self' data:; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

	cacheForever    = "public, max-age=31536000, immutable" // for names that hold a hash of the content
	cacheShort      = "public, max-age=300"                 // for names that other sites' pages hold
	cacheRevalidate = "no-cache"
)

// mountStatic serves the inbox at /, /login and /d/*, the widget at /widget.js and /widget/app, and the demo shop page
// at /demo where there is a demo shop. Every file has a route of its own, so that an unknown path is left to whoever else wants it. It panics when
// the files cannot be read, which embedded ones always can.
func mountStatic(r gin.IRouter, o staticOptions) {
	if o.Inbox == nil {
		o.Inbox = web.Inbox()
	}
	if o.Widget == nil {
		o.Widget = web.Widget()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	inbox, err := loadAssets(o.Inbox)
	if err != nil {
		panic(fmt.Errorf("load the inbox: %w", err))
	}
	widget, err := loadAssets(o.Widget)
	if err != nil {
		panic(fmt.Errorf("load the widget: %w", err))
	}

	for name, file := range inbox {
		if strings.HasPrefix(name, "assets/") {
			get(r, "/"+name, file.serve(assetCache(name)))
		}
	}
	page := headers(inbox.page("index.html", "inbox"), "Content-Security-Policy", inboxPolicy, "Referrer-Policy", "same-origin")
	for _, route := range []string{"/", "/login", "/d/*path"} {
		get(r, route, page)
	}

	for name, file := range widget {
		if strings.HasPrefix(name, "assets/") {
			get(r, "/widget/"+name, file.serve(assetCache(name)))
		}
	}
	loader := widget.page("widget.js", "widget")
	if file, ok := widget["widget.js"]; ok {
		loader = file.serve(cacheShort)
	}
	get(r, "/widget.js", headers(loader, "Access-Control-Allow-Origin", "*", "Cross-Origin-Resource-Policy", "cross-origin"))
	get(r, "/widget/app", widgetApp(widget.page("app.html", "widget"), o))
	demoShop := headers(widget.page("demo.html", "demo page"), "Content-Security-Policy", demoPolicy, "Referrer-Policy", "same-origin")
	get(r, "/demo", func(c *gin.Context) {
		if _, err := o.AllowedOrigins(c.Request.Context(), demo.ChannelSlug); dialogue.ErrorCode(err) == dialogue.CodeNotFound {
			sentence(c, http.StatusNotFound, "There is no demo shop here.")
			return
		}
		demoShop(c)
	})
}

// widgetApp serves the page inside the widget's frame, to the sites that its channel allows. The widget relies on this
// policy: whoever talks to it from the page around it has passed it.
func widgetApp(page gin.HandlerFunc, o staticOptions) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Referrer-Policy", "no-referrer")
		channel := c.Query("channel")
		origins, err := o.AllowedOrigins(c.Request.Context(), channel)
		if err != nil {
			c.Header("Content-Security-Policy", widgetPolicy+"'none'")
			if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
				sentence(c, http.StatusNotFound, "There is no such widget channel.")
				return
			}
			o.Log.ErrorContext(c.Request.Context(), "read the allowed sites of a widget channel", "channel", channel, "error", err)
			sentence(c, http.StatusServiceUnavailable, "The chat cannot be shown at the moment. Please try again in a minute.")
			return
		}
		c.Header("Content-Security-Policy", widgetPolicy+frameAncestors(origins))
		page(c)
	}
}

// frameAncestors words a list of allowed origins. What is not an origin is left out: it would end the directive or
// allow more than was meant.
func frameAncestors(origins []string) string {
	if len(origins) == 0 {
		return "*"
	}
	sources := []string{"'self'"}
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || !hostPattern.MatchString(u.Host) {
			continue
		}
		sources = append(sources, u.Scheme+"://"+u.Host)
	}
	return strings.Join(sources, " ")
}

var (
	hostPattern   = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?$`)
	hashedPattern = regexp.MustCompile(`-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)
)

func assetCache(name string) string {
	if hashedPattern.MatchString(name) {
		return cacheForever
	}
	return cacheShort
}

// asset is one file in memory, plain and compressed.
type asset struct {
	contentType   string
	plain, zipped []byte // zipped is nil when it would not be smaller
	tag           string // of the content, without quotes
}

type assets map[string]*asset

func loadAssets(files fs.FS) (assets, error) {
	loaded := make(assets)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Base(name) == ".gitkeep" {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		loaded[name], err = newAsset(name, content)
		return err
	})
	return loaded, err
}

func newAsset(name string, content []byte) (*asset, error) {
	sum := sha256.Sum256(content)
	a := &asset{contentType: contentType(name), plain: content, tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
	if !compressible(a.contentType) {
		return a, nil
	}
	var buffer bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if _, err := zip.Write(content); err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if buffer.Len() < len(content) {
		a.zipped = buffer.Bytes()
	}
	return a, nil
}

func (a *asset) serve(cache string) gin.HandlerFunc {
	return func(c *gin.Context) {
		body, tag := a.plain, `"`+a.tag+`"`
		zipped := a.zipped != nil && acceptsGzip(c.Request.Header)
		if zipped {
			body, tag = a.zipped, `"`+a.tag+`-gz"`
		}
		if a.zipped != nil {
			c.Header("Vary", "Accept-Encoding")
		}
		c.Header("Cache-Control", cache)
		c.Header("ETag", tag)
		c.Header("X-Content-Type-Options", "nosniff")
		if matches(c.GetHeader("If-None-Match"), tag) {
			c.Status(http.StatusNotModified)
			return
		}
		if zipped {
			c.Header("Content-Encoding", "gzip")
		}
		c.Header("Content-Length", strconv.Itoa(len(body)))
		c.Data(http.StatusOK, a.contentType, body)
	}
}

// page serves a file that must be asked for anew each time, or says how to build it.
func (a assets) page(name, what string) gin.HandlerFunc {
	if file, ok := a[name]; ok {
		return file.serve(cacheRevalidate)
	}
	return func(c *gin.Context) {
		sentence(c, http.StatusServiceUnavailable, "The "+what+" is not built. Run `make build` and start Parley again.")
	}
}

func sentence(c *gin.Context, status int, text string) {
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
	c.String(status, "%s\n", text)
}

func get(r gin.IRouter, route string, handler gin.HandlerFunc) {
	r.GET(route, handler)
	r.HEAD(route, handler)
}

// headers sets the given names and values before next runs.
func headers(next gin.HandlerFunc, namesAndValues ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		for i := 0; i+1 < len(namesAndValues); i += 2 {
			c.Header(namesAndValues[i], namesAndValues[i+1])
		}
		next(c)
	}
}

func matches(ifNoneMatch, tag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == tag || candidate == "*" {
			return true
		}
	}
	return false
}

func acceptsGzip(header http.Header) bool {
	for _, value := range header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
			if strings.EqualFold(name, "gzip") {
				return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight, "q=0.") != ""
			}
		}
	}
	return false
}

// contentType does not ask the operating system, whose tables differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

func compressible(contentType string) bool {
	for _, prefix := range []string{"text/", "application/json", "application/manifest+json", "image/svg+xml"} {
		if strings.HasPrefix(contentType, prefix) {
			return true
		}
	}
	return false
}
