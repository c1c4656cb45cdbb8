// What the inbox knows, and how each piece of news changes it. Everything that
// arrives, by the stream or as a response, goes through `reduce`; older news is
// recognised there and ignored.
import type { Author, Dialogue, Message, MessageAndDialogue, OperatorRef, Presence, TurnProgress, Typing } from "../api/types";
import { mergeDialogue, mergeMessages } from "./merge";

/** The part of a transcript that is known. */
export interface Thread {
  /** In order of seq, without gaps. */
  messages: Message[];
  /** Whether there are older ones on the server. */
  more: boolean;
  /** Whether the newest page has been fetched. */
  loaded: boolean;
}

/** A text of the bot that is being written. */
export interface LiveText {
  turnID: string;
  text: string;
  /** Whether the text is known from its beginning. */
  whole: boolean;
  ended: boolean;
}

export interface TypingMark {
  author: Author;
  name: string | null;
  at: number;
}

export type PendingStatus = "sending" | "waiting" | "failed";

/** A message of this operator that the server has not confirmed yet. */
export interface Pending {
  clientID: string;
  dialogueID: string;
  kind: "text" | "note";
  text: string;
  suggestionID: string | null;
  createdAt: string;
  status: PendingStatus;
  /** The code of the problem that made it fail. */
  problem: string | null;
}

export interface State {
  dialogues: Record<string, Dialogue>;
  threads: Record<string, Thread>;
  replies: Record<string, LiveText>;
  suggestions: Record<string, LiveText>;
  typing: Record<string, TypingMark[]>;
  viewers: Record<string, OperatorRef[]>;
  pending: Pending[];
}

export const emptyState: State = {
  dialogues: {},
  threads: {},
  replies: {},
  suggestions: {},
  typing: {},
  viewers: {},
  pending: [],
};

export type Action =
  | { type: "dialogues"; dialogues: Dialogue[] }
  | { type: "snapshot"; dialogues: Dialogue[] }
  | { type: "message"; news: MessageAndDialogue }
  | { type: "thread-opened"; dialogueID: string }
  | { type: "thread-page"; dialogueID: string; messages: Message[]; more: boolean; direction: "newest" | "older" | "newer" }
  | { type: "typing"; typing: Typing; at: number }
  | { type: "typing-expired"; before: number }
  | { type: "turn"; progress: TurnProgress }
  | { type: "reply-expired"; dialogueID: string; turnID: string }
  | { type: "suggestion-cleared"; dialogueID: string }
  | { type: "presence"; presence: Presence }
  | { type: "pending-loaded"; pending: Pending[] }
  | { type: "pending-added"; pending: Pending }
  | { type: "pending-changed"; clientID: string; status: PendingStatus; problem: string | null }
  | { type: "pending-removed"; clientID: string };

/** Transcripts kept in memory; the one opened longest ago goes first. */
const keptThreads = 30;

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "dialogues":
      return withDialogues(state, action.dialogues);
    case "snapshot":
      return withSnapshot(state, action.dialogues);
    case "message":
      return withMessage(withDialogues(state, [action.news.dialogue]), action.news.message, isLater(state, action.news.dialogue));
    case "thread-opened":
      return withOpenThread(state, action.dialogueID);
    case "thread-page":
      return withPage(state, action);
    case "typing":
      return withTyping(state, action.typing, action.at);
    case "typing-expired":
      return withoutOldTyping(state, action.before);
    case "turn":
      return withTurn(state, action.progress);
    case "reply-expired":
      return state.replies[action.dialogueID]?.turnID === action.turnID
        ? { ...state, replies: without(state.replies, action.dialogueID) }
        : state;
    case "suggestion-cleared":
      return { ...state, suggestions: without(state.suggestions, action.dialogueID) };
    case "presence":
      return { ...state, viewers: { ...state.viewers, [action.presence.dialogue_id]: action.presence.operators } };
    case "pending-loaded":
      return { ...state, pending: action.pending };
    case "pending-added":
      return { ...state, pending: [...state.pending, action.pending] };
    case "pending-changed":
      return {
        ...state,
        pending: state.pending.map((pending) =>
          pending.clientID === action.clientID ? { ...pending, status: action.status, problem: action.problem } : pending,
        ),
      };
    case "pending-removed":
      return withoutPending(state, action.clientID);
  }
}

function withDialogues(state: State, incoming: Dialogue[]): State {
  let dialogues = state.dialogues;
  for (const dialogue of incoming) {
    const merged = mergeDialogue(dialogues[dialogue.id], dialogue);
    if (merged === dialogues[dialogue.id]) continue;
    if (dialogues === state.dialogues) dialogues = { ...dialogues };
    dialogues[dialogue.id] = merged;
  }
  return dialogues === state.dialogues ? state : { ...state, dialogues };
}

/** After a reset the news in between is lost: only what the snapshot or a transcript fetched again vouches for stays. */
function withSnapshot(state: State, incoming: Dialogue[]): State {
  const dialogues: Record<string, Dialogue> = {};
  for (const dialogue of incoming) dialogues[dialogue.id] = mergeDialogue(state.dialogues[dialogue.id], dialogue);
  const threads: Record<string, Thread> = {};
  for (const [id, thread] of Object.entries(state.threads)) threads[id] = { ...thread, loaded: false };
  return { ...state, dialogues, threads, replies: {}, typing: {} };
}

