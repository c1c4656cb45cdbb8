// Answering again: for real, and without sending.
import { notifications } from "@mantine/notifications";
import { type UseMutationResult, useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "../../api/calls";
import type { ListedTurn, Replayed, Tried } from "../../api/types";
import { leaveSuggestion } from "../../composer/drafts";
import { useCustomerName } from "../../customer/name";
import { useMe } from "../../session/session";
import { useShowProblem } from "../../shell/problem";
import { useStore } from "../../store/store";
import { failureKeys } from "./failures";
import { useReplayProblem } from "./problem";
import type { Draft } from "./suggested";

interface ReplayCallbacks {
  onDraft(draft: Draft): void;
  onReplayed(): void;
}

/** Has the bot answer again, or write a draft where humans are at it. */
export function useReplay(turn: ListedTurn, { onDraft, onReplayed }: ReplayCallbacks): UseMutationResult<Replayed, Error, void> {
  const { t } = useTranslation();
  const me = useMe();
  const store = useStore();
  const queries = useQueryClient();
  const nameOf = useCustomerName();
  const showProblem = useShowProblem();
  const problemText = useReplayProblem();
  return useMutation({
    mutationFn: () => api.replayTurn(turn.id),
    onSuccess: ({ dialogue, suggestion }) => {
      if (dialogue) {
        store.dispatch({ type: "dialogues", dialogues: [dialogue] });
        const message = t("failures.returned", { name: nameOf(dialogue.contact) });
        notifications.show({ id: `replayed-${turn.id}`, color: "accent", autoClose: 5_000, message, closeButtonProps: { "aria-label": t("common.dismiss") } });
      }
      if (suggestion) {
        const written = suggestion.text.trim() !== "";
        if (written) leaveSuggestion(me.id, turn.dialogue_id, suggestion);
        onDraft({ dialogueID: turn.dialogue_id, written });
      }
    },
    onError: (error) => showProblem(error, problemText(error)),
    // The button works until the list knows what came of it.
    onSettled: async (result) => {
      await queries.invalidateQueries({ queryKey: failureKeys.all });
      if (result) onReplayed();
    },
  });
}

/** Asks what the bot would answer today. */
export function useTrial(turnID: string): UseMutationResult<Tried, Error, void> {
  return useMutation({ mutationFn: () => api.tryTurn(turnID) });
}
