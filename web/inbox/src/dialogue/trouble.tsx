import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import type { Message } from "../api/types";
import { useShowProblem } from "../shell/problem";
import { stopped } from "../store/merge";
import { useStore } from "../store/store";
import classes from "./bubble.module.css";

const troubled = (message: Message) => stopped(message) || (message.state === "queued" && message.error !== null);

/** The newest message that the customer may lack and that nobody has seen to since. */
export function undelivered(messages: Message[]): Message | null {
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at]!;
    if (troubled(message)) return message;
    if (message.author === "operator" && message.kind === "text") return null;
    // What these leave waiting, if anything, waits for another reason.
    if (message.data && ["handoff", "returned_to_bot", "closed"].includes(message.data.type)) return null;
  }
  return null;
}

/** Why a message did not reach the customer, or does not leave yet, and what can be done. */
export function Trouble({ message }: { message: Message }) {
  const textOf = useTroubleText();
  if (!troubled(message)) return null;
  return (
    <div className={classes.trouble}>
      <p className={classes.reason}>{textOf(message)}</p>
      {stopped(message) && (
        <div className={classes.actions}>
          <Resend message={message} variant="white" color="dark" />
        </div>
      )}
    </div>
  );
}

/** Sends a message again that has stopped. */
export function Resend({ message, variant, color }: { message: Message; variant: "white" | "default"; color?: string }) {
  const { t } = useTranslation();
  const store = useStore();
  const showProblem = useShowProblem();
  const [busy, setBusy] = useState(false);
  const resend = async () => {
    setBusy(true);
    try {
      const news = await api.resend(message.dialogue_id, message.id);
      store.dispatch({ type: "message", news });
      notifications.show({ id: `resend-${message.id}`, message: t("delivery.resent"), autoClose: 5_000, color: "accent", closeButtonProps: { "aria-label": t("common.dismiss") } });
    } catch (error) {
      showProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button size="compact-sm" variant={variant} color={color} loading={busy} onClick={() => void resend()}>
      {t("delivery.resend")}
    </Button>
  );
}

/** What is the matter with a message, and why. Reasons without words of ours are the provider's own. */
export function useTroubleText(): (message: Message) => string {
  const { t } = useTranslation();
  const reasonOf = (error: string) => {
    if (error === "the customer has blocked the bot") return t("delivery.blocked");
    if (error === "taken over before it was sent") return t("delivery.takenOver");
    if (error.startsWith("Telegram does not accept the bot's token")) return t("delivery.token");
    return error;
  };
  return ({ state, error }) => {
    const matter = state === "queued" ? t("delivery.waits") : t(`state.${state}`);
    return error ? `${matter}: ${reasonOf(error)}` : matter;
  };
}
