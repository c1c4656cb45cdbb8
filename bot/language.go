package bot

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"

	"parley/dialogue"
	"parley/knowledge"
)

// DetectLanguage finds the language of a customer's text. A text that does not
// tell («ок», "1", a product's name) is in the language of the customer's
// previous messages, newest first; without any, in the one that the customer is
// known by; when that is empty too, in Russian.
func DetectLanguage(text string, known dialogue.Language, previous ...string) dialogue.Language {
	if lang := languageOfText(text); lang != "" {
		return lang
	}
	for _, p := range previous {
		if lang := languageOfText(p); lang != "" {
			return lang
		}
	}
	return cmp.Or(known, dialogue.Russian)
}

// markup are tags, whose names are no words of anybody's language.
var markup = regexp.MustCompile(`</?[A-Za-z!][^<>]{0,500}>`)

// languageOfText weighs the words of one text; "" when none of them tells.
func languageOfText(text string) dialogue.Language {
	if isCommand(text) {
		return ""
	}
	var ru, kk, en float64
	for _, raw := range strings.Fields(markup.ReplaceAllString(text, " ")) {
		if strings.Contains(raw, "://") || strings.Contains(raw, "@") {
			continue
		}
		kazakhLetters := strings.ContainsAny(strings.ToLower(raw), "әғқңөұүһі")
		for _, w := range knowledge.Words(raw) {
			switch {
			case hasDigit(w) || nameWord(w):
			case kazakhWord(w):
				kk++
			case kazakhGreeting(w):
				kk += 0.5
			case russianWord(w):
				ru++
			case kazakhLetters:
				kk++
			case isLatin(w):
				switch {
				case latinKazakh(w):
					kk++
				case latinRussian(w):
					ru++
				case len(w) > 1:
					en += 0.6
				}
			case kazakhEnding(w):
				kk += 0.8
			case isCyrillic(w) && len([]rune(w)) > 1:
				ru += 0.3
			}
		}
	}
	switch {
	case kk == 0 && ru == 0 && en == 0:
		return ""
	case kk >= ru && kk >= en:
		return dialogue.Kazakh
	case ru >= en:
		return dialogue.Russian
	default:
		return dialogue.English
	}
}

func hasDigit(w string) bool { return strings.IndexFunc(w, unicode.IsDigit) >= 0 }

func isLatin(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return !unicode.Is(unicode.Latin, r) }) < 0
}

func isCyrillic(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return !unicode.Is(unicode.Cyrillic, r) }) < 0
}

// nameWord lists words that all three languages use alike.
func nameWord(w string) bool {
	switch w {
	case "ok", "okay", "ок", "окей", "iphone", "ipad", "macbook", "airpods", "imac", "apple", "samsung", "galaxy", "xiaomi", "redmi", "poco", "huawei",
		"honor", "sony", "lg", "asus", "acer", "lenovo", "hp", "dell", "jbl", "playstation", "ps", "xbox", "pro", "max", "plus", "mini", "air", "ultra",
		"gb", "tb", "kaspi", "halyk", "visa", "mastercard", "whatsapp", "instagram", "telegram", "wifi", "bluetooth", "usb", "type", "tv", "oled", "qled",
		"алматы", "астана", "казахстан", "шымкент", "актау", "атырау", "актобе", "караганда", "алло", "гб", "тг", "kz", "com", "watch", "se", "lite", "note":
		return true
	}
	return false
}

// kazakhWord lists common Kazakh words, folded, that are not Russian ones.
func kazakhWord(w string) bool {
	switch w {
	case "бар", "жок", "ма", "ме", "ба", "бе", "па", "пе", "канша", "калай", "кайда", "кайдан", "кашан", "кандай", "кай", "кайсы", "неге", "кимге", "керек", "кажет",
		"бола", "болама", "болады", "болмайды", "болса", "болды", "екен", "еди", "емес", "еме", "гой", "жане", "немесе", "бирак", "тек", "осы", "бул", "сол", "анау", "мынау",
		"маган", "менде", "менин", "мени", "сизде", "сиздерде", "сиздер", "сиз", "сизге", "биз", "бизде", "бизге", "олар", "ози", "озим", "казир", "бугин", "ертен", "кеше",
		"бага", "багасы", "багалары", "турады", "тура", "жеткизу", "жеткизип", "жеткизе", "жеткизесиз", "жеткизесиздер", "толем", "толеу", "толеуге", "кайтару", "кайтаруга",
		"кайтарып", "кепилдик", "кепилдиги", "дукен", "дукени", "дукениниз", "дукендер", "мекенжай", "мекенжайы", "мекенжайыныз", "сатып", "алу", "алуга", "алам", "алсам",
		"аламын", "алайын", "алсак", "алып", "аласыз", "аласыздар", "бересиз", "бересиздер", "берип", "бериниз", "истейди", "истейсиз", "истейсиздер", "жумыс", "тегин", "арзан", "кымбат",
		"жана", "телефондар", "кулаккап", "тоназыткыш", "теледидар", "бойынша", "туралы", "ушин", "дейин", "кейин", "арты", "арасында", "кун", "кунде", "сагат", "ай", "айга",
		"жыл", "акша", "тенге", "тениз", "болип", "ауыстыру", "жондеу", "жондейсиз", "тапсырыс", "затты", "зат", "онда", "мунда", "осында", "тагы", "баска", "бери", "айтыныз",
		"айтынызшы", "айтып", "жауап", "сурак", "сурагым", "келеди", "келедиме", "келе", "кельеды", "турадыма", "жатыр", "турмын", "турганы", "колма", "тандау", "кыз", "улкен", "киши",
		"кара", "тусти", "косыныз", "шакырыныз", "адам", "адаммен", "тири", "барма", "жокпа", "екенин", "ештене", "барлык", "бари", "ол", "коп", "аз", "туры":
		return true
	}
	return false
}

