package web_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/demo"
)

// The demo page and the demo bot must name one shop and the same prices.
func TestDemoPageAgreesWithTheDemoShop(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("widget/src/demo/texts.ts")
	require.NoError(t, err)
	page := string(source)
	require.Contains(t, page, strconv.Quote(demo.ShopName))

	items, err := demo.Items()
	require.NoError(t, err)
	var answers []string
	for _, item := range items {
		answers = append(answers, item.Text)
	}

	products := regexp.MustCompile(`name: ("(?:[^"\\]|\\.)+"), about: .*, price: ([0-9_]+)`).FindAllStringSubmatch(page, -1)
	require.Len(t, products, strings.Count(page, `art: "`))
	require.NotEmpty(t, products)
	for _, product := range products {
		name, err := strconv.Unquote(product[1])
		require.NoError(t, err)
		price := strings.ReplaceAll(product[2], "_", " ") + " ₸"
		told := false
		for _, answer := range answers {
			told = told || strings.Contains(answer, name) && strings.Contains(answer, price)
		}
		require.True(t, told, "no answer of the bot names %s for %s", name, price)
	}
}
