// Package widget holds what the website widget's channel is configured with. It
// has no adapter: messages come in by the API, and reach the visitor through the
// stream as soon as they are committed.
package widget

import (
	"net/url"

	"parley/dialogue"
)

// IdentityKind is the kind of identity that a widget session is.
const IdentityKind = "widget_session"

// Settings are what an admin sets for a widget channel.
type Settings struct {
	// AllowedOrigins are the origins ("https://shop.kz") of the sites that may
	// show the widget. None: every site may.
	AllowedOrigins []string `json:"allowed_origins,omitempty"`
}

// Check says what is wrong with settings, if anything.
func (s Settings) Check() error {
	for _, o := range s.AllowedOrigins {
		u, err := url.Parse(o)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.String() != u.Scheme+"://"+u.Host {
			return dialogue.Errorf(dialogue.CodeInvalid, "allowed_origins: %q is no origin such as https://shop.example", o)
		}
	}
	return nil
}