// kazakhGreeting lists words that Russian speakers in Kazakhstan use as well.
func kazakhGreeting(w string) bool {
	switch w {
	case "салем", "салеметсиз", "салеметсизбе", "салеметсиздер", "саламатсыз", "саламатсызба", "саламатсыздар", "ассалаумагалейкум", "рахмет", "ракмет", "кайырлы":
		return true
	}
	return false
}

// kazakhEnding recognises endings that no Russian word has.
func kazakhEnding(w string) bool {
	if len([]rune(w)) < 5 {
		return false
	}
	for _, ending := range []string{
		"нын", "дын", "тын", "нин", "дин", "тин", "ныз", "низ", "сыз", "сиз", "мыз", "миз", "мын", "йды", "йди", "ларды", "лерди", "дарды", "дерди", "ларга", "лерге", "ларын", "лерин",
		"лары", "лери", "дары", "дери", "ына", "сине", "ында", "инде", "сында", "синде", "ган", "ген", "ып", "пен", "бен", "рга", "рге", "нга", "нге", "рды", "рди", "йын", "шы",
	} {
		if strings.HasSuffix(w, ending) && !russianEnding(w) {
			return true
		}
	}
	return false
}

// russianEnding takes back what kazakhEnding would claim of Russian words.
func russianEnding(w string) bool {
	switch w {
	case "один", "орган", "слоган", "ураган", "хулиган", "доллары", "рекорды", "удары", "штанга", "причин", "магазин", "бензин", "лезгин", "картин", "вершин", "шпинга", "сервиз":
		return true
	}
	return false
}

// russianWord lists common Russian words that Kazakh speakers rarely mix in.
func russianWord(w string) bool {
	switch w {
	case "и", "в", "во", "на", "с", "со", "к", "ко", "у", "о", "об", "от", "до", "по", "за", "из", "для", "без", "при", "про", "над", "под", "не", "ни", "нет", "да", "же", "ли", "бы", "но", "или",
		"а", "то", "что", "чтобы", "как", "какой", "какая", "какие", "какое", "где", "куда", "откуда", "когда", "почему", "зачем", "сколько", "скока", "кто", "чем", "чего", "это", "этот", "эта", "эти", "тот",
		"я", "мне", "меня", "мы", "нам", "нас", "вы", "вам", "вас", "ваш", "ваша", "ваши", "он", "она", "они", "его", "ее", "их", "есть", "будет", "быть", "был", "была", "было", "можно", "нужно",
		"нужен", "нужна", "надо", "хочу", "хотел", "хотела", "могу", "можете", "скажите", "подскажите", "пожалуйста", "здравствуйте", "привет", "добрый", "день", "вечер", "утро", "спасибо",
		"стоит", "стоят", "цена", "купить", "заказать", "заказ", "если", "уже", "еще", "только", "очень", "все", "всё", "тоже", "также", "так", "там", "тут", "здесь", "сейчас", "сегодня", "завтра",
		"вчера", "работаете", "работает", "делаете", "продаете", "доставите", "доставляете", "наличии", "после", "через", "между", "оплатить", "вернуть", "обменять", "какую", "каком", "этого", "чей", "ребенку", "подарок":
		return true
	}
	return false
}

func latinKazakh(w string) bool {
	switch w {
	case "salem", "salemetsiz", "salemetsizbe", "rahmet", "rakhmet", "qansha", "kansha", "qalai", "kalai", "kerek", "qaida", "kaida", "qashan", "kashan", "bagasy", "zhok", "joq", "jok", "bolama", "bolady", "barma", "jetkizu", "zhetkizu":
		return true
	}
	return false
}

func latinRussian(w string) bool {
	switch w {
	case "privet", "zdravstvuite", "zdravstvuyte", "zdrastvuite", "skolko", "stoit", "dostavka", "est", "kak", "gde", "mozhno", "mojno", "spasibo", "pojaluista", "pozhaluista", "kogda", "nalichii", "rassrochka", "garantiya", "cena", "tsena", "hochu", "kupit", "telefon", "vy", "mne", "nado":
		return true
	}
	return false
}
