package bot

import (
	"strings"

	"parley/knowledge"
)

// AsksForHuman says whether a customer asks for a human to answer, in Russian,
// Kazakh or English, in ordinary words. A mere mention of one does not count:
// «оператор кассы грубил», "the person at the desk was rude".
func AsksForHuman(text string) bool {
	for _, sentence := range sentences(text) {
		words := knowledge.Words(sentence)
		if sentenceAsksForHuman(words[:min(len(words), maxRequestWords)]) {
			return true
		}
	}
	return false
}

// maxRequestWords bounds what is read of a sentence.
const maxRequestWords = 100

// part is what a word can be in a request for a human.
type part int

const (
	partOther   part = iota
	partFiller       // says nothing either way: "please", «мне», «с»
	partRole         // operator, manager, …: somebody of the shop
	partHuman        // a person, somebody
	partDative       // a role or person to whom something is given: «менеджеру»
	partLive         // live, real
	partConnect      // connect, talk to, call: only as a request, never as a report
	partWant         // want, need, is there
	partNot          // negation
	partBot          // the bot itself
	partTell         // «пусть … ответит», "when will … reply"
)

func sentenceAsksForHuman(words []string) bool {
	parts := make([]part, 0, len(words))
	var role, human, live, asked, bot, not bool
	onlyRequest := true
	for i := range words {
		p := partOf(words, i)
		switch p {
		case partFiller:
			continue
		case partRole:
			role = true
		case partHuman, partDative:
			human = true
		case partLive:
			live = true
		case partConnect, partWant, partTell:
			asked = true
		case partBot:
			bot = true
		case partNot:
			not = true
		case partOther:
			onlyRequest = false
		}
		parts = append(parts, p)
	}
	if bot && (asked || not) {
		parts, not = withoutBot(parts)
		bot = false
	}
	switch {
	case not && !role && !human && !live:
		return false
	case onlyRequest && !not && !bot && (role || human || live && asked):
		return !allDative(parts)
	}
	return requestIn(parts)
}

// allDative tells «человеку» and «операторам» alone, which ask for nobody.
func allDative(parts []part) bool {
	for _, p := range parts {
		if p != partDative {
			return false
		}
	}
	return true
}

// withoutBot removes «не с ботом» and the like from a request that also says
// who is wanted instead, and says whether another negation is left.
func withoutBot(parts []part) (out []part, not bool) {
	for i := 0; i < len(parts); i++ {
		switch {
		case parts[i] == partBot:
			continue
		case parts[i] == partNot && (near(parts, i+1, partBot) || i > 0 && parts[i-1] == partBot):
			continue
		case parts[i] == partNot:
			not = true
		}
		out = append(out, parts[i])
	}
	return out, not
}

func near(parts []part, from int, want part) bool {
	for i := from; i < len(parts) && i < from+3; i++ {
		if parts[i] == want {
			return true
		}
	}
	return false
}

// requestIn looks for a request within a sentence that speaks of other things
// too: a verb and its human side by side, and no negation with them.
func requestIn(parts []part) bool {
	person := func(p part) bool { return p == partRole || p == partHuman || p == partDative }
	negated := func(i int) bool {
		return i > 0 && parts[i-1] == partNot || i+1 < len(parts) && parts[i+1] == partNot ||
			i > 1 && parts[i-1] == partWant && parts[i-2] == partNot // "no need to call"
	}
	for i, p := range parts {
		switch {
		case p == partConnect && !negated(i):
			// Russian and English: the verb first; Kazakh: the person first.
			for j := i + 1; j < len(parts) && j <= i+2; j++ {
				if person(parts[j]) || parts[j] == partLive {
					return !negated(j)
				}
				if parts[j] != partConnect && parts[j] != partWant {
					break
				}
			}
			if i > 0 && person(parts[i-1]) {
				return true
			}
		case p == partWant && !negated(i) && i+1 < len(parts):
			next := i + 1
			if parts[next] == partLive && next+1 < len(parts) {
				next++
			}
			if (parts[next] == partRole || parts[next] == partHuman) && !negated(next) && !qualified(parts, next) {
				return true
			}
		case p == partLive && i+1 < len(parts) && (parts[i+1] == partHuman || parts[i+1] == partRole):
			if !negated(i) && !negated(i+1) && !mentions(parts, partBot) {
				return true
			}
		}
	}
	return false
}

// qualified says that the word after a person tells which one is meant, so that
// it is probably not somebody to talk to: «нужен оператор связи».
func qualified(parts []part, i int) bool {
	return i+1 < len(parts) && parts[i+1] == partOther
}

func mentions(parts []part, want part) bool {
	for _, p := range parts {
		if p == want {
			return true
		}
	}
	return false
}

