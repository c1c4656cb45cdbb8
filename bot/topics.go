package bot

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"parley/dialogue"
	"parley/knowledge"
)

// TopicKind says what a piece of a customer's text wants.
type TopicKind string

// The kinds of topics. All but questions are courtesies with a fixed reply.
const (
	TopicQuestion        TopicKind = "question"
	TopicGreeting        TopicKind = "greeting"
	TopicThanks          TopicKind = "thanks"
	TopicFarewell        TopicKind = "farewell"
	TopicAcknowledgement TopicKind = "acknowledgement"
	TopicIdentity        TopicKind = "identity"         // is this a bot?
	TopicRepeatedRequest TopicKind = "repeated_request" // asks for a human who has been there since
)

const (
	passagesPerTopic = 5
	earlierQuestions = 2 // how many earlier messages a follow-up may refer to
	maxClauses       = 4
	maxTopics        = 8 // of one burst; what is beyond is searched with the last
)

// Confidence at which a passage counts as the answer to a question, to several
// pieces together, and as touching on it.
const (
	confident       = 0.52
	whollyConfident = 0.85
	touching        = 0.4
	considered      = 3    // of the passages found, so many may be the answer
	worthDrafting   = 0.25 // at least this, to be put before an operator
)

// retrieve takes the questions apart and finds what is known about each part.
func (b *Bot) retrieve(ctx context.Context, in Input, lang dialogue.Language) ([]Topic, error) {
	topics, err := b.joinFragments(ctx, topicsOf(in), lang)
	if err != nil {
		return nil, err
	}
	if topics, err = b.splitClauses(ctx, topics, lang); err != nil {
		return nil, err
	}
	earlier := customerQuestions(in.History)
	for i := range topics {
		t := &topics[i]
		if t.Kind != TopicQuestion {
			continue
		}
		if t.Passages == nil {
			if t.Passages, err = b.find(ctx, t.Question, earlier, lang); err != nil {
				return nil, err
			}
		}
		earlier = append([]string{t.Question}, earlier[:min(len(earlier), earlierQuestions-1)]...)
	}
	return topics, nil
}

// joinFragments makes one question of what was sent in pieces: «айфон», «16
// про», «сколько стоит». Pieces that one item does not answer whole are left apart.
func (b *Bot) joinFragments(ctx context.Context, topics []Topic, lang dialogue.Language) ([]Topic, error) {
	var out []Topic
	for from := 0; from < len(topics); {
		to := from + 1
		for topics[from].Kind == TopicQuestion && to < len(topics) && topics[to].Kind == TopicQuestion && isFragment(topics[to-1].Question) {
			to++
		}
		pieces := topics[from:to]
		from = to
		if len(pieces) == 1 {
			out = append(out, pieces...)
			continue
		}
		var texts []string
		for _, p := range pieces {
			texts = append(texts, p.Question)
		}
		whole := Topic{Kind: TopicQuestion, Question: strings.Join(texts, " ")}
		var err error
		if whole.Passages, err = b.find(ctx, whole.Question, nil, lang); err != nil {
			return nil, err
		}
		if len(whole.Passages) > 0 && whole.Passages[0].Confidence >= whollyConfident {
			out = append(out, whole)
			continue
		}
		out = append(out, pieces...)
	}
	return out, nil
}

// splitClauses takes a sentence apart that asks two things: «есть доставка и
// сколько стоит айфон?». It stays whole when one item speaks of all of it, or
// when a part of it alone has no sure answer.
func (b *Bot) splitClauses(ctx context.Context, topics []Topic, lang dialogue.Language) ([]Topic, error) {
	var out []Topic
	for _, t := range topics {
		parts := clauses(t.Question)
		if t.Kind != TopicQuestion || t.Passages != nil || len(parts) < 2 || len(parts) > maxClauses {
			out = append(out, t)
			continue
		}
		whole, err := b.find(ctx, t.Question, nil, lang)
		if err != nil {
			return nil, err
		}
		if best, _ := bestPassage(whole); best != nil && best.Confidence >= whollyConfident {
			out = append(out, t)
			continue
		}
		apart, err := b.answersApart(ctx, parts, lang)
		if err != nil {
			return nil, err
		}
		if apart == nil {
			apart = []Topic{t}
		}
		out = append(out, apart...)
	}
	return out, nil
}

