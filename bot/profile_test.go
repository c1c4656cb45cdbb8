package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
)

// workdays are Monday to Friday, with a break at noon.
func workdays() bot.Profile {
	p := bot.DefaultProfile()
	p.TimeZone, p.Hours = "Asia/Almaty", dialogue.Hours{}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		p.Hours[day] = []dialogue.Interval{{From: "10:00", To: "13:00"}, {From: "14:30", To: "19:00"}}
	}
	return p
}

func TestNoticesKnowTheHours(t *testing.T) {
	t.Parallel()
	almaty, err := time.LoadLocation("Asia/Almaty")
	require.NoError(t, err)
	// 2 March 2026 is a Monday.
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, 3, day, hour, minute, 0, 0, almaty).UTC()
	}
	for name, c := range map[string]struct {
		now        time.Time
		ru, kk, en string // empty: humans are there
	}{
		"in the morning":       {at(2, 9, 59), "сегодня с 10:00", "бүгін сағат 10:00-ден бастап", "today from 10:00"},
		"at the opening":       {at(2, 10, 0), "", "", ""},
		"during the break":     {at(2, 13, 0), "сегодня с 14:30", "бүгін сағат 14:30-дан бастап", "today from 14:30"},
		"in the evening":       {at(2, 19, 0), "завтра с 10:00", "ертең сағат 10:00-ден бастап", "tomorrow from 10:00"},
		"just before midnight": {at(2, 23, 59), "завтра с 10:00", "ертең сағат 10:00-ден бастап", "tomorrow from 10:00"},
		"on Friday evening":    {at(6, 20, 0), "в понедельник с 10:00", "дүйсенбі күні сағат 10:00-ден бастап", "on Monday from 10:00"},
		"on Sunday":            {at(8, 12, 0), "завтра с 10:00", "ертең сағат 10:00-ден бастап", "tomorrow from 10:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for lang, when := range map[dialogue.Language]string{dialogue.Russian: c.ru, dialogue.Kazakh: c.kk, dialogue.English: c.en} {
				for _, reason := range []dialogue.HandoffReason{dialogue.HandoffCustomerAsked, dialogue.HandoffNoAnswer, dialogue.HandoffBotError, dialogue.HandoffRule} {
					text := workdays().Notice(reason, "", lang, c.now)
					if when == "" {
						require.Equal(t, bot.Notice(reason, lang), text)
						continue
					}
					require.Contains(t, text, when)
					require.Equal(t, lang, bot.DetectLanguage(text, ""), text)
					require.False(t, bot.AsksForHuman(text), text)
				}
			}
		})
	}
}

func TestShopThatOpensOnceAWeek(t *testing.T) {
	t.Parallel()
	p := bot.DefaultProfile()
	p.Hours = dialogue.Hours{"mon": {{From: "10:00", To: "12:05"}}}
	text := p.Notice(dialogue.HandoffNoAnswer, "", dialogue.Russian, time.Date(2026, 3, 2, 12, 5, 0, 0, time.UTC))
	require.Contains(t, text, "в следующий понедельник с 10:00")
}

func TestOwnersWordsAtAHandoff(t *testing.T) {
	t.Parallel()
	p := workdays()
	p.Notices = bot.Notices{dialogue.HandoffNoAnswer: {dialogue.Russian: "Уточню у коллег!"}}
	open, closed := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	require.Equal(t, "Уточню у коллег!", p.Notice(dialogue.HandoffNoAnswer, "", dialogue.Russian, open))
	require.Equal(t, "Уточню у коллег! Сейчас нерабочее время, сотрудник ответит вам здесь сегодня с 10:00.", p.Notice(dialogue.HandoffNoAnswer, "", dialogue.Russian, closed))
	require.Equal(t, bot.Notice(dialogue.HandoffNoAnswer, dialogue.English), p.Notice(dialogue.HandoffNoAnswer, "", dialogue.English, open))
	require.NotEqual(t, p.Notice(dialogue.HandoffRule, "", dialogue.Russian, open), p.Notice(dialogue.HandoffRule, dialogue.CapDayCost, dialogue.Russian, open))
	require.Empty(t, p.Notice(dialogue.HandoffOperator, "", dialogue.Russian, open))
}