func partOf(words []string, i int) part {
	w := words[i]
	next, previous := "", ""
	if i+1 < len(words) {
		next = words[i+1]
	}
	if i > 0 {
		previous = words[i-1]
	}
	switch w {
	// Words whose meaning hangs on the one beside them.
	case "человек", "людей":
		if isCount(previous) {
			return partOther // «сколько человек», «5 человек»
		}
		return partHuman
	case "person":
		if previous == "in" || previous == "one" || previous == "per" {
			return partOther
		}
		return partHuman
	case "адам":
		if isCount(previous) || previous == "неше" {
			return partOther
		}
		return partHuman
	case "call":
		if previous == "phone" || next == "me" || next == "center" {
			return partOther
		}
		return partConnect
	case "поддержкой", "поддержку", "поддержка", "support":
		if connects(previous) || connects(before(words, i, 2)) || connects(before(words, i, 3)) || len(words) == 1 {
			return partRole
		}
		return partOther
	case "service", "обслуживания":
		if previous == "customer" {
			return partFiller
		}
		return partOther
	case "customer":
		if next == "service" || next == "support" {
			return partFiller
		}
		return partOther
	case "нет", "no":
		if i == 0 && next != "need" && (filler(next) || wants(next) || connects(next)) {
			return partFiller // «нет, мне нужен менеджер»
		}
		return partNot
	case "ответил", "ответила", "отвечал", "написал":
		if previous == "чтобы" || before(words, i, 2) == "чтобы" {
			return partTell
		}
		return partOther
	}
	switch {
	case filler(w):
		return partFiller
	case negation(w):
		return partNot
	case botWord(w):
		return partBot
	case liveWord(w):
		return partLive
	case connects(w):
		return partConnect
	case wants(w):
		return partWant
	case tells(w):
		return partTell
	}
	return personPart(w)
}

func before(words []string, i, n int) string {
	if i-n < 0 {
		return ""
	}
	return words[i-n]
}

func isCount(w string) bool {
	switch w {
	case "сколько", "скока", "много", "несколько", "пять", "шесть", "один", "два", "три", "двух", "трех", "бир", "еки", "уш", "торт", "бес", "канша", "коп":
		return true
	}
	return w != "" && hasDigit(w)
}

func filler(w string) bool {
	switch w {
	case "пожалуйста", "пж", "пжл", "плиз", "пожалуста", "мне", "меня", "мной", "нам", "нас", "я", "мы", "вы", "вас", "вам", "у", "с", "со", "на", "к", "а", "и", "ну", "же", "ка", "бы", "ли", "то", "тут", "там",
		"еще", "раз", "просто", "прям", "прямо", "вот", "уже", "наконец", "срочно", "быстро", "сейчас", "здравствуйте", "привет", "добрый", "день", "вечер", "утро", "вашим", "вашего", "вашему", "ваш", "вашей", "вашими", "вашу", "из", "помощь", "помощи", "консультация", "консультацию", "какого", "какой", "любого", "любым",
		"нибудь", "либо", "тогда", "все", "таки", "прошу", "очень", "снова", "опять", "как", "когда", "ко", "в", "сюда", "эй", "алло", "лучше", "сам", "самого", "подскажите", "скажите", "напрямую", "нормального", "нормальным", "вместо", "уважаемый", "девушка", "это", "чтобы",
		"маган", "мени", "менин", "бизге", "сизде", "сиздерде", "сиздердин", "сиздин", "отинем", "отиниш", "салем", "салеметсиз", "саламатсыз", "салеметсизбе", "саламатсызба", "бе", "ма", "ба", "ме", "бирден", "тез", "енди", "осы", "бул", "онда", "ши", "шы", "гана", "жай", "тагы", "кайтадан", "бир", "еди",
		"please", "pls", "plz", "a", "an", "the", "to", "with", "me", "my", "i", "you", "your", "us", "we", "hi", "hello", "hey", "here", "there", "now", "just", "of", "is", "id", "would", "like", "could", "can", "may", "let", "how", "do", "right", "some", "asap", "again", "ok", "okay", "so", "any", "being", "up", "through", "actual", "directly", "instead", "are", "im", "be", "from", "and", "for", "sir":
		return true
	}
	return false
}

func negation(w string) bool {
	switch w {
	case "не", "нет", "без", "ни", "нельзя", "емес", "жок", "not", "no", "dont", "never", "without", "косылмаса", "коспаныз", "коспаныздар", "керекемес":
		return true
	}
	return false
}

