package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/demo"
	"parley/dialogue"
	"parley/knowledge"
	"parley/testenv"
)

// offlineBot is the offline responder over the demo shop.
func offlineBot(t *testing.T) *bot.Bot {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, demo.Load(t.Context(), pool))
	return bot.New(bot.Deps{Knowledge: knowledge.NewBase(pool), Model: bot.Offline{}})
}

// asks makes an input of customer's messages; those before "|" are history.
func asks(texts ...string) bot.Input {
	in := bot.Input{Profile: bot.Profile{Shop: demo.ShopName}}
	for i, text := range texts {
		l := bot.Line{Seq: int64(i + 1), Author: dialogue.AuthorCustomer, Text: text}
		if text == "|" {
			in.History, in.Questions = in.Questions, nil
			continue
		}
		in.Questions = append(in.Questions, l)
	}
	return in
}

func groups(passages []knowledge.Passage) []string {
	out := []string{}
	for _, p := range passages {
		out = append(out, p.Group)
	}
	return out
}

type asked struct {
	text string
	want string // groups that answer it, any of them
}

func answerable() []asked {
	return []asked{
		// Russian: paraphrases, colloquial, misspelt
		{"Сколько стоит доставка в Алматы?", "delivery-cities"},
		{"а доставка по астане платная?", "delivery-cities"},
		{"за сколько привезёте в Астану?", "delivery-cities"},
		{"доставляете в Караганду?", "delivery-kazakhstan"},
		{"есть доставка в регионы", "delivery-kazakhstan"},
		{"можете привезти сегодня? очень срочно", "delivery-express"},
		{"хочу сам забрать из магазина", "pickup"},
		{"самовывоз есть?", "pickup"},
		{"как можно оплатить заказ", "payment"},
		{"каспи кюар принимаете?", "payment"},
		{"можно оплатить картой курьеру при получении?", "payment"},
		{"в рассрочку можно взять?", "instalments"},
		{"есть ли кредит без переплаты и первого взноса", "instalments"},
		{"расрочка есть?", "instalments"},
		{"какая гарантия?", "warranty"},
		{"гарнтия сколько месяцев", "warranty"},
		{"можно вернуть если не понравится?", "returns"},
		{"как оформить возврат", "returns"},
		{"купил телефон а он не включается", "defect"},
		{"пришел бракованный товар что делать", "defect"},
		{"примете старый айфон в счёт нового?", "trade-in"},
		{"трейд ин есть", "trade-in"},
		{"до скольки работаете?", "hours"},
		{"вы в воскресенье открыты?", "hours"},
		{"график работы", "hours"},
		{"где вы находитесь в алматы", "address-almaty"},
		{"адрес магазина в астане подскажите", "address-astana"},
		{"номер телефона ваш можно?", "contacts"},
		{"скока стоит айфон 16", "iphone-16"},
		{"iphone16 есть в наличии?", "iphone-16"},
		{"цена на айфон 16 про", "iphone-16-pro"},
		{"сколько стоит самсунг с25", "galaxy-s25"},
		{"Samsung A56 почём?", "galaxy-a56"},
		{"редми ноут 14 цена", "redmi-note-14"},
		{"какие телефоны есть в продаже?", "phones"},
		{"макбук эйр сколько стоит", "macbook-air"},
		{"нужен ноут для учебы", "laptop-study"},
		{"игровой ноутбук есть?", "laptop-gaming"},
		{"телеки какие есть", "tvs"},
		{"сколько стоит олед телевизор LG", "tvs"},
		{"эирподс про есть?", "airpods"},
		{"наушники с шумодавом", "headphones"},
		{"плойка пятая сколько стоит? пс5", "ps5"},
		{"умные часы есть?", "watch"},
		{"планшеты какие у вас", "tablets"},
		{"разбил экран, почините?", "repair"},
		{"сколько стоит замена экрана на айфоне", "repair"},
		{"мы ТОО, выставите счёт с НДС?", "corporate"},
		{"бонусы как работают", "bonus"},
		{"студентам скидка есть?", "discounts"},
		{"промокод есть какой-нибудь?", "discounts"},
		{"где мой заказ?", "order-status"},
		{"хочу отменить заказ", "cancel"},
		{"у вас оригинал или копия?", "original"},
		{"подарочный сертификат хочу купить", "gift-card"},
		{"перенесёте данные со старого телефона на новый?", "setup"},
		{"чехлы на айфон есть?", "accessories"},
		{"повесите телевизор на стену?", "tv-mounting"},
		{"где можно припарковаться?", "parking"},
		{"бу телефоны продаёте?", "display-models"},
		{"страховка на телефон есть?", "insurance"},
		// Kazakh: with and without its letters
		{"Жеткізу бар ма?", "delivery-cities delivery-kazakhstan"},
		{"Шымкентке жеткізесіздер ме?", "delivery-kazakhstan"},
		{"жеткизу канша турады алматыда", "delivery-cities"},
		{"бүгін жеткізіп бере аласыздар ма", "delivery-express"},
		{"өзім келіп алып кетсем бола ма", "pickup"},
		{"картамен төлеуге бола ма?", "payment"},
		{"болип толеу бар ма", "instalments"},
		{"рассрочкаға алсам бола ма", "instalments"},
		{"кепілдік қанша ай?", "warranty"},
		{"тауарды қайтаруға бола ма?", "returns"},
		{"телефон істемейді не істеймін", "defect"},
		{"ескі телефонды жаңаға ауыстыруға бола ма", "trade-in"},
		{"нешеге дейін жұмыс істейсіздер", "hours"},
		{"Алматыда дүкен қайда", "address-almaty"},
		{"айфон 16 канша турады", "iphone-16"},
		{"самсунг s25 бағасы қанша", "galaxy-s25"},
		{"қандай ноутбук алсам болады оқуға", "laptop-study"},
		{"құлаққап бар ма", "headphones airpods"},
		{"теледидар қанша тұрады", "tvs"},
		{"экранын жөндейсіз бе?", "repair"},
		{"студенттерге жеңілдік бар ма", "discounts"},
		{"тапсырысым қайда", "order-status"},
		{"бұл түпнұсқа ма?", "original"},
		{"көлік тұрағы бар ма?", "parking"},
		{"телефонды сақтандыруға бола ма", "insurance"},
		{"теледидарды қабырғаға іліп бересіздер ме", "tv-mounting"},
		{"қолданылған телефон сатасыздар ма", "display-models"},
		// English
		{"how much is shipping to Almaty?", "delivery-cities"},
		{"do you ship to other cities", "delivery-kazakhstan"},
		{"can i get it today", "delivery-express"},
		{"can I collect it from the store?", "pickup"},
		{"can i pay by credit card", "payment"},
		{"do you have installments without interest", "instalments"},
		{"what's the waranty on laptops", "warranty"},
		{"can I get a refund if I change my mind", "returns"},
		{"my phone arrived broken", "defect repair"},
		{"do you take old phones as part exchange", "trade-in"},
		{"what time do you close", "hours"},
		{"are you open on sunday", "hours"},
		{"where is your shop in Astana", "address-astana"},
		{"iphone 16 price", "iphone-16"},
		{"how much for the 16 pro iphone", "iphone-16-pro"},
		{"do you have ps5 in stock", "ps5"},
		{"gaming laptop?", "laptop-gaming"},
		{"do you fix cracked screens", "repair"},
		{"invoice for a company", "corporate"},
		{"track my order", "order-status"},
		{"are these original?", "original"},
		{"do you have parking", "parking"},
		{"can i insure my phone", "insurance"},
		{"do you mount TVs on the wall", "tv-mounting"},
	}
}

