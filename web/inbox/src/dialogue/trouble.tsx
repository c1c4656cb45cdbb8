import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import type { Message } from "../api/types";
import { useShowProblem } from "../shell/problem";
import { useStore } from "../store/store";
import classes from "./bubble.module.css";

/** Why a message did not reach the customer, or does not leave yet, and what can be done. */
export function Trouble({ message }: { message: Message }) {
  const { t } = useTranslation();
  const reasonOf = useReason();
  const store = useStore();
  const showProblem = useShowProblem();
  const [busy, setBusy] = useState(false);
  const stopped = message.state === "failed" || message.state === "unconfirmed";
  if (!stopped && !(message.state === "queued" && message.error)) return null;

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
    <div className={classes.trouble}>
      <p className={classes.reason}>
        {message.state === "queued" ? t("delivery.waits") : t(`state.${message.state}`)}
        {message.error ? `: ${reasonOf(message.error)}` : ""}
      </p>
      {stopped && (
        <div className={classes.actions}>
          <Button size="compact-sm" variant="white" color="dark" loading={busy} onClick={() => void resend()}>
            {t("delivery.resend")}
          </Button>
        </div>
      )}
    </div>
  );
}

/** Reasons that have words in the operator's language; others are the provider's own. */
function useReason(): (error: string) => string {
  const { t } = useTranslation();
  return (error) => {
    if (error === "the customer has blocked the bot") return t("delivery.blocked");
    if (error === "taken over before it was sent") return t("delivery.takenOver");
    if (error.startsWith("Telegram does not accept the bot's token")) return t("delivery.token");
    return error;
  };
}
