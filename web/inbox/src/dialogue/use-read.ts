// Marks as read what the operator has really had before the eyes: the page
// visible and focused, the message in view, for about a second.
import { type RefObject, useCallback, useEffect, useRef } from "react";
import { api } from "../api/calls";
import type { Dialogue } from "../api/types";
import { useStore } from "../store/store";

const settleTime = 1_000;

/** Up to which message the transcript is in view. */
export function seenSeq(scroller: HTMLElement, atEnd: boolean): number {
  const marked = [...scroller.querySelectorAll<HTMLElement>("[data-seq]")];
  const end = scroller.getBoundingClientRect().bottom;
  let seen = 0;
  for (const element of marked) {
    if (atEnd || element.getBoundingClientRect().bottom <= end + 1) seen = Math.max(seen, Number(element.dataset.seq));
  }
  return seen;
}

/** What there is to report, or null. */
export function readReport(dialogue: Pick<Dialogue, "unread" | "read_seq" | "status">, seen: number): number | null {
  if (seen === 0) return null;
  if (dialogue.unread > 0 && seen > dialogue.read_seq) return seen;
  return dialogue.status === "new" && dialogue.unread === 0 ? Math.max(seen, dialogue.read_seq) : null;
}

interface ReadMarker {
  /** Looks again at what is in view. */
  check(): void;
}

export function useReadMarker(dialogue: Dialogue, scrollRef: RefObject<HTMLElement | null>, atEnd: boolean, paused: boolean): ReadMarker {
  const store = useStore();
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const reported = useRef("");
  const latest = useRef({ dialogue, atEnd, paused });
  useEffect(() => {
    latest.current = { dialogue, atEnd, paused };
  });

  const check = useCallback(() => {
    if (timer.current !== null) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      const now = latest.current;
      const scroller = scrollRef.current;
      if (!scroller || now.paused || document.visibilityState !== "visible" || !document.hasFocus()) return;
      const seq = readReport(now.dialogue, seenSeq(scroller, now.atEnd));
      const report = `${now.dialogue.id}:${seq}:${now.dialogue.version}`;
      if (seq === null || reported.current === report) return;
      reported.current = report;
      api
        .setRead(now.dialogue.id, seq)
        .then((updated) => store.dispatch({ type: "dialogues", dialogues: [updated] }))
        .catch(() => undefined); // stays unread, and is reported with the next look
    }, settleTime);
  }, [scrollRef, store]);

  useEffect(() => {
    check();
  }, [check, dialogue.version, atEnd, paused]);
  useEffect(() => {
    window.addEventListener("focus", check);
    document.addEventListener("visibilitychange", check);
    return () => {
      window.removeEventListener("focus", check);
      document.removeEventListener("visibilitychange", check);
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    };
  }, [check]);
  return { check };
}
