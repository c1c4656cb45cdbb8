// Things to test with, complete by default.
import type { Dialogue, Message, Operator } from "../api/types";

export const me: Operator = { id: "00000000-0000-7000-8000-0000000000aa", email: "aigul@example.kz", name: "Айгуль", role: "operator" };
export const colleague: Operator = { id: "00000000-0000-7000-8000-0000000000bb", email: "timur@example.kz", name: "Тимур", role: "operator" };

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
    assignee: null,
    language: "ru",
    waiting_since: null,
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
