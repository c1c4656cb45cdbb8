// Package demo holds the shop that Parley shows itself with: an electronics
// store in Almaty and Astana with what it tells its customers in Russian,
// Kazakh and English. A few answers exist in Russian only, as in real shops.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/bot"
	"parley/dialogue"
	"parley/knowledge"
)

// ChannelSlug is the name of the demo shop's widget channel in addresses.
const ChannelSlug = "demo"

// ShopName is what the demo shop is called.
const ShopName = "Tumar Electronics"

// Source is the name of the demo shop's knowledge source.
const Source = "demo"

//go:embed shop.json
var shop []byte

// entry is one question and answer in the languages it exists in.
type entry struct {
	Key     string       `json:"key"`
	Russian *translation `json:"ru"`
	Kazakh  *translation `json:"kk"`
	English *translation `json:"en"`
}

type translation struct {
	Question string `json:"q"`
	Answer   string `json:"a"`
}

// Items returns the shop's questions and answers.
func Items() ([]knowledge.Item, error) {
	decoder := json.NewDecoder(bytes.NewReader(shop))
	decoder.DisallowUnknownFields()
	var entries []entry
	if err := decoder.Decode(&entries); err != nil {
		return nil, fmt.Errorf("read the demo shop: %w", err)
	}
	var items []knowledge.Item
	for _, e := range entries {
		add := func(lang dialogue.Language, t *translation) {
			if t != nil {
				items = append(items, knowledge.Item{
					Key: e.Key + "/" + string(lang), Group: e.Key, Language: lang, Question: t.Question, Text: t.Answer,
				})
			}
		}
		add(dialogue.Russian, e.Russian)
		add(dialogue.Kazakh, e.Kazakh)
		add(dialogue.English, e.English)
	}
	return items, nil
}

// Load puts the shop's knowledge into the database. Doing it again changes nothing.
func Load(ctx context.Context, pool *pgxpool.Pool) error {
	items, err := Items()
	if err != nil {
		return err
	}
	if err := knowledge.NewBase(pool).Import(ctx, Source, items); err != nil {
		return fmt.Errorf("load the demo shop: %w", err)
	}
	return nil
}

// Profile is how the demo shop's bot appears.
func Profile() bot.Profile {
	p := bot.DefaultProfile()
	p.Shop = ShopName
	p.Instructions = "Be friendly and brief. Suggest at most one accessory or service, and only when it fits. Never promise a discount that the knowledge does not name."
	p.TimeZone = "Asia/Almaty"
	return p
}
