package bot

import (
	"strings"

	"parley/dialogue"
)

// pick returns the text in the language, and the Russian one for any other.
func pick(lang dialogue.Language, ru, kk, en string) string {
	switch lang {
	case dialogue.Kazakh:
		return kk
	case dialogue.English:
		return en
	}
	return ru
}

// intro says who is answering, once, at the beginning of a dialogue.
func intro(p Profile, lang dialogue.Language) string {
	name, shop := strings.TrimSpace(p.Name), strings.TrimSpace(p.Shop)
	switch lang {
	case dialogue.Kazakh:
		who := "бот-көмекшімін"
		if shop != "" {
			who = "«" + shop + "» дүкенінің бот-көмекшісімін"
		}
		if name != "" {
			return "Сәлеметсіз бе! Менің атым " + name + ", " + who + "."
		}
		return "Сәлеметсіз бе! Мен " + who + "."
	case dialogue.English:
		who := "a bot assistant"
		if shop != "" {
			who = "the bot assistant of " + shop
		}
		if name != "" {
			return "Hello! I'm " + name + ", " + who + "."
		}
		return "Hello! I'm " + who + "."
	}
	who := "бот-помощник"
	if shop != "" {
		who = "бот-помощник магазина «" + shop + "»"
	}
	if name != "" {
		return "Здравствуйте! Меня зовут " + name + ", я " + who + "."
	}
	return "Здравствуйте! Я " + who + "."
}

// courtesy is the short reply to words that ask nothing. introduced says that
// an introduction with a greeting stands before it.
func courtesy(kind TopicKind, lang dialogue.Language, introduced bool) string {
	switch kind {
	case TopicGreeting:
		if introduced {
			return pick(lang, "Чем могу помочь?", "Қандай көмек керек?", "How can I help?")
		}
		return pick(lang, "Здравствуйте! Чем могу помочь?", "Сәлеметсіз бе! Қандай көмек керек?", "Hello! How can I help?")
	case TopicThanks:
		return pick(lang, "Пожалуйста! Если появятся вопросы, пишите.", "Оқасы жоқ! Сұрақтарыңыз болса, жазыңыз.", "You're welcome! Write any time you have a question.")
	case TopicFarewell:
		return pick(lang, "Всего доброго! Будем рады помочь снова.", "Сау болыңыз! Тағы көмектесуге қуаныштымыз.", "Goodbye! We'll be glad to help again.")
	case TopicAcknowledgement:
		return pick(lang, "Хорошо. Если появятся вопросы, пишите.", "Жақсы. Сұрақтарыңыз болса, жазыңыз.", "All right. Write any time you have a question.")
	case TopicIdentity:
		how := pick(lang,
			"Если нужен сотрудник, напишите «оператор».",
			"Қызметкер керек болса, «оператор» деп жазыңыз.",
			"If you need a member of our team, write “operator”.")
		if introduced {
			return how
		}
		return pick(lang, "Вам отвечает бот. ", "Сізге бот жауап беріп отыр. ", "You are talking to a bot. ") + how
	case TopicRepeatedRequest:
		return pick(lang, "Я снова на связи. Напишите, пожалуйста, чем помочь.", "Мен қайта байланыстамын. Қандай көмек керек екенін жазыңызшы.", "I'm back with you. Please tell me what you need.")
	}
	return ""
}

// inOtherLanguage introduces an answer that the shop has only in a language that
// the customer did not write in.
func inOtherLanguage(lang, source dialogue.Language) string {
	switch source {
	case dialogue.Kazakh:
		return pick(lang, "Эта информация есть у нас только на казахском языке:", "", "We have this information in Kazakh only:")
	case dialogue.English:
		return pick(lang, "Эта информация есть у нас только на английском языке:", "Бұл ақпарат бізде тек ағылшын тілінде бар:", "")
	}
	return pick(lang, "", "Бұл ақпарат бізде тек орыс тілінде бар:", "We have this information in Russian only:")
}
