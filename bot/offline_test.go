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
		// More of all three
		{"Добрый день, доставка до квартиры есть?", "delivery-cities"},
		{"сколько идёт посылка в Актобе", "delivery-kazakhstan"},
		{"отправляете казпочтой в аул?", "delivery-kazakhstan"},
		{"мне надо чтобы привезли через пару часов", "delivery-express"},
		{"если закажу утром, к вечеру привезете?", "delivery-express delivery-cities"},
		{"бесплатная доставка от какой суммы", "delivery-cities delivery-kazakhstan"},
		{"а можно я сама заеду заберу?", "pickup"},
		{"сколько дней вы храните заказ", "pickup"},
		{"мастеркард принимаете?", "payment"},
		{"наличкой можно?", "payment"},
		{"каспи ред / рассрочка на год есть?", "instalments"},
		{"без первоначального взноса дадите?", "instalments"},
		{"мне нужен кредит на телефон", "instalments"},
		{"что с гарантией на тв", "warranty tvs"},
		{"гарантийный талон даёте?", "warranty"},
		{"мне не подошли наушники, могу сдать обратно?", "returns"},
		{"сколько дней на возврат", "returns"},
		{"вернёте деньги если передумаю?", "returns"},
		{"экран мерцает что делать", "defect repair"},
		{"возьмёте мой старый самсунг с доплатой?", "trade-in"},
		{"сколько дадите за старый айфон", "trade-in"},
		{"во сколько открываетесь завтра", "hours"},
		{"вы сегодня до скольки", "hours"},
		{"на каком проспекте вы в алмате", "address-almaty"},
		{"как до вас доехать в астане", "address-astana"},
		{"скиньте ваш ватсап", "contacts"},
		{"почем 16 айфон", "iphone-16"},
		{"айфон 16 256 гигов цена?", "iphone-16"},
		{"16 pro есть?", "iphone-16-pro"},
		{"galaxy s25 какие цвета", "galaxy-s25"},
		{"А56 есть? сколько", "galaxy-a56"},
		{"ксиоми редми ноут 14 про какая камера", "redmi-note-14"},
		{"хочу смартфон, что посоветуете", "phones"},
		{"ноутбук дочке в универ", "laptop-study"},
		{"ноут чтобы играть", "laptop-gaming"},
		{"телевизор самсунг 55 дюймов цена", "tvs"},
		{"беспроводные наушники соньки", "headphones"},
		{"аирподс 4 цена", "airpods"},
		{"пс 5 есть в наличии?", "ps5"},
		{"эпл вотч почём", "watch"},
		{"айпад есть?", "tablets"},
		{"чините ноутбуки?", "repair"},
		{"мы компания, можно по безналу купить 10 ноутбуков?", "corporate"},
		{"кэшбек есть у вас?", "bonus"},
		{"есть ли акции на этой неделе?", "discounts"},
		{"заказал три дня назад, где посылка?", "order-status"},
		{"передумал, отмените заказ", "cancel"},
		{"не китайская подделка?", "original"},
		{"хочу подарить сертификат на 50000", "gift-card"},
		{"поможете настроить новый айфон?", "setup"},
		{"зарядка type-c есть?", "accessories"},
		{"защитное стекло наклеите?", "accessories"},
		{"есть витринные телефоны со скидкой?", "display-models"},
		{"Қарағандыға қанша күнде жетеді", "delivery-kazakhstan"},
		{"жеткизу тегин бе", "delivery-cities delivery-kazakhstan"},
		{"Каспимен төлесем бола ма", "payment instalments"},
		{"несиеге алуға бола ма", "instalments"},
		{"кепилдик бересиздер ме", "warranty"},
		{"ұнамаса қайтарып аласыздар ма", "returns"},
		{"дүкен нешеде ашылады", "hours"},
		{"Астанадағы мекенжайларыңыз қандай", "address-astana"},
		{"нөмірлеріңізді жазып жіберіңізші", "contacts"},
		{"айфон 16 про бағасы", "iphone-16-pro"},
		{"ойын ноутбугы керек", "laptop-gaming"},
		{"сағат бар ма apple", "watch"},
		{"ескі айфонымды өткізсем қанша бересіздер", "trade-in"},
		{"заңды тұлғаларға сатасыздар ма", "corporate"},
		{"чехол бар ма", "accessories"},
		{"бонустарымды қалай қолданам", "bonus"},
		{"how long does delivery to Shymkent take", "delivery-kazakhstan"},
		{"is delivery free?", "delivery-cities delivery-kazakhstan"},
		{"can I pay cash on delivery", "payment"},
		{"monthly payments for an iphone?", "instalments iphone-16"},
		{"is there a guarantee", "warranty"},
		{"return policy?", "returns"},
		{"opening times please", "hours"},
		{"whats your address in almaty", "address-almaty"},
		{"samsung s25 price?", "galaxy-s25"},
		{"cheapest phone you have", "phones"},
		{"noise cancelling headphones", "headphones"},
		{"macbook air m4 how much", "macbook-air"},
		{"do you give student discounts", "discounts"},
		{"i want to cancel my order", "cancel"},
		{"can you move my data from my old phone", "setup"},
		{"used phones?", "display-models"},
		{"здрасьте, до какого числа можно вернуть товар", "returns"},
		{"у меня чек потерялся, гарантия действует?", "warranty"},
		{"курьеру можно наличными отдать?", "payment"},
		{"халык рассрочка", "instalments"},
		{"хочу обменять наушники на другие", "returns"},
		{"приставка сони сколько", "ps5"},
		{"самый дешевый смартфон какой", "phones"},
		{"самсунг галакси а56 есть 256гб?", "galaxy-a56"},
		{"у вас есть айфоны?", "iphone-16 phones iphone-16-pro"},
		{"макбук м4 512 цена", "macbook-air"},
		{"лджи олед 55", "tvs"},
		{"jbl наушники", "headphones"},
		{"ремонт айфона сколько по времени", "repair"},
		{"треснул экран", "repair"},
		{"выезд мастера для установки телевизора", "tv-mounting"},
		{"счет фактуру даете?", "corporate"},
		{"оптом дешевле будет?", "corporate"},
		{"бонусами можно расплатиться?", "bonus"},
		{"есть подарочные карты?", "gift-card"},
		{"в субботу до скольки", "hours"},
		{"работаете на новый год?", "hours"},
		{"в алмате где самовывоз", "address-almaty pickup"},
		{"ваши филиалы в астане", "address-astana"},
		{"трек номер пришлете?", "order-status"},
		{"доставите в талдыкорган?", "delivery-kazakhstan"},
		{"срочная доставка сколько стоит", "delivery-express"},
		{"перекинете контакты со старого телефона?", "setup"},
		{"Бүгін алып келе аласыз ба?", "delivery-express"},
		{"жеткизу канша кун", "delivery-kazakhstan delivery-cities"},
		{"ақшаны қалай қайтарасыздар", "returns cancel"},
		{"самсунг а56 бар ма", "galaxy-a56"},
		{"кредитке ноутбук алсам бола ма", "instalments"},
		{"жексенбіде ашықсыздар ма", "hours"},
		{"тауар ақаулы болып шықты", "defect"},
		{"планшет керек", "tablets"},
		{"макбук канша", "macbook-air"},
		{"теледидарға кепілдік қанша", "warranty tvs"},
		{"нөміріңіз қандай", "contacts"},
		{"which phones do you sell", "phones"},
		{"is trade in possible for laptops", "trade-in"},
		{"delivery to Aktobe cost", "delivery-kazakhstan"},
		{"how do bonuses work", "bonus"},
		{"phone cases for iphone", "accessories"},
		{"repair macbook", "repair"},
		{"55 inch tv price", "tvs"},
		{"smart watch", "watch"},
		{"gift voucher", "gift-card"},
		{"how can I contact you", "contacts"},
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
		"есть ли у вас матрасы?", "сколько лететь до Алматы", "можно ли с собакой в магазин", "как приготовить плов", "вы проводите экскурсии?", "нужен сантехник", "сколько стоит подписка на нетфликс", "кто выиграл матч вчера", "посудомойка есть?", "принтеры продаёте?", "фотоаппарат canon есть?", "как поменять пароль в инстаграм", "почему небо голубое", "iphone 14 pro сколько", "samsung s24 ultra цена", "redmi note 12 есть", "ps4 есть?", "квартиры в аренду", "доставляете ли еду", "где получить ЭЦП", "у вас есть работа для меня?",
		"кітап сатасыздар ма?", "принтер бар ма", "наурыз қашан", "айфон 13 бағасы", "такси шақырып бер", "тұрмыстық техника: кір жуғыш машина бар ма", "сіздерде тамақ бар ма",
		"do you have dishwashers", "translate this text for me", "where can I get a SIM card for tourists", "do you sell cars", "what's the bitcoin price", "iphone 14 in stock?", "can I bring my dog", "galaxy s23 price", "best restaurant in Almaty", "do you sell coffee machines",
		"айфон16 про макс бар ма", "кредит одобрят с испорченной историей?", "батарею поменяете на айфоне?",
		"сколько калорий в банане", "как удалить аккаунт", "есть утюги?", "микроволновки продаёте?", "мне скучно", "где заказать такси", "телефон бабушки потерялся в автобусе", "кто создал айфон", "есть гитары?", "сколько людей живёт в Астане", "как накрутить подписчиков", "есть sony xperia?", "huawei p60 есть?", "iphone se цена", "у вас есть туалет?", "можно снять квартиру посуточно", "что такое любовь", "газовая плита есть?",
		"кофе машина бар ма", "қазір сағат неше", "гитара сатасыздар ма", "айфон 14 про бар ма", "ең биік тау қайсы", "доллар канша",
		"who are you voting for", "do you sell guitars", "how tall is Everest", "google pixel 9 price", "can you recommend a doctor", "is there a pool", "ps4 games?", "microwave?",
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
	require.GreaterOrEqual(t, float64(right)/float64(len(all)), 0.93)
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