func unanswerable() []string {
	return []string{
		"какая погода завтра в Алматы?", "нужна ли виза в Турцию?", "велосипеды продаёте?", "сколько стоит велосипед", "есть ли у вас холодильники?",
		"iphone 12 есть?", "сколько стоит айфон 15 про макс", "есть Samsung Galaxy S23?", "можно заказать пиццу?", "кто президент Казахстана", "помогите написать реферат по истории",
		"какой курс доллара?", "есть вакансии продавца?", "почините мне стиральную машину?", "где купить билеты на концерт", "вы доставляете в Москву цветы?", "какой фильм посмотреть вечером",
		"сколько весит слон", "ваш директор кто?", "расскажи анекдот", "посоветуй хороший ресторан", "кондиционеры устанавливаете?", "есть ли дайсон?", "сдаёте ли технику в аренду?",
		"do you sell bicycles", "what is the capital of France", "do you rent cameras", "write me a poem about spring", "how do I get a visa", "do you have fridges?", "iphone 13 price", "is it going to rain tomorrow", "can you book a hotel for me", "do you sell shoes",
		"велосипед сатасыздар ма?", "ауа райы қандай?", "тоңазытқыш бар ма?", "айфон 11 канша турады", "пицца жеткізесіздер ме", "президент кім?", "мектепке қалай түсуге болады", "ән айтып берші",
	}
}

func TestOfflineAnswersFromTheKnowledgeBase(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	right, all := 0, answerable()
	for _, q := range all {
		answer, err := b.Answer(t.Context(), asks(q.text), nil)
		require.NoError(t, err)
		if answer.Handoff == "" && slices.ContainsFunc(groups(answer.Sources), func(g string) bool { return slices.Contains(strings.Fields(q.want), g) }) {
			right++
			continue
		}
		t.Logf("%q: %s", q.text, describe(answer, q.want))
	}
	t.Logf("answered rightly: %d of %d", right, len(all))
	require.GreaterOrEqual(t, float64(right)/float64(len(all)), 0.9)
}

func TestOfflineHandsOffWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	right, all := 0, unanswerable()
	for _, q := range all {
		answer, err := b.Answer(t.Context(), asks(q), nil)
		require.NoError(t, err)
		if answer.Handoff == dialogue.HandoffNoAnswer {
			right++
			continue
		}
		t.Logf("%q: %s", q, describe(answer, "handoff"))
	}
	t.Logf("handed off rightly: %d of %d", right, len(all))
	require.GreaterOrEqual(t, float64(right)/float64(len(all)), 0.95)
}

func describe(a bot.Answer, want string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "want %s, handoff %q:", want, a.Handoff)
	for _, p := range a.Sources {
		fmt.Fprintf(&b, " %s/%s %.2f (%.1f)", p.Group, p.Language, p.Confidence, p.Score)
	}
	return b.String()
}