// answersApart makes a topic of each part, or none when the parts do not each
// have an answer of their own.
func (b *Bot) answersApart(ctx context.Context, parts []string, lang dialogue.Language) ([]Topic, error) {
	var out []Topic
	seen := map[string]bool{}
	for _, p := range parts {
		passages, err := b.find(ctx, p, nil, lang)
		if err != nil {
			return nil, err
		}
		best, sure := bestPassage(passages)
		if !sure || seen[best.ItemID.String()] {
			return nil, nil
		}
		seen[best.ItemID.String()] = true
		out = append(out, Topic{Kind: TopicQuestion, Question: p, Passages: passages})
	}
	return out, nil
}

// clauses splits a sentence at commas and conjunctions.
func clauses(sentence string) []string {
	var out []string
	var part []string
	flush := func() {
		if len(part) > 0 {
			out = append(out, strings.Join(part, " "))
			part = nil
		}
	}
	for _, w := range strings.Fields(sentence) {
		switch bare := strings.ToLower(strings.Trim(w, ",")); {
		case bare == "и" || bare == "а" || bare == "and" || bare == "also" || bare == "және" || bare == "тағы":
			flush()
		case strings.HasSuffix(w, ","):
			part = append(part, bare)
			flush()
		default:
			part = append(part, w)
		}
	}
	flush()
	return out
}

// isFragment says whether a text may be the beginning of a sentence that goes on
// in the next message.
func isFragment(text string) bool {
	return !strings.ContainsAny(text[len(text)-1:], ".?!") && len(knowledge.Words(text)) <= 3
}

// find searches for the question alone and, when that is not enough, together
// with what was asked before.
func (b *Bot) find(ctx context.Context, question string, earlier []string, lang dialogue.Language) ([]knowledge.Passage, error) {
	query := knowledge.Query{Text: question, Language: lang, Limit: passagesPerTopic}
	alone, err := b.knowledge.Search(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("search the knowledge base: %w", err)
	}
	if len(earlier) == 0 || len(alone) > 0 && alone[0].Confidence >= confident {
		return alone, nil
	}
	for n := 1; n <= len(earlier); n++ {
		query.Context = earlier[:n]
		together, err := b.knowledge.Search(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("search the knowledge base: %w", err)
		}
		if len(together) > 0 && (n == len(earlier) || together[0].Confidence >= confident) {
			return together, nil
		}
	}
	return alone, nil
}

// customerQuestions returns what the customer asked before, newest first,
// without courtesies and requests for a human.
func customerQuestions(history []Line) []string {
	var out []string
	for i := len(history) - 1; i >= 0 && len(out) < earlierQuestions; i-- {
		l := history[i]
		if l.Author != dialogue.AuthorCustomer || AsksForHuman(l.Text) || isCommand(l.Text) {
			continue
		}
		var asked []string
		for _, s := range sentences(l.Text) {
			if rest := withoutOpening(s); rest != "" && courtesyKind(rest) == TopicQuestion {
				asked = append(asked, rest)
			}
		}
		if len(asked) > 0 {
			out = append(out, strings.Join(asked, " "))
		}
	}
	return out
}

