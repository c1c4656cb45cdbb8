// Which news of the stream change the list of failed answers.
import type { Dialogue, Message } from "../../api/types";

/** What was known of the dialogue before, and what comes now. */
interface News {
  before: Dialogue | undefined;
  dialogue: Dialogue;
  message?: Message;
}

/** Whether an answer has failed, been replayed, or is no longer waited for. */
export function concernsFailures({ before, dialogue, message }: News, open: number): boolean {
  const event = message?.data;
  if (event?.type === "replayed") return true;
  if (event?.type === "handoff" && event.reason === "bot_error") return true;
  if (open === 0) return false;
  // Whoever waits after a failure is with the operators: what the bot answers elsewhere does not matter.
  return before === undefined || (before.mode === "operator" && dialogue.answered_seq > before.answered_seq);
}
