// What is known of the bot's failures: one alarm for a cause, however many dialogues it concerns.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/calls";
import type { Alarm } from "../api/types";
import { readStored, writeStored } from "../storage";

export type Alarms = Awaited<ReturnType<typeof api.alarms>>;

export const alarmKeys = { all: ["alarms"] } as const;

/** The alarms that are open, and those that ended lately; the stream says when they change. */
export function useAlarms(): Alarm[] {
  return useQuery({ queryKey: alarmKeys.all, queryFn: api.alarms, staleTime: Infinity }).data?.alarms ?? [];
}

/** The alarms with news of one: of each cause the newest is kept. */
export function withAlarm(known: Alarm[], news: Alarm): Alarm[] {
  const before = known.find(({ cause }) => cause === news.cause);
  if (before && before.id !== news.id && before.opened_at > news.opened_at) return known;
  // What has ended does not open again.
  if (before?.id === news.id && before.closed_at !== null && news.closed_at === null) return known;
  return [news, ...known.filter((alarm) => alarm !== before)].sort((a, b) => Number(a.closed_at !== null) - Number(b.closed_at !== null));
}

/** News this old, met for the first time, is no alarm any more. */
const freshFor = 60_000;
/** A model that fails now and then does not sound each time. */
const quietFor = 600_000;

/** Whether to sound for an alarm; `last` is when that was last done for its cause. */
export function isNewAlarm(alarm: Alarm, last: number | undefined, now: number): boolean {
  return alarm.closed_at === null && now - Date.parse(alarm.last_at) < freshFor && (last === undefined || now - last > quietFor);
}

/** The causes that lie with the model's server; with the others the model may well answer. */
const ofTheModel = ["bad_key", "rate_limited", "unavailable", "timeout", "malformed"];

export const modelIsDown = (alarm: Alarm) => ofTheModel.includes(alarm.cause);

const storageKey = "parley.alarms.dismissed";
const keptDismissals = 50;
const isList = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === "string");

/** Which ended alarms this browser does not want to be told of any more. */
export function useDismissed(): [ids: string[], dismiss: (id: string) => void] {
  const [ids, setIDs] = useState<string[]>(() => readStored(storageKey, isList) ?? []);
  const dismiss = (id: string) => {
    const next = [...ids, id].slice(-keptDismissals);
    setIDs(next);
    writeStored(storageKey, next);
  };
  return [ids, dismiss];
}
