package bot

import (
	"fmt"
	"strings"
	"time"

	"parley/dialogue"
)

// Notice returns what the customer is told when the dialogue goes to a human
// for this reason. It is empty for reasons that need no word: an operator who
// takes over, or answers from the phone, speaks for himself.
func Notice(reason dialogue.HandoffReason, lang dialogue.Language) string {
	why := noticeWhy(reason, "", lang)
	if why == "" {
		return ""
	}
	return why + " " + noticeThen(reason, lang)
}

// Notice is what the shop's customer is told at a handoff: why, and who answers
// when. limit is the cap that was reached, if one was. It is empty for who is taken
// for another program, which would answer it.
func (p Profile) Notice(reason dialogue.HandoffReason, limit dialogue.Cap, lang dialogue.Language, now time.Time) string {
	why := noticeWhy(reason, limit, lang)
	if why == "" || limit.Loop() {
		return ""
	}
	back, closed := p.Hours.Next(now.In(p.Location()))
	own := strings.TrimSpace(p.Notices[reason][lang])
	switch {
	case own != "" && closed:
		return own + " " + away(back, lang)
	case own != "":
		return own
	case closed:
		return why + " " + away(back, lang)
	}
	return why + " " + noticeThen(reason, lang)
}

// FollowUp is what a customer is asked, once, who has fallen silent after an answer.
func FollowUp(p Profile, lang dialogue.Language) string {
	if own := strings.TrimSpace(p.FollowUps[lang]); own != "" {
		return own
	}
	return pick(lang,
		"Остались ли у вас вопросы? Напишите, и я помогу.",
		"Тағы сұрақтарыңыз бар ма? Жазыңыз, көмектесемін.",
		"Is there anything else I can help with? Just write.")
}

// noticeWhy is the first half of a notice.
func noticeWhy(reason dialogue.HandoffReason, limit dialogue.Cap, lang dialogue.Language) string {
	switch reason {
	case dialogue.HandoffCustomerAsked:
		return pick(lang, "Передаю диалог сотруднику.", "Диалогты қызметкерге беріп жатырмын.", "I'm passing you to a member of our team.")
	case dialogue.HandoffNoAnswer:
		return pick(lang,
			"У меня нет точного ответа на этот вопрос, поэтому я передал его сотруднику.",
			"Бұл сұраққа нақты жауабым жоқ, сондықтан оны қызметкерге бердім.",
			"I don't have an exact answer to that, so I've passed your question to a member of our team.")
	case dialogue.HandoffBotError:
		return pick(lang,
			"Сейчас я не могу ответить из-за технической неполадки. Ваше сообщение получено.",
			"Техникалық ақауға байланысты қазір жауап бере алмаймын. Хабарламаңызды алдық.",
			"I can't reply right now because of a technical problem. We have your message.")
	case dialogue.HandoffRule:
		if limit != "" {
			return pick(lang,
				"Дальше вам поможет сотрудник: я передал ему диалог.",
				"Әрі қарай сізге қызметкер көмектеседі: диалогты соған бердім.",
				"From here a member of our team will help you: I've passed the conversation on.")
		}
		return pick(lang,
			"На такие вопросы у нас отвечает сотрудник, и я передал ему диалог.",
			"Мұндай сұрақтарға бізде қызметкер жауап береді, диалогты соған бердім.",
			"Questions like this are answered by our team, so I've passed the conversation on.")
	}
	return ""
}

// noticeThen is the second half while humans are there.
func noticeThen(reason dialogue.HandoffReason, lang dialogue.Language) string {
	switch reason {
	case dialogue.HandoffCustomerAsked:
		return pick(lang,
			"Он увидит всю переписку и ответит вам здесь.",
			"Ол бүкіл хат алмасуды көріп, сізге осы жерде жауап береді.",
			"They can see the whole conversation and will reply to you here.")
	case dialogue.HandoffBotError:
		return pick(lang, "Сотрудник ответит вам здесь.", "Қызметкер сізге осы жерде жауап береді.", "A member of our team will reply to you here.")
	}
	return pick(lang, "Он ответит вам здесь.", "Ол сізге осы жерде жауап береді.", "They will reply to you here.")
}

// away is the second half while nobody is there.
func away(back dialogue.Opening, lang dialogue.Language) string {
	switch lang {
	case dialogue.Kazakh:
		return fmt.Sprintf("Қазір жұмыс уақыты емес, қызметкер сізге осы жерде %s жауап береді.", whenKazakh(back))
	case dialogue.English:
		return fmt.Sprintf("We're closed right now; a member of our team will reply to you here %s.", whenEnglish(back))
	}
	return fmt.Sprintf("Сейчас нерабочее время, сотрудник ответит вам здесь %s.", whenRussian(back))
}

func whenRussian(o dialogue.Opening) string {
	days := []string{"в воскресенье", "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу"}
	next := []string{
		"в следующее воскресенье", "в следующий понедельник", "в следующий вторник", "в следующую среду",
		"в следующий четверг", "в следующую пятницу", "в следующую субботу",
	}
	return onDay(o, "сегодня", "завтра", days, next) + " с " + clock(o.Minute)
}

func whenEnglish(o dialogue.Opening) string {
	var days, next []string
	for d := time.Sunday; d <= time.Saturday; d++ {
		days, next = append(days, "on "+d.String()), append(next, "next "+d.String())
	}
	return onDay(o, "today", "tomorrow", days, next) + " from " + clock(o.Minute)
}

func whenKazakh(o dialogue.Opening) string {
	var days, next []string
	for _, d := range []string{"жексенбі", "дүйсенбі", "сейсенбі", "сәрсенбі", "бейсенбі", "жұма", "сенбі"} {
		days, next = append(days, d+" күні"), append(next, "келесі "+d+" күні")
	}
	return onDay(o, "бүгін", "ертең", days, next) + " сағат " + clock(o.Minute) + "-" + fromSuffix(o.Minute) + " бастап"
}

// onDay names the day of an opening; within a week its weekday says enough.
func onDay(o dialogue.Opening, today, tomorrow string, days, next []string) string {
	switch o.Days {
	case 0:
		return today
	case 1:
		return tomorrow
	case 7:
		return next[o.Day]
	}
	return days[o.Day]
}

// fromSuffix is the Kazakh ablative of a time of day. It goes by the number word
// that is read last: нөлден, бестен, жиырмадан.
func fromSuffix(minute int) string {
	minute %= 60
	if unit := minute % 10; unit != 0 {
		return []string{"", "ден", "ден", "тен", "тен", "тен", "дан", "ден", "ден", "дан"}[unit]
	}
	return []string{"ден", "нан", "дан", "дан", "тан", "ден"}[minute/10]
}
