// Asking the bot for a draft: it streams into the composer, and whatever was
// typed before comes back when it fails or is stopped.
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api/calls";
import { useSelected, useStore } from "../store/store";
import { type Draft, withSuggestion } from "./drafts";

export type SuggestionOutcome = "nothing" | "failed";

export interface SuggestionRequest {
  /** The text so far, while the bot writes; null when it does not. */
  writing: string | null;
  outcome: SuggestionOutcome | null;
  ask(): Promise<void>;
  cancel(): void;
  forgetOutcome(): void;
}

export function useSuggestion(dialogueID: string, draft: Draft, change: (part: Partial<Draft>) => void, onDone: () => void): SuggestionRequest {
  const store = useStore();
  const live = useSelected((state) => state.suggestions[dialogueID]);
  const [asking, setAsking] = useState(false);
  const [outcome, setOutcome] = useState<SuggestionOutcome | null>(null);
  const controller = useRef<AbortController | null>(null);

  useEffect(() => () => controller.current?.abort(), []);

  const ask = async () => {
    if (controller.current) return;
    const current = new AbortController();
    controller.current = current;
    store.dispatch({ type: "suggestion-cleared", dialogueID });
    setOutcome(null);
    setAsking(true);
    try {
      const result = await api.suggest(dialogueID, current.signal);
      if (result.text.trim() === "") setOutcome("nothing");
      else change(withSuggestion(draft, result));
    } catch {
      if (!current.signal.aborted) setOutcome("failed");
    } finally {
      if (controller.current === current) controller.current = null;
      if (!current.signal.aborted) {
        setAsking(false);
        store.dispatch({ type: "suggestion-cleared", dialogueID });
        onDone();
      }
    }
  };

  const cancel = useCallback(() => {
    controller.current?.abort();
    controller.current = null;
    setAsking(false);
    store.dispatch({ type: "suggestion-cleared", dialogueID });
  }, [dialogueID, store]);

  return { writing: asking ? (live?.text ?? "") : null, outcome, ask, cancel, forgetOutcome: () => setOutcome(null) };
}
