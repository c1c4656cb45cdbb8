// Things to test with, complete by default.
import type { Alarm, AuditEntry, Dialogue, ListedTurn, Message, Operator, ReplayBatch, TurnDetail } from "../api/types";

export const me: Operator = { id: "00000000-0000-7000-8000-0000000000aa", email: "aigul@example.kz", name: "Айгуль", role: "operator" };
export const colleague: Operator = { id: "00000000-0000-7000-8000-0000000000bb", email: "timur@example.kz", name: "Тимур", role: "operator" };
export const admin: Operator = { id: "00000000-0000-7000-8000-0000000000cc", email: "dana@example.kz", name: "Дана", role: "admin" };

export const id = (number: number) => `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
export const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 2, 10, 9, minute, second)).toISOString();

export function dialogue(number: number, change: Partial<Dialogue> = {}): Dialogue {
  return {
    id: id(number),
    version: 1,
    channel: { id: id(900), kind: "widget", slug: "demo", name: "Сайт" },
    contact: { id: id(800 + number), name: null, number },
    chat_id: `chat-${number}`,
    mode: "bot",
    epoch: 0,
    status: "open",
    handoff_reason: null,
    handoff_detail: null,
    assignee: null,
    language: "ru",
    waiting_since: null,
    overdue_since: null,
    timers: [],
    unread: 0,
    read_seq: 0,
    last_seq: 0,
    customer_seq: 0,
    answered_seq: 0,
    last_message: { author: "customer", preview: `Вопрос ${number}`, created_at: at(number) },
    created_at: at(0),
    ...change,
  };
}

export function message(seq: number, change: Partial<Message> = {}): Message {
  return {
    id: id(10_000 + seq),
    dialogue_id: id(1),
    seq,
    author: "customer",
    kind: "text",
    text: `Текст ${seq}`,
    data: null,
    state: "received",
    error: null,
    operator: null,
    turn_id: null,
    client_id: null,
    created_at: at(0, seq),
    ...change,
  };
}

export function turn(number: number, change: Partial<TurnDetail> = {}): TurnDetail {
  return {
    id: id(20_000 + number),
    dialogue_id: id(number),
    kind: "reply",
    state: "answered",
    from_seq: 0,
    to_seq: 1,
    attempts: 1,
    restarts: 0,
    answer: "Ответ",
    handoff_reason: null,
    cause: null,
    error: null,
    model: "gpt-4o-mini",
    prompt_version: "3",
    prompt_tokens: 1200,
    completion_tokens: 80,
    tokens_estimated: false,
    cost_micros: null,
    currency: null,
    first_word_ms: null,
    model_ms: null,
    sources: [],
    started_at: at(0),
    finished_at: at(0, 2),
    tool_calls: [],
    request: null,
    response: null,
    replay: null,
    ...change,
  };
}

export function failedTurn(number: number, change: Partial<ListedTurn> = {}): ListedTurn {
  return {
    ...turn(number, { state: "failed", answer: null, cause: "bad_key", error: "401 Unauthorized", handoff_reason: "bot_error" }),
    dialogue: dialogue(number, { mode: "operator", handoff_reason: "bot_error", waiting_since: at(0, 2) }),
    question: `Вопрос ${number}`,
    open: true,
    replay: null,
    ...change,
  };
}

export function replayBatch(change: Partial<ReplayBatch> = {}): ReplayBatch {
  return {
    id: id(40_000),
    filter: { cause: null, channel: null },
    by: admin.name,
    state: "running",
    total: 10,
    replayed: 0,
    skipped: 0,
    started_at: at(0),
    finished_at: null,
    error: null,
    ...change,
  };
}

export function alarm(number: number, change: Partial<Alarm> = {}): Alarm {
  return {
    id: id(40_000 + number),
    kind: "model",
    cause: "unavailable",
    opened_at: at(5),
    last_at: at(6),
    count: 5,
    dialogues: 5,
    waiting: 5,
    closed_at: null,
    closed_by: null,
    operator: null,
    ...change,
  };
}

export function auditEntry(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: id(30_000),
    at: at(0),
    actor: { kind: "operator", id: admin.id, name: admin.name },
    action: "taken_over",
    object: { kind: "dialogue", id: id(1), name: "Асель" },
    detail: {},
    ...change,
  };
}