// Kazakh suffixes go by the number that is read last.
func TestKazakhTimes(t *testing.T) {
	t.Parallel()
	for opens, want := range map[string]string{
		"09:00": "09:00-ден", "08:05": "08:05-тен", "09:10": "09:10-нан", "09:15": "09:15-тен", "09:20": "09:20-дан", "09:26": "09:26-дан",
		"09:30": "09:30-дан", "09:40": "09:40-тан", "09:50": "09:50-ден", "09:59": "09:59-дан", "09:01": "09:01-ден",
	} {
		p := bot.DefaultProfile()
		p.Hours = dialogue.Hours{"tue": {{From: opens, To: "24:00"}}}
		require.Contains(t, p.Notice(dialogue.HandoffRule, "", dialogue.Kazakh, time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC)), "ертең сағат "+want+" бастап")
	}
}

func TestProfileCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, bot.DefaultProfile().Check())
	require.NoError(t, workdays().Check())
	for says, change := range map[string]func(p *bot.Profile){
		"name has at most":         func(p *bot.Profile) { p.Name = strings.Repeat("я", 61) },
		"instructions has at most": func(p *bot.Profile) { p.Instructions = strings.Repeat("я", 8001) },
		"one line":                 func(p *bot.Profile) { p.Shop = "a\nb" },
		"time_zone":                func(p *bot.Profile) { p.TimeZone = "Local" },
		"no time at all":           func(p *bot.Profile) { p.Hours = dialogue.Hours{"mon": nil} },
		"not a time of day":        func(p *bot.Profile) { p.Hours["mon"] = []dialogue.Interval{{From: "9:00", To: "25:00"}} },
		"do not overlap": func(p *bot.Profile) {
			p.Hours["mon"] = []dialogue.Interval{{From: "09:00", To: "12:00"}, {From: "11:00", To: "13:00"}}
		},
		"prices.input":          func(p *bot.Profile) { p.Prices = &bot.Prices{Input: -1, Currency: "USD"} },
		"three capital letters": func(p *bot.Profile) { p.Prices = &bot.Prices{Currency: "$"} },
		"needs prices":          func(p *bot.Profile) { p.Caps.DayCost = 1 },
		"loops are numbers":     func(p *bot.Profile) { p.Loops.Per10Minutes = -1 },
		"not a language":        func(p *bot.Profile) { p.Notices = bot.Notices{dialogue.HandoffRule: {"de": "x"}} },
	} {
		p := workdays()
		change(&p)
		err := p.Check()
		require.ErrorContains(t, err, says)
		require.Equal(t, dialogue.CodeInvalid, dialogue.ErrorCode(err))
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	p := bot.DefaultProfile()
	_, _, known := p.Cost(bot.Usage{PromptTokens: 1000})
	require.False(t, known)
	p.Prices = &bot.Prices{Input: 0.15, Output: 0.6, Currency: "USD"}
	micros, currency, known := p.Cost(bot.Usage{PromptTokens: 2000, CompletionTokens: 100})
	require.True(t, known)
	require.Equal(t, []any{int64(360), "USD"}, []any{micros, currency})
}

// What a shop tells the bot makes another bot of it, and answers say which one gave them.
func TestPromptVersionTellsWhichBotAnswered(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	version := func(change func(p *bot.Profile)) string {
		in := asks("Есть доставка?")
		change(&in.Profile)
		answer, err := b.Answer(t.Context(), in, nil)
		require.NoError(t, err)
		return answer.PromptVersion
	}
	same := version(func(*bot.Profile) {})
	require.Equal(t, same, version(func(p *bot.Profile) { p.TimeZone = "Asia/Almaty" }))
	require.NotEqual(t, same, version(func(p *bot.Profile) { p.Instructions = "Be brief." }))
	require.NotEqual(t, same, version(func(p *bot.Profile) { p.Shop = "Alem" }))
}
