// The calls the inbox makes, one function each.
import { call } from "./client";
import type { paths } from "./schema.gen";
import type { Mode } from "./types";

export type DialogueQuery = NonNullable<paths["/api/v1/dialogues"]["get"]["parameters"]["query"]>;

export const api = {
  login: (email: string, password: string) => call("post", "/api/v1/session", { body: { email, password } }),
  session: () => call("get", "/api/v1/session", {}),
  logout: () => call("delete", "/api/v1/session", {}),

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
  assign: (id: string, operatorID: string | null) =>
    call("put", "/api/v1/dialogues/{id}/assignee", { path: { id }, body: { operator_id: operatorID } }),
  setRead: (id: string, seq: number) => call("put", "/api/v1/dialogues/{id}/read", { path: { id }, body: { seq } }),
  suggest: (id: string, signal?: AbortSignal) => call("post", "/api/v1/dialogues/{id}/suggestion", { path: { id }, signal }),
  turn: (id: string) => call("get", "/api/v1/turns/{id}", { path: { id } }),

  presence: (client: string, dialogueID: string | null, typing: boolean) =>
    call("put", "/api/v1/presence", { body: { client, dialogue_id: dialogueID, typing } }),

  channels: () => call("get", "/api/v1/channels", {}),
  operators: () => call("get", "/api/v1/operators", {}),
  deadLetters: (cursor?: string) => call("get", "/api/v1/dead-letters", { query: { cursor } }),
};
