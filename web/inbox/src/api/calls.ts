// The calls the inbox makes, one function each.
import { call } from "./client";
import type { paths } from "./schema.gen";
import type { Mode, Replayed, Tried } from "./types";

type Query<P extends "/api/v1/dialogues" | "/api/v1/turns" | "/api/v1/audit"> = NonNullable<paths[P]["get"]["parameters"]["query"]>;
export type DialogueQuery = Query<"/api/v1/dialogues">;
export type TurnQuery = Query<"/api/v1/turns">;
export type AuditQuery = Query<"/api/v1/audit">;

export const api = {
  login: (email: string, password: string) => call("post", "/api/v1/session", { body: { email, password } }),
  session: () => call("get", "/api/v1/session", {}),
  logout: () => call("delete", "/api/v1/session", {}),
  changePassword: (current: string, password: string) => call("put", "/api/v1/session/password", { body: { current, password } }),

  dialogues: (query: DialogueQuery, signal?: AbortSignal) => call("get", "/api/v1/dialogues", { query, signal }),
  dialogue: (id: string, signal?: AbortSignal) => call("get", "/api/v1/dialogues/{id}", { path: { id }, signal }),
  messages: (id: string, query: { before?: number; after?: number; limit?: number }, signal?: AbortSignal) =>
    call("get", "/api/v1/dialogues/{id}/messages", { path: { id }, query, signal }),

  sendMessage: (id: string, body: { client_id: string; text: string; suggestion_id?: string }) =>
    call("post", "/api/v1/dialogues/{id}/messages", { path: { id }, body }),
  resend: (id: string, message: string) => call("post", "/api/v1/dialogues/{id}/messages/{message}/resend", { path: { id, message } }),
  addNote: (id: string, body: { client_id: string; text: string }) =>
    call("post", "/api/v1/dialogues/{id}/notes", { path: { id }, body }),
  setMode: (id: string, mode: Mode) => call("put", "/api/v1/dialogues/{id}/mode", { path: { id }, body: { mode } }),
  setStatus: (id: string, status: "open" | "closed") =>
    call("put", "/api/v1/dialogues/{id}/status", { path: { id }, body: { status } }),
  snooze: (id: string, until: Date) =>
    call("put", "/api/v1/dialogues/{id}/status", { path: { id }, body: { status: "snoozed", until: until.toISOString() } }),
  assign: (id: string, operatorID: string | null) =>
    call("put", "/api/v1/dialogues/{id}/assignee", { path: { id }, body: { operator_id: operatorID } }),
  setRead: (id: string, seq: number) => call("put", "/api/v1/dialogues/{id}/read", { path: { id }, body: { seq } }),
  suggest: (id: string, signal?: AbortSignal) => call("post", "/api/v1/dialogues/{id}/suggestion", { path: { id }, signal }),
  turn: (id: string) => call("get", "/api/v1/turns/{id}", { path: { id } }),

  turns: (query: TurnQuery, signal?: AbortSignal) => call("get", "/api/v1/turns", { query, signal }),
  alarms: () => call("get", "/api/v1/alarms", {}),
  failureCounts: () => call("get", "/api/v1/failures", {}),
  tryTurn: async (id: string) => (await call("post", "/api/v1/turns/{id}/replay", { path: { id }, body: { dry_run: true } })) as Tried,
  replayTurn: async (id: string) => (await call("post", "/api/v1/turns/{id}/replay", { path: { id }, body: { dry_run: false } })) as Replayed,
  startReplay: (filter: { cause?: string; channel?: string }) => call("post", "/api/v1/turns/replay", { body: { filter } }),
  replays: (signal?: AbortSignal) => call("get", "/api/v1/turns/replays", { query: { limit: 20 }, signal }),
  stopReplay: (id: string) => call("post", "/api/v1/turns/replays/{id}/stop", { path: { id } }),

  presence: (client: string, dialogueID: string | null, typing: boolean) =>
    call("put", "/api/v1/presence", { body: { client, dialogue_id: dialogueID, typing } }),

  channels: () => call("get", "/api/v1/channels", {}),
  operators: (query: { all?: boolean } = {}) => call("get", "/api/v1/operators", { query }),
  audit: (query: AuditQuery, signal?: AbortSignal) => call("get", "/api/v1/audit", { query, signal }),
  deadLetters: (cursor?: string) => call("get", "/api/v1/dead-letters", { query: { cursor } }),
  retryDeadLetter: (id: string) => call("post", "/api/v1/dead-letters/{id}/retry", { path: { id } }),
  discardDeadLetter: (id: string) => call("delete", "/api/v1/dead-letters/{id}", { path: { id } }),
};
