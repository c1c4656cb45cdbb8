// The scroll position of a transcript: at the end it follows what comes; scrolled
// up it stays where it is, whatever is put in above or below.
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Item } from "./items";

const nearEnd = 48;
const nearStart = 400;

export interface TranscriptScroll {
  scrollRef: RefObject<HTMLDivElement | null>;
  contentRef: RefObject<HTMLDivElement | null>;
  atEnd: boolean;
  /** How many messages have come below since the operator scrolled up. */
  newBelow: number;
  toEnd(): void;
  onScroll(): void;
}

const firstMessageKey = (items: Item[]) => items.find((item) => item.kind !== "day")?.key;
const countMessages = (items: Item[]) => items.filter((item) => item.kind === "message" || item.kind === "reply").length;

export function useTranscriptScroll(items: Item[], loadOlder: () => void): TranscriptScroll {
  const scrollRef = useRef<HTMLDivElement>(null);
  const contentRef = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const before = useRef({ height: 0, first: firstMessageKey(items), last: items.at(-1)?.key, pending: 0, messages: 0 });
  const [atEnd, setAtEnd] = useState(true);
  const [newBelow, setNewBelow] = useState(0);

  const toEnd = useCallback(() => {
    const element = scrollRef.current;
    if (!element) return;
    following.current = true;
    element.scrollTop = element.scrollHeight;
    setAtEnd(true);
    setNewBelow(0);
  }, []);

  useLayoutEffect(() => {
    const element = scrollRef.current;
    if (!element) return;
    const previous = before.current;
    const current = {
      height: element.scrollHeight,
      first: firstMessageKey(items),
      last: items.at(-1)?.key,
      pending: items.filter((item) => item.kind === "pending").length,
      messages: countMessages(items),
    };
    before.current = current;
    if (current.pending > previous.pending || following.current) {
      toEnd();
      return;
    }
    if (previous.first !== undefined && current.first !== previous.first && current.last === previous.last) {
      element.scrollTop += current.height - previous.height;
    } else if (current.last !== previous.last && current.messages > previous.messages) {
      setNewBelow((count) => count + current.messages - previous.messages);
    }
  }, [items, toEnd]);

  // Whatever changes its height, the composer, the window, a font, the end stays in view.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const element = scrollRef.current;
      if (!element) return;
      before.current.height = element.scrollHeight;
      if (following.current) element.scrollTop = element.scrollHeight;
    });
    if (scrollRef.current) observer.observe(scrollRef.current);
    if (contentRef.current) observer.observe(contentRef.current);
    return () => observer.disconnect();
  }, []);

  const onScroll = useCallback(() => {
    const element = scrollRef.current;
    if (!element) return;
    const end = element.scrollHeight - element.scrollTop - element.clientHeight < nearEnd;
    following.current = end;
    setAtEnd(end);
    if (end) setNewBelow(0);
    if (element.scrollTop < nearStart) loadOlder();
  }, [loadOlder]);

  // A first page shorter than the screen leaves nothing to scroll.
  useEffect(() => {
    const element = scrollRef.current;
    if (element && element.scrollHeight <= element.clientHeight + nearStart) loadOlder();
  }, [items, loadOlder]);

  return { scrollRef, contentRef, atEnd, newBelow, toEnd, onScroll };
}
