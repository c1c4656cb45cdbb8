// The transcript of one dialogue: its newest page, then older ones on demand.
import { useCallback, useEffect, useState } from "react";
import { api } from "../api/calls";
import type { Thread } from "../store/state";
import { useSelected, useStore } from "../store/store";

const pageSize = 50;
const unopened: Thread = { messages: [], more: false, loaded: false };

export interface ThreadView {
  thread: Thread;
  failed: boolean;
  loadingOlder: boolean;
  loadOlder(): void;
  retry(): void;
}

export function useThread(dialogueID: string): ThreadView {
  const store = useStore();
  const thread = useSelected((state) => state.threads[dialogueID]) ?? unopened;
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const [loadingOlder, setLoadingOlder] = useState(false);

  useEffect(() => store.dispatch({ type: "thread-opened", dialogueID }), [store, dialogueID]);

  const { loaded } = thread;
  useEffect(() => {
    if (loaded) return;
    const controller = new AbortController();
    setFailed(false);
    api
      .messages(dialogueID, { limit: pageSize }, controller.signal)
      .then((page) => store.dispatch({ type: "thread-page", dialogueID, messages: page.messages, more: page.more, direction: "newest" }))
      .catch(() => {
        if (!controller.signal.aborted) setFailed(true);
      });
    return () => controller.abort();
  }, [store, dialogueID, loaded, attempt]);

  const first = thread.messages[0]?.seq;
  const { more } = thread;
  const loadOlder = useCallback(() => {
    if (!more || loadingOlder || first === undefined) return;
    setLoadingOlder(true);
    api
      .messages(dialogueID, { before: first, limit: pageSize })
      .then((page) => store.dispatch({ type: "thread-page", dialogueID, messages: page.messages, more: page.more, direction: "older" }))
      .catch(() => undefined) // scrolling on asks again
      .finally(() => setLoadingOlder(false));
  }, [store, dialogueID, more, loadingOlder, first]);

  return { thread, failed: failed && !loaded, loadingOlder, loadOlder, retry: () => setAttempt((count) => count + 1) };
}