// topicsOf takes the unanswered messages apart into questions and courtesies.
func topicsOf(in Input) []Topic {
	var topics []Topic
	for _, q := range in.Questions {
		said := sentences(q.Text)
		switch {
		case isCommand(q.Text):
			topics = append(topics, Topic{Kind: commandKind(q.Text), Question: q.Text})
			continue
		case hasUnseen(q):
			topics = append(topics, Topic{Kind: TopicQuestion, Question: q.Told(), Passages: []knowledge.Passage{}})
		case len(said) == 0:
			topics = append(topics, Topic{Kind: wordlessKind(q.Text), Question: q.Text})
		}
		for _, s := range said {
			if AsksForHuman(s) {
				topics = append(topics, Topic{Kind: TopicRepeatedRequest, Question: s})
				continue
			}
			topics = addTopic(topics, s)
		}
	}
	if in.Draft {
		asHuman(topics)
	}
	return topics
}

// hasUnseen says whether the customer sent something that may hold a question and
// that nobody here can read. A sticker is only a gesture.
func hasUnseen(l Line) bool {
	for _, a := range l.Attachments {
		if a.Kind != dialogue.AttachmentSticker {
			return true
		}
	}
	return false
}

// asHuman fits topics to a draft, which a human sends: there is no bot to be
// asked about, and who asks for a human has one.
func asHuman(topics []Topic) {
	for i := range topics {
		switch topics[i].Kind {
		case TopicRepeatedRequest:
			topics[i].Kind = TopicGreeting
		case TopicIdentity:
			topics[i].Kind = TopicQuestion
		}
	}
}

// wordlessKind tells an emoji, which acknowledges, from what only a human can
// make sense of: nothing at all (an attachment alone) or «???».
func wordlessKind(text string) TopicKind {
	if strings.IndexFunc(text, unicode.IsSymbol) >= 0 {
		return TopicAcknowledgement
	}
	return TopicQuestion
}

func addTopic(topics []Topic, sentence string) []Topic {
	kind := courtesyKind(sentence)
	if kind == TopicQuestion {
		if rest := withoutOpening(sentence); rest != sentence {
			topics = append(topics, Topic{Kind: TopicGreeting, Question: sentence})
			sentence = rest
			if kind = courtesyKind(rest); kind == "" {
				return topics
			}
		}
	}
	switch {
	case kind == "":
		return topics
	case kind == TopicQuestion && len(topics) >= maxTopics:
		for i := len(topics) - 1; i >= 0; i-- {
			if topics[i].Kind == TopicQuestion {
				topics[i].Question += " " + sentence
				return topics
			}
		}
	}
	return append(topics, Topic{Kind: kind, Question: sentence})
}

// sentences splits a text at line ends and at marks that end a sentence. A full
// stop within a number or a name does not.
func sentences(text string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if s := strings.TrimSpace(b.String()); strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0 {
			out = append(out, s)
		}
		b.Reset()
	}
	runes := []rune(text)
	for i, r := range runes {
		switch r {
		case '\n', '\r':
			flush()
		case '?', '!', ';', '…':
			b.WriteRune(r)
			if i+1 == len(runes) || !strings.ContainsRune("?!…)", runes[i+1]) {
				flush()
			}
		case '.':
			b.WriteRune(r)
			if i+1 < len(runes) && unicode.IsSpace(runes[i+1]) && len(knowledge.Words(b.String())) > 1 {
				flush()
			}
		default:
			b.WriteRune(r)
		}
	}
	flush()
	return out
}

// withoutOpening cuts the greeting off the beginning of a sentence:
// «Здравствуйте, есть ли доставка».
func withoutOpening(sentence string) string {
	rest := sentence
	for {
		head, tail, found := strings.Cut(rest, " ")
		if words := knowledge.Words(head); !found || len(words) != 1 || !greetingWord(words[0]) {
			return strings.TrimLeft(rest, " ,.-—:")
		}
		rest = strings.TrimLeft(tail, " ,.-—:")
	}
}

