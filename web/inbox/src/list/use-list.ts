// The dialogues of one filter: pages of the server, kept live by the store.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "../api/calls";
import { useMe } from "../session/session";
import { useSelected, useStore } from "../store/store";
import { type Filter, type Loaded, placeOf, rowIDs, toQuery } from "./filter";

const pageSize = 50;

export interface DialogueList {
  ids: string[];
  loading: boolean;
  failed: boolean;
  hasMore: boolean;
  loadingMore: boolean;
  moreFailed: boolean;
  retryMore(): void;
  loadMore(): void;
  retry(): void;
}

export function useDialogueList(filter: Filter): DialogueList {
  const store = useStore();
  const me = useMe();
  const query = useInfiniteQuery({
    queryKey: ["dialogues", toQuery(filter)],
    queryFn: async ({ pageParam, signal }) => {
      const page = await api.dialogues({ ...toQuery(filter), limit: pageSize, ...(pageParam ? { cursor: pageParam } : {}) }, signal);
      store.dispatch({ type: "dialogues", dialogues: page.dialogues });
      const last = page.dialogues.at(-1);
      return { ids: page.dialogues.map((dialogue) => dialogue.id), end: last ? placeOf(last) : null, next: page.next_cursor };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    staleTime: Infinity,
    gcTime: 10 * 60_000,
  });

  const pages = query.data?.pages;
  const loaded = useMemo((): Loaded => {
    const last = pages?.at(-1);
    return {
      ids: new Set(pages?.flatMap((page) => page.ids)),
      end: last && last.next !== null ? last.end : null,
    };
  }, [pages]);
  const dialogues = useSelected((state) => state.dialogues);
  const ids = useMemo(() => (pages ? rowIDs(dialogues, filter, me.id, loaded) : []), [dialogues, filter, me.id, loaded, pages]);

  return {
    ids,
    loading: query.isPending,
    failed: query.isError && !pages,
    hasMore: query.hasNextPage,
    loadingMore: query.isFetchingNextPage,
    moreFailed: query.isFetchNextPageError,
    retryMore: () => void query.fetchNextPage(),
    loadMore: () => {
      if (query.hasNextPage && !query.isFetchingNextPage && !query.isFetchNextPageError) void query.fetchNextPage();
    },
    retry: () => void query.refetch(),
  };
}
