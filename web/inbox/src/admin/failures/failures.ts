// The failed answers of a filter, and how many there are.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, type TurnQuery } from "../../api/calls";
import { useMe } from "../../session/session";

export interface FailureFilter {
  cause: string | null;
  channel: string | null;
  /** Only those whose customers still wait. */
  waiting: boolean;
}

export const firstFilter: FailureFilter = { cause: null, channel: null, waiting: true };

export const failureKeys = {
  all: ["failures"],
  counts: ["failures", "counts"],
  list: (filter: FailureFilter) => ["failures", "list", filter],
  replays: ["failures", "replays"],
  toReplay: (filter: FailureFilter) => ["failures", "to-replay", filter.cause, filter.channel],
} as const;

export type FailureCounts = Awaited<ReturnType<typeof api.failureCounts>>;

function toQuery(filter: FailureFilter): TurnQuery {
  return {
    kind: "reply",
    state: "failed",
    ...(filter.cause === null ? {} : { cause: filter.cause }),
    ...(filter.channel === null ? {} : { channel: filter.channel }),
    ...(filter.waiting ? { open: true } : {}),
  };
}

export function useFailures(filter: FailureFilter) {
  return useInfiniteQuery({
    queryKey: failureKeys.list(filter),
    queryFn: ({ pageParam, signal }) => api.turns({ ...toQuery(filter), ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** How many answers failed within a week. Only admins may know; the stream says when it changes. */
export function useFailureCounts(): FailureCounts | null {
  const me = useMe();
  const query = useQuery({ queryKey: failureKeys.counts, queryFn: api.failureCounts, enabled: me.role === "admin", staleTime: Infinity });
  return query.data ?? null;
}

/** So many are counted before a replay of all; more are only told to be more. */
const countedAtMost = 200;
const pageSize = 100;

export interface ToReplay {
  count: number;
  /** There are more than were counted. */
  more: boolean;
}

/** How many answers a replay of all in a filter concerns. */
export async function countToReplay(filter: FailureFilter, signal?: AbortSignal): Promise<ToReplay> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof api.turns>> = await api.turns({ ...toQuery({ ...filter, waiting: true }), limit: pageSize, ...(cursor ? { cursor } : {}) }, signal);
    count += page.turns.length;
    cursor = page.next_cursor;
  } while (cursor !== null && count < countedAtMost);
  return { count, more: cursor !== null };
}