// courtesyKind classifies a sentence; "" when it says nothing that needs a word,
// such as «подскажите пожалуйста» before the question itself.
func courtesyKind(sentence string) TopicKind {
	words := knowledge.Words(sentence)
	if isIdentityQuestion(words) {
		return TopicIdentity
	}
	count := map[TopicKind]int{}
	for _, w := range words {
		switch {
		case greetingWord(w):
			count[TopicGreeting]++
		case thanksWord(w):
			count[TopicThanks]++
		case farewellWord(w):
			count[TopicFarewell]++
		case acknowledgingWord(w):
			count[TopicAcknowledgement]++
		case fillerWord(w):
		default:
			return TopicQuestion
		}
	}
	for _, kind := range []TopicKind{TopicFarewell, TopicThanks, TopicGreeting, TopicAcknowledgement} {
		if count[kind] > 0 {
			return kind
		}
	}
	return ""
}

func isIdentityQuestion(words []string) bool {
	bot := false
	for _, w := range words {
		switch {
		case botWord(w) || w == "роботты" || w == "роботпен":
			bot = true
		case fillerWord(w), w == "ты", w == "вы", w == "это", w == "или", w == "человек", w == "живой", w == "с", w == "я", w == "разговариваю", w == "сиз", w == "сен", w == "алде",
			w == "адам", w == "адамсын", w == "адамсыз", w == "ба", w == "ма", w == "ботсыз", w == "are", w == "you", w == "is", w == "this", w == "a", w == "or", w == "human", w == "am", w == "i",
			w == "talking", w == "to", w == "real", w == "person", w == "кто", w == "общаюсь", w == "пишу", w == "отвечает", w == "мне":
		default:
			return false
		}
	}
	return bot
}

func greetingWord(w string) bool {
	switch w {
	case "здравствуйте", "здравствуй", "здрасте", "здрасьте", "здраствуйте", "привет", "приветствую", "приветик", "добрый", "доброе", "доброго", "день", "дня", "вечер", "вечера", "утро", "суток", "хай", "ку", "салам", "салем", "салеметсиз", "салеметсизбе",
		"саламатсыз", "саламатсызба", "салеметсиздер", "ассалаумагалейкум", "ассаламу", "алейкум", "кайырлы", "тан", "кеш", "hi", "hello", "hey", "good", "morning", "afternoon", "evening", "greetings", "salem", "salam", "privet":
		return true
	}
	return false
}

func thanksWord(w string) bool {
	switch w {
	case "спасибо", "спасиб", "спс", "пасиб", "благодарю", "благодарна", "благодарен", "большое", "огромное", "рахмет", "ракмет", "рахметт", "коп", "улкен", "thanks", "thank", "thx", "ty", "cheers", "rahmet":
		return true
	}
	return false
}

func farewellWord(w string) bool {
	switch w {
	case "свидания", "пока", "досвидания", "прощайте", "болыныз", "сау", "bye", "goodbye":
		return true
	}
	return false
}

func acknowledgingWord(w string) bool {
	switch w {
	case "ок", "окей", "ok", "okay", "хорошо", "понятно", "понял", "поняла", "ясно", "ладно", "отлично", "супер", "класс", "круто", "жаксы", "тусиникти", "керемет", "great", "fine", "clear", "understood", "cool", "perfect", "да", "иа", "yes", "угу", "ага":
		return true
	}
	return false
}

// fillerWord lists words that lead up to a question and ask nothing themselves.
func fillerWord(w string) bool {
	switch w {
	case "пожалуйста", "подскажите", "скажите", "подскажи", "скажи", "хотел", "хотела", "бы", "спросить", "узнать", "уточнить", "вопрос", "есть", "у", "меня", "вас", "вам", "всем", "до", "и", "а", "ну", "очень", "за", "ответ", "помощь", "можно", "такой", "тут", "все", "всё", "так", "еще", "раз",
		"ма", "бе", "ба", "айтынызшы", "сурайын", "деп", "едим", "сурагым", "сурак", "бар", "сизге", "отиниш", "жауабынызга", "комегинизге",
		"please", "you", "very", "much", "so", "a", "the", "for", "your", "help", "question", "have", "i", "tell", "me", "all", "there", "got", "it", "that", "is", "ll", "day":
		return true
	}
	return false
}
