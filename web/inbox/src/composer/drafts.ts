// What the operator has typed in each dialogue and not sent; survives a reload.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Suggestion as Answer } from "../api/types";
import { readStored, writeStored } from "../storage";

export type DraftKind = "text" | "note";

export interface Draft {
  kind: DraftKind;
  text: string;
  /** The bot's draft that the text comes from. */
  suggestion: Suggestion | null;
}

export interface Suggestion {
  turnID: string;
  sources: { id: string; title: string; text: string }[];
  /** What had been typed before the bot was asked. */
  before: string;
}

export const emptyDraft: Draft = { kind: "text", text: "", suggestion: null };

function isDraft(value: unknown): value is Draft {
  if (typeof value !== "object" || value === null) return false;
  const draft = value as Partial<Draft>;
  const suggested = draft.suggestion === null || (typeof draft.suggestion === "object" && typeof draft.suggestion.turnID === "string" && Array.isArray(draft.suggestion.sources));
  return (draft.kind === "text" || draft.kind === "note") && typeof draft.text === "string" && suggested;
}

const keyOf = (operatorID: string, dialogueID: string) => `parley.draft.${operatorID}.${dialogueID}`;
const saveAfter = 300;

/** The draft with the bot's answer in it. Asked once more, the text of before the first time is what comes back. */
export function withSuggestion(draft: Draft, answer: Answer): Draft {
  const sources = answer.sources.map((source) => ({ id: source.item_id, title: source.title, text: source.text }));
  const before = draft.suggestion ? draft.suggestion.before : draft.text;
  return { kind: "text", text: answer.text, suggestion: { turnID: answer.turn_id, sources, before } };
}

/** Puts the bot's answer into the composer of a dialogue that is not on the screen. */
export function leaveSuggestion(operatorID: string, dialogueID: string, answer: Answer): void {
  const key = keyOf(operatorID, dialogueID);
  writeStored(key, withSuggestion(readStored(key, isDraft) ?? emptyDraft, answer));
}

export function useDraft(operatorID: string, dialogueID: string): [Draft, (change: Partial<Draft>) => void] {
  const key = keyOf(operatorID, dialogueID);
  const [draft, setDraft] = useState<Draft>(() => readStored(key, isDraft) ?? emptyDraft);
  const latest = useRef(draft);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);

  const save = useCallback(() => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
    const { text, kind } = latest.current;
    writeStored(key, text === "" && kind === "text" ? null : latest.current);
  }, [key]);

  useEffect(() => {
    window.addEventListener("pagehide", save);
    return () => {
      window.removeEventListener("pagehide", save);
      if (timer.current !== null) save();
    };
  }, [save]);

  const change = useCallback(
    (part: Partial<Draft>) => {
      latest.current = { ...latest.current, ...part };
      setDraft(latest.current);
      if (latest.current.text === "") save();
      else timer.current ??= setTimeout(save, saveAfter);
    },
    [save],
  );
  return [draft, change];
}
