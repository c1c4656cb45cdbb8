package api

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"parley/channel"
	"parley/channel/telegram"
	"parley/dialogue"
	"parley/intake"
	"parley/store/db"
)

func (s *Server) routeHooks(r *gin.RouterGroup) {
	r.POST("/telegram/:channel", s.telegramHook)
}

// hookChannel finds the channel that a webhook is for, with its secrets. A
// stranger learns nothing: an unknown channel looks like a wrong secret.
func (s *Server) hookChannel(c *gin.Context, kind string) (db.Channel, channel.Account, error) {
	unknown := dialogue.Errorf(dialogue.CodeUnauthorized, "the webhook's secret is missing or wrong")
	ch, err := s.Store.Channel(c, c.Param("channel"))
	if dialogue.ErrorCode(err) == dialogue.CodeNotFound || err == nil && ch.Kind != kind {
		return db.Channel{}, channel.Account{}, unknown
	}
	if err != nil {
		return db.Channel{}, channel.Account{}, err
	}
	account, err := s.Vault.Account(ch)
	return ch, account, err
}

// telegramHook takes an update. It answers 2xx only when the update is stored,
// or kept as a dead letter: Telegram holds back a chat's later updates behind one
// that fails. The answer has no body, which Telegram would take for a method call.
func (s *Server) telegramHook(c *gin.Context) {
	ch, account, err := s.hookChannel(c, channel.Telegram)
	if err != nil {
		s.fail(c, err)
		return
	}
	if !telegram.Authentic(account, c.Request.Header) {
		s.fail(c, dialogue.Errorf(dialogue.CodeUnauthorized, "the webhook's secret is missing or wrong"))
		return
	}
	if ch.DisabledAt != nil {
		// Telegram keeps what it has for a day, and asks again.
		s.fail(c, dialogue.Errorf(dialogue.CodeUnavailable, "the channel is switched off"))
		return
	}
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		s.fail(c, bodyError(err))
		return
	}
	if err := s.intake().Telegram(c, ch, body); err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusOK)
}

// intake stores what webhooks bring.
func (s *Server) intake() *intake.Intake {
	return &intake.Intake{Store: s.Store, Count: s.Observer, Log: s.Log}
}
