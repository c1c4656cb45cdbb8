// Which dialogues a list shows: as a question to the server, and as a test here,
// so that rows come and go live.
import type { DialogueQuery } from "../api/calls";
import type { Dialogue, Mode, Status } from "../api/types";

export const views = ["waiting", "mine", "bot", "all", "closed"] as const;
export type View = (typeof views)[number];

/** What the server searches for at most, in characters. */
export const longestSearch = 200;

export interface Filter {
  view: View;
  q: string;
  channels: string[];
  statuses: Status[];
  mode: Mode | null;
  unread: boolean;
}

export const emptyFilter: Filter = { view: "all", q: "", channels: [], statuses: [], mode: null, unread: false };

const inWork: Status[] = ["new", "open", "snoozed"];

function statusesOf(filter: Filter): Status[] {
  if (filter.view === "closed") return ["closed"];
  if (filter.statuses.length > 0) return filter.statuses;
  return filter.view === "mine" || filter.view === "bot" ? inWork : [];
}

function modeOf(filter: Filter): Mode | null {
  return filter.view === "bot" ? "bot" : filter.mode;
}

/** Whether anything beyond the view narrows the list. */
export function isNarrowed(filter: Filter): boolean {
  return filter.q !== "" || filter.channels.length > 0 || filter.statuses.length > 0 || filter.mode !== null || filter.unread;
}

export function toQuery(filter: Filter): DialogueQuery {
  const query: DialogueQuery = {};
  const statuses = statusesOf(filter);
  const mode = modeOf(filter);
  if (statuses.length > 0) query.status = statuses.join(",");
  if (mode) query.mode = mode;
  if (filter.channels.length > 0) query.channel = filter.channels.join(",");
  if (filter.view === "waiting") query.waiting = true;
  if (filter.view === "mine") query.assignee = "me";
  if (filter.unread) query.unread = true;
  if (filter.q !== "") query.q = filter.q;
  return query;
}

/** Whether a dialogue belongs to the list, as far as it can be told without the texts of its messages. */
export function matches(filter: Filter, dialogue: Dialogue, me: string): boolean {
  const statuses = statusesOf(filter);
  const mode = modeOf(filter);
  if (statuses.length > 0 && !statuses.includes(dialogue.status)) return false;
  if (mode && dialogue.mode !== mode) return false;
  if (filter.channels.length > 0 && !filter.channels.includes(dialogue.channel.id)) return false;
  if (filter.view === "waiting" && dialogue.waiting_since === null) return false;
  if (filter.view === "mine" && dialogue.assignee?.id !== me) return false;
  if (filter.unread && dialogue.unread === 0) return false;
  return true;
}

function mentions(q: string, dialogue: Dialogue): boolean {
  const wanted = q.toLocaleLowerCase();
  const texts = [dialogue.contact.name ?? "", dialogue.chat_id, dialogue.last_message.preview];
  return texts.some((text) => text.toLocaleLowerCase().includes(wanted));
}

/** The place of a dialogue in the order of the list. */
export interface Place {
  at: string;
  id: string;
}

export const placeOf = (dialogue: Dialogue): Place => ({ at: dialogue.last_message.created_at, id: dialogue.id });

/** Newest first. */
export function comparePlaces(a: Place, b: Place): number {
  const difference = Date.parse(b.at) - Date.parse(a.at);
  if (difference !== 0) return difference;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** What the server has listed so far. */
export interface Loaded {
  ids: ReadonlySet<string>;
  /** The place of the last row; null when the list is loaded to its end. */
  end: Place | null;
}

/** The ids of the rows, in order: what was loaded, and what has come live since and belongs in the loaded part. */
export function rowIDs(dialogues: Record<string, Dialogue>, filter: Filter, me: string, loaded: Loaded): string[] {
  const rows: Place[] = [];
  for (const dialogue of Object.values(dialogues)) {
    if (!matches(filter, dialogue, me)) continue;
    const place = placeOf(dialogue);
    const listed = loaded.ids.has(dialogue.id);
    if (!listed && filter.q !== "" && !mentions(filter.q, dialogue)) continue;
    if (!listed && loaded.end !== null && comparePlaces(place, loaded.end) > 0) continue;
    rows.push(place);
  }
  return rows.sort(comparePlaces).map((place) => place.id);
}
