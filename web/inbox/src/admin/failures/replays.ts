// Replays of many: those that run, and those that were seen to end.
import { type UseMutationResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../../api/calls";
import type { ReplayBatch } from "../../api/types";
import { useShowProblem } from "../../shell/problem";
import { type FailureFilter, failureKeys } from "./failures";
import { useReplayProblem } from "./problem";

type Listed = Awaited<ReturnType<typeof api.replays>>;

/** How often a running one is looked at. */
const lookEvery = 1_000;

export const isRunning = ({ state }: ReplayBatch): boolean => state === "running";

/** Whether a replay concerns just what the filter shows. */
export const isOf = ({ filter }: ReplayBatch, { cause, channel }: FailureFilter): boolean => filter.cause === cause && filter.channel === channel;

interface Replays {
  /** Those that run, and those that ended while somebody looked on. */
  shown: ReplayBatch[];
  /** Takes one that has ended off the screen. */
  dismiss(id: string): void;
}

export function useReplays(): Replays {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: failureKeys.replays,
    queryFn: ({ signal }) => api.replays(signal),
    refetchInterval: ({ state }) => (state.data?.replays.some(isRunning) ? lookEvery : false),
  });
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const list = query.data?.replays ?? [];
  const running = list
    .filter(isRunning)
    .map(({ id }) => id)
    .join();
  useEffect(() => {
    if (running === "") return;
    setSeen((before) => new Set([...before, ...running.split(",")]));
    // When one ends, the list and the numbers are no longer what they were.
    return () => void queries.invalidateQueries({ queryKey: failureKeys.all });
  }, [running, queries]);
  return {
    shown: list.filter((batch) => isRunning(batch) || seen.has(batch.id)),
    dismiss: (id) => setSeen((before) => new Set([...before].filter((one) => one !== id))),
  };
}

/** Begins a replay of all in a filter. */
export function useStartReplay({ cause, channel }: FailureFilter, onStarted: () => void): UseMutationResult<ReplayBatch, Error, void> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.startReplay({ ...(cause === null ? {} : { cause }), ...(channel === null ? {} : { channel }) }),
    onSuccess: (batch) => {
      keep(queries, batch);
      onStarted();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: failureKeys.all }),
  });
}

export function useStopReplay(id: string): UseMutationResult<ReplayBatch, Error, void> {
  const queries = useQueryClient();
  const showProblem = useShowProblem();
  const problemText = useReplayProblem();
  return useMutation({
    mutationFn: () => api.stopReplay(id),
    onSuccess: (batch) => keep(queries, batch),
    onError: (error) => showProblem(error, problemText(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: failureKeys.all }),
  });
}

/** Puts what the server said of one into what is shown. */
function keep(queries: ReturnType<typeof useQueryClient>, batch: ReplayBatch): void {
  queries.setQueryData<Listed>(failureKeys.replays, (before) => {
    const replays = before?.replays ?? [];
    const known = replays.some(({ id }) => id === batch.id);
    return { next_cursor: before?.next_cursor ?? null, replays: known ? replays.map((one) => (one.id === batch.id ? batch : one)) : [batch, ...replays] };
  });
}
