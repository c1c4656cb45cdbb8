package bot

import (
	"regexp"

	"parley/dialogue"
)

// command finds the two commands that an app sends to every bot: /start, with what
// its link says, when the customer opens the dialogue, and /help
// (https://core.telegram.org/bots/features#global-commands).
var command = regexp.MustCompile(`^\s*/(start|help)(?:@\w+)?(?:\s+[\w-]{1,64})?\s*$`)

// isCommand says whether a text is a command of the customer's app: it asks nothing.
func isCommand(text string) bool { return command.MatchString(text) }

// commandKind is the courtesy that a command is met with.
func commandKind(text string) TopicKind {
	if m := command.FindStringSubmatch(text); m != nil && m[1] == "help" {
		return TopicIdentity
	}
	return TopicGreeting
}

// onlyCommands says whether nothing was asked yet: no model has to word a greeting.
func onlyCommands(questions []Line) bool {
	for _, q := range questions {
		if !isCommand(q.Text) || len(q.Attachments) > 0 {
			return false
		}
	}
	return true
}

// greeting meets a customer who has only opened the dialogue or asked for help.
func greeting(in Input, lang dialogue.Language) string {
	introduction := introOf(in, lang)
	return joinIntro(introduction, courtesy(courtesyOf(topicsOf(in)), lang, introduction != ""))
}
