// The bot's turns of a filter.
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, type TurnQuery } from "../../api/calls";
import type { ListedTurn } from "../../api/types";
import { serverNow } from "../../server-clock";
import { beginOf, type Period } from "../period";

export interface AnswerFilter {
  outcome: ListedTurn["state"] | null;
  channel: string | null;
  /** Null: from the beginning. */
  period: Period | null;
  /** Of the bot. */
  version: string | null;
}

export const noFilter: AnswerFilter = { outcome: null, channel: null, period: null, version: null };

/** The outcomes to choose from, the usual ones first. */
export const outcomes = ["answered", "handed_off", "failed", "superseded", "drafted", "running"] as const satisfies ListedTurn["state"][];

export function toQuery({ outcome, channel, period, version }: AnswerFilter, now: Date): TurnQuery {
  const query: TurnQuery = {};
  if (outcome !== null) query.state = outcome;
  if (channel !== null) query.channel = channel;
  if (period !== null) query.from = beginOf(period, now);
  if (version !== null) query.prompt_version = version;
  return query;
}

export function useAnswers(filter: AnswerFilter) {
  return useInfiniteQuery({
    queryKey: ["answers", filter],
    queryFn: ({ pageParam, signal }) => api.turns({ ...toQuery(filter, new Date(serverNow())), ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}
