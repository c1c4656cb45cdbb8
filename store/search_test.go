package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/store"
)

// What operators type to find a message: a part of a word, of a telephone number,
// of an address, of the number of an order.
func TestSearchFindsPartsOfWhatWasWritten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	texts := []string{
		"Позвоните мне: +7 (701) 123-45-67",
		"пишите на Anna.Petrova@shop.kz",
		"Заказ №A-1234/56, вес 1.5 кг",
		"вот: https://shop.kz/tovar/chainik?id=42",
		"Пришлите счёт-фактуру",
		"Тапсырысыңыз қашан жеткізіледі? Ұялы: ІҢҒҮҰҚӨҺ",
		"<b>Bold</b> & snake_case, it's 100%",
		"Заказ номер ORD2024ABC оплачен",
	}
	ids := make([]uuid.UUID, len(texts))
	for i, text := range texts {
		ids[i] = b.write(fmt.Sprint("thread", i), "1", text).Dialogue.ID
	}
	for search, want := range map[string][]int{
		"701 123": {0}, "123-45-67": {0}, "+7 (701) 123-45-67": {0}, "45": {0}, "4567": {},
		"anna": {1}, "petrova": {1}, "anna.petrova@shop.kz": {1}, "ANNA.PETROVA@SHOP": {1}, "shop.kz": {1, 3},
		"A-1234": {2}, "1234/56": {2}, "№A-1234/56": {2}, "1.5 кг": {2},
		"chainik": {3}, "https://shop.kz/tovar": {3}, "id=42": {3},
		"счет": {4}, "СЧЁТ": {4}, "счёт-фактуру": {4}, "фактур": {4},
		"тапсырыс": {5}, "жеткіз қашан": {5}, "іңғүұқөһ": {5}, "Ұялы": {5},
		"bold": {6}, "snake_case": {6}, "case": {6}, "it's": {6}, "100%": {6},
		"ord2024": {7}, "заказ": {2, 7}, "заказ ORD": {7},
		"':*": {}, "%": {}, "a & b": {}, "!заказ": {2, 7}, "<->": {}, `\`: {}, "no such word": {},
	} {
		found := []uuid.UUID{}
		list, err := b.ListDialogues(ctx, store.DialogueFilter{Search: search}, nil, 50)
		require.NoError(t, err, search)
		for _, d := range list {
			found = append(found, d.ID)
		}
		wanted := []uuid.UUID{}
		for _, i := range want {
			wanted = append(wanted, ids[i])
		}
		require.ElementsMatch(t, wanted, found, "search for %q", search)
	}
}
