package bot

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"parley/dialogue"
)

// Profile is how a shop wants its bot to appear, and what it lets it use.
type Profile struct {
	Name         string                       `json:"name"`         // the bot's name, may be empty
	Shop         string                       `json:"shop"`         // the shop's name
	Instructions string                       `json:"instructions"` // the owner's own words to the model: tone, rules, what never to promise
	Disclose     bool                         `json:"disclose"`     // say at the beginning of a dialogue that a bot answers
	TimeZone     string                       `json:"time_zone"`    // IANA name, for dates, hours and the day of the caps; UTC when empty
	Hours        dialogue.Hours               `json:"hours"`        // when humans answer; empty: always
	Prices       *Prices                      `json:"prices"`       // nil: what the model costs is not known
	Caps         dialogue.Caps                `json:"caps"`
	Loops        dialogue.Loops               `json:"loops"`   // when it takes a customer for another program
	Notices      Notices                      `json:"notices"` // the owner's words at a handoff, in place of the usual ones
	Timers       dialogue.Timing              `json:"timers"`
	FollowUps    map[dialogue.Language]string `json:"follow_ups"` // the owner's words to a customer who has fallen silent, in place of the usual ones
}

// Prices are what the model's provider takes for a million tokens.
type Prices struct {
	Input    float64 `json:"input"`
	Output   float64 `json:"output"`
	Currency string  `json:"currency"` // ISO 4217
}

// Notices are texts by reason of the handoff and by language.
type Notices map[dialogue.HandoffReason]map[dialogue.Language]string

// DefaultProfile is the bot of a shop that has set nothing: without a name, and it
// says what it is.
func DefaultProfile() Profile {
	return Profile{Disclose: true, Caps: dialogue.DefaultCaps(), Loops: dialogue.DefaultLoops(), Timers: dialogue.DefaultTiming()}
}

// Limits of a profile's texts, in characters.
const (
	maxNameRunes         = 60
	maxShopRunes         = 100
	maxInstructionsRunes = 8000
	maxNoticeRunes       = 1000
)

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// Check says what is wrong with a profile, in words for who edits it.
func (p Profile) Check() error {
	for _, text := range []struct {
		field, value string
		limit        int
	}{{"name", p.Name, maxNameRunes}, {"shop", p.Shop, maxShopRunes}, {"instructions", p.Instructions, maxInstructionsRunes}} {
		if utf8.RuneCountInString(text.value) > text.limit {
			return invalid("%s has at most %d characters", text.field, text.limit)
		}
	}
	if strings.ContainsAny(p.Name+p.Shop, "\n\r") {
		return invalid("name and shop are one line each")
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil || p.TimeZone == "Local" {
		return invalid("time_zone is a name such as Asia/Almaty or Europe/Berlin, not %q", p.TimeZone)
	}
	if err := p.Hours.Check(); err != nil {
		return err
	}
	if err := p.checkCosts(); err != nil {
		return err
	}
	if err := p.Timers.Check(); err != nil {
		return err
	}
	if err := checkTexts("follow_ups", p.FollowUps); err != nil {
		return err
	}
	for reason, texts := range p.Notices {
		if Notice(reason, dialogue.Russian) == "" {
			return invalid("notices: %q is not a reason that customers are told; there are customer_asked, no_answer, bot_error and rule", reason)
		}
		if err := checkTexts("notices."+string(reason), texts); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts checks one text in several languages.
func checkTexts(field string, texts map[dialogue.Language]string) error {
	for lang, text := range texts {
		if dialogue.LanguageOfTag(string(lang)) != lang {
			return invalid("%s: %q is not a language; there are ru, kk and en", field, lang)
		}
		if utf8.RuneCountInString(text) > maxNoticeRunes {
			return invalid("%s.%s has at most %d characters", field, lang, maxNoticeRunes)
		}
	}
	return nil
}

func (p Profile) checkCosts() error {
	if p.Prices != nil {
		for field, price := range map[string]float64{"input": p.Prices.Input, "output": p.Prices.Output} {
			if !(price >= 0 && price <= 1e6) {
				return invalid("prices.%s is the price of a million tokens, from 0 to 1000000", field)
			}
		}
		if !currencyForm.MatchString(p.Prices.Currency) {
			return invalid("prices.currency is three capital letters such as USD or KZT")
		}
	}
	c := p.Caps
	if c.DialogueTurns < 0 || c.DayCalls < 0 || c.DayTokens < 0 || !(c.DayCost >= 0 && c.DayCost <= 1e9) {
		return invalid("caps are numbers from 0, where 0 means no limit")
	}
	if l := p.Loops; l.SameText < 0 || l.Per10Minutes < 0 {
		return invalid("loops are numbers from 0, where 0 means never")
	}
	if c.DayCost > 0 && p.Prices == nil {
		return invalid("caps.day_cost needs prices: without them nobody knows what a day costs")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return dialogue.Errorf(dialogue.CodeInvalid, format, args...)
}

// Location is the shop's time zone.
func (p Profile) Location() *time.Location {
	if loc, err := time.LoadLocation(p.TimeZone); err == nil {
		return loc
	}
	return time.UTC
}

// Cost is what tokens cost, in millionths of the currency's unit. It reports
// false when the prices are not known.
func (p Profile) Cost(u Usage) (micros int64, currency string, known bool) {
	if p.Prices == nil {
		return 0, "", false
	}
	// A price per million tokens is a price in millionths per token.
	cost := float64(u.PromptTokens)*p.Prices.Input + float64(u.CompletionTokens)*p.Prices.Output
	return int64(math.Round(cost)), p.Prices.Currency, true
}

// clock prints a time of day.
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