func botWord(w string) bool {
	switch w {
	case "бот", "бота", "ботом", "боту", "боты", "робот", "робота", "роботом", "bot", "bots", "robot", "ботпен", "ботты", "ботсын", "ботсынба", "ии", "ai", "chatbot", "машина", "автоответчик", "автоответчиком":
		return true
	}
	return false
}

func liveWord(w string) bool {
	switch w {
	case "живой", "живого", "живому", "живым", "живая", "реальный", "реального", "реальным", "настоящий", "настоящего", "настоящим", "тири", "накты", "шынайы", "live", "real", "alive":
		return true
	}
	return false
}

// connects lists verbs that ask to be connected: imperatives and infinitives,
// never the past («менеджер сказал»), which tells of something that happened.
func connects(w string) bool {
	switch w {
	case "позовите", "позови", "позвать", "зовите", "зови", "соедините", "соедените", "соедини", "соединить", "соединяйте", "переключите", "переключи", "переключить", "переключайте", "переведите", "переведи", "перевести",
		"подключите", "подключи", "подключить", "свяжите", "свяжи", "связаться", "связать", "вызовите", "вызови", "вызвать", "включите", "включи", "пригласите", "пригласи", "поговорить", "поговарить", "говорить", "пообщаться", "общаться", "пообщатся", "разговаривать", "передайте", "передай",
		"косыныз", "косынызшы", "косып", "косшы", "кос", "коссаныз", "жалганыз", "жалганызшы", "жалгап", "шакырыныз", "шакырынызшы", "шакырып", "шакыр", "шакыршы", "ауыстырыныз", "ауыстырынызшы", "ауыстырып", "байланыстырыныз", "байланыстырынызшы", "байланыстырып", "байланысу", "байланысуга", "байланыскым",
		"сойлескым", "сойлеским", "сойлесейин", "сойлесуге", "сойлесу", "сойлессем", "сойлесип", "хабарласу", "хабарласкым", "хабарластырыныз",
		"connect", "transfer", "switch", "speak", "talk", "chat", "get", "give", "reach", "contact", "put", "bring", "forward":
		return true
	}
	return false
}

func wants(w string) bool {
	switch w {
	case "хочу", "хотел", "хотела", "хотелось", "нужен", "нужна", "нужно", "надо", "дайте", "дай", "можно", "есть", "кто", "кого", "кем", "могу", "требую", "где", "жду", "позволите", "давайте",
		"керек", "кажет", "берши", "бериниз", "беринизши", "болама", "бола", "болады", "келеди", "келеды", "калаймын", "бар", "барма", "керекши",
		"want", "need", "wanna", "prefer", "require", "demand":
		return true
	}
	return false
}

func tells(w string) bool {
	switch w {
	case "пусть", "ответит", "ответьте", "напишет", "подойдет", "придет", "позвонит", "поможет", "свяжется", "will", "reply", "answer", "жауап", "берсин", "берсинши", "help":
		return true
	}
	return false
}

// personPart recognises people, and roles in a shop in any of their forms, with
// one slip of the keyboard.
func personPart(w string) part {
	switch w {
	case "человека", "человеком", "людьми", "кто-нибудь", "чел", "человечка",
		"human", "humans", "people", "somebody", "someone", "anybody", "anyone",
		"адаммен", "адамды", "адамга", "адамнын":
		return partHuman
	case "человеку", "людям":
		return partDative
	case "rep", "staff", "маманмен", "маманды", "маманга", "кенесши", "кенесшимен", "кенесшиге", "кенесшини", "админ", "админа", "кызметкер", "кызметкермен", "кызметкерге", "кызметкерди", "кызметкериниз", "маман", "маманыныз", "кенесшиниз":
		return partRole
	}
	for _, role := range []string{"оператор", "менеджер", "консультант", "сотрудник", "специалист", "администратор", "operator", "manager", "representative", "consultant"} {
		if ending, ok := formOf(w, role); ok {
			switch ending {
			case "", "а", "ом", "ов", "ы", "и", "га", "ге", "ка", "ке", "иниз", "ыныз", "ды", "ди", "ты", "ти", "мен", "пен", "s":
				return partRole
			case "у", "ам":
				return partDative
			}
		}
	}
	if w == "agent" || w == "agents" || w == "агент" || w == "агента" {
		return partRole
	}
	return partOther
}

// formOf finds role at the beginning of w, one edit apart at most, and returns
// the ending that is left.
func formOf(w, role string) (ending string, ok bool) {
	if rest, found := strings.CutPrefix(w, role); found {
		return rest, true
	}
	word, want := []rune(w), []rune(role)
	for _, n := range []int{len(want), len(want) - 1, len(want) + 1} {
		if n <= len(word) && knowledge.EditDistance(word[:n], want, 1) <= 1 {
			return string(word[n:]), true
		}
	}
	return "", false
}
