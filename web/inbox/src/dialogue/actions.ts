// What an operator can do to a dialogue, with what is said about it afterwards.
import { notifications } from "@mantine/notifications";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import type { Dialogue, Mode } from "../api/types";
import { useMe } from "../session/session";
import { useShowProblem } from "../shell/problem";
import { useStore } from "../store/store";
import { undoToast } from "./undo-toast";

const calm = { autoClose: 5_000, color: "accent" } as const;

export interface DialogueActions {
  /** The mode that is being switched to. */
  switching: Mode | null;
  setMode(mode: Mode): Promise<void>;
  toggleStatus(): Promise<void>;
  snooze(until: Date): Promise<void>;
  wake(): Promise<void>;
  take(): Promise<void>;
  markUnread(): Promise<void>;
}

/** The bot does not hold it, and no operator has taken it. */
export const waitsForAnybody = ({ mode, assignee }: Dialogue) => mode === "operator" && assignee === null;

export function useDialogueActions(dialogue: Dialogue, onUnread: () => void): DialogueActions {
  const { t } = useTranslation();
  const store = useStore();
  const me = useMe();
  const showProblem = useShowProblem();
  const [switching, setSwitching] = useState<Mode | null>(null);
  const { id, status, customer_seq: customerSeq } = dialogue;
  const closeLabel = t("common.dismiss");

  const say = useCallback((message: string) => notifications.show({ ...calm, id: `dialogue-${id}`, message, closeButtonProps: { "aria-label": closeLabel } }), [id, closeLabel]);
  const take = (updated: Dialogue) => store.dispatch({ type: "dialogues", dialogues: [updated] });

  const takeIt = async () => {
    try {
      take(await api.assign(id, me.id));
      say(t("header.taken"));
    } catch (error) {
      showProblem(error);
    }
  };

  const setMode = async (mode: Mode) => {
    // Whoever turns to the operators' side of a dialogue that waits for any of them is the one.
    if (mode === "operator" && waitsForAnybody(dialogue)) return takeIt();
    if (switching !== null || dialogue.mode === mode) return;
    setSwitching(mode);
    try {
      const result = await api.setMode(id, mode);
      take(result.dialogue);
      const count = result.in_flight.length;
      if (mode === "bot") say(t("header.switchedToBot"));
      else say(count > 0 ? t("header.inFlight", { count }) : t("header.switchedToOperator"));
    } catch (error) {
      showProblem(error);
    } finally {
      setSwitching(null);
    }
  };

  const setStatus = async (next: "open" | "closed", undoable: boolean) => {
    try {
      take(await api.setStatus(id, next));
      const message = next === "closed" ? t("header.closed") : t("header.reopened");
      if (undoable) undoToast({ id: `dialogue-${id}`, message, undo: t("header.undo"), dismiss: closeLabel, onUndo: () => void setStatus(next === "closed" ? "open" : "closed", false) });
      else say(message);
    } catch (error) {
      showProblem(error);
    }
  };

  return {
    switching,
    setMode,
    toggleStatus: () => setStatus(status === "closed" ? "open" : "closed", true),
    snooze: async (until) => {
      try {
        take(await api.snooze(id, until));
        undoToast({ id: `dialogue-${id}`, message: t("snooze.done"), undo: t("header.undo"), dismiss: closeLabel, onUndo: () => void setStatus("open", false) });
      } catch (error) {
        showProblem(error);
      }
    },
    wake: () => setStatus("open", false),
    take: takeIt,
    markUnread: async () => {
      if (customerSeq === 0) return;
      onUnread();
      try {
        take(await api.setRead(id, customerSeq - 1));
        say(t("header.markedUnread"));
      } catch (error) {
        showProblem(error);
      }
    },
  };
}