function isLater(state: State, { id, version }: Dialogue): boolean {
  const known = state.dialogues[id];
  return known === undefined || version > known.version;
}

function withMessage(state: State, message: Message, later: boolean): State {
  const id = message.dialogue_id;
  let next = state;
  const thread = state.threads[id];
  if (thread) {
    const messages = mergeMessages(thread.messages, [message], later);
    if (messages !== thread.messages) next = { ...next, threads: { ...next.threads, [id]: { ...thread, messages } } };
  }
  if (message.client_id && message.author === "operator") next = withoutPending(next, message.client_id);
  const reply = next.replies[id];
  if (reply && message.turn_id === reply.turnID) next = { ...next, replies: without(next.replies, id) };
  const marks = next.typing[id];
  if (marks?.some((mark) => mark.author === message.author)) {
    next = { ...next, typing: { ...next.typing, [id]: marks.filter((mark) => mark.author !== message.author) } };
  }
  return next;
}

function withOpenThread(state: State, id: string): State {
  const { [id]: existing, ...others } = state.threads;
  const kept = Object.entries(others).slice(-(keptThreads - 1));
  return { ...state, threads: { ...Object.fromEntries(kept), [id]: existing ?? { messages: [], more: false, loaded: false } } };
}

function withPage(state: State, page: Extract<Action, { type: "thread-page" }>): State {
  const id = page.dialogueID;
  const known = state.threads[id] ?? { messages: [], more: false, loaded: false };
  let next: Thread;
  switch (page.direction) {
    case "older":
      next = { ...known, messages: mergeMessages(known.messages, page.messages), more: page.more };
      break;
    case "newer":
      next = { ...known, messages: mergeMessages(known.messages, page.messages) };
      break;
    case "newest": {
      // What was known before is kept only where the page joins it without a gap.
      const first = page.messages[0];
      const last = known.messages.at(-1);
      const joins = first !== undefined && last !== undefined && first.seq <= last.seq + 1 && known.messages[0]!.seq <= first.seq;
      const newer = first === undefined ? known.messages : known.messages.filter((message) => message.seq > page.messages.at(-1)!.seq);
      next = joins
        ? { messages: mergeMessages(known.messages, page.messages), more: known.messages[0]!.seq < first.seq ? known.more : page.more, loaded: true }
        : { messages: mergeMessages(newer, page.messages), more: page.more, loaded: true };
    }
  }
  let result: State = { ...state, threads: { ...state.threads, [id]: next } };
  for (const message of page.messages) {
    if (message.client_id && message.author === "operator") result = withoutPending(result, message.client_id);
  }
  const reply = result.replies[id];
  if (reply && page.messages.some((message) => message.turn_id === reply.turnID)) {
    result = { ...result, replies: without(result.replies, id) };
  }
  return result;
}

function withTyping(state: State, typing: Typing, at: number): State {
  const mark: TypingMark = { author: typing.author, name: typing.name ?? null, at };
  const others = (state.typing[typing.dialogue_id] ?? []).filter((known) => known.author !== mark.author || known.name !== mark.name);
  return { ...state, typing: { ...state.typing, [typing.dialogue_id]: [...others, mark] } };
}

function withoutOldTyping(state: State, before: number): State {
  if (!Object.values(state.typing).some((marks) => marks.some((mark) => mark.at <= before))) return state;
  const typing: State["typing"] = {};
  for (const [id, marks] of Object.entries(state.typing)) {
    const fresh = marks.filter((mark) => mark.at > before);
    if (fresh.length > 0) typing[id] = fresh;
  }
  return { ...state, typing };
}

function withTurn(state: State, progress: TurnProgress): State {
  const id = progress.dialogue_id;
  const where = progress.kind === "suggestion" ? "suggestions" : "replies";
  if (where === "replies" && state.threads[id]?.messages.some((message) => message.turn_id === progress.turn_id && message.author === "bot")) {
    return state; // the message has come already
  }
  const known = state[where][id];
  const same = known?.turnID === progress.turn_id ? known : undefined;
  if (progress.state === "ended") {
    return same ? { ...state, [where]: { ...state[where], [id]: { ...same, ended: true } } } : state;
  }
  const before = same?.text ?? "";
  const whole = progress.offset <= before.length && (progress.offset === 0 || (same?.whole ?? false));
  const text = whole ? before.slice(0, progress.offset) + progress.text : before;
  return { ...state, [where]: { ...state[where], [id]: { turnID: progress.turn_id, text, whole, ended: false } } };
}

function withoutPending(state: State, clientID: string): State {
  if (!state.pending.some((pending) => pending.clientID === clientID)) return state;
  return { ...state, pending: state.pending.filter((pending) => pending.clientID !== clientID) };
}

function without<T>(record: Record<string, T>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = record;
  return rest;
}
