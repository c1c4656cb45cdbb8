import { IconAlertCircle, IconCheck, IconChecks, IconClock, IconHelpCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { MessageState } from "../api/types";
import classes from "./delivery.module.css";

const icons = {
  received: null,
  queued: IconClock,
  sending: IconClock,
  sent: IconCheck,
  delivered: IconChecks,
  read: IconChecks,
  failed: IconAlertCircle,
  unconfirmed: IconHelpCircle,
} satisfies Record<MessageState, typeof IconClock | null>;

/** How far a message has come. */
export function Delivery({ state }: { state: MessageState }) {
  const { t } = useTranslation();
  const Icon = icons[state];
  if (!Icon) return null;
  return (
    <span className={classes.delivery} data-state={state} title={t(`state.${state}`)}>
      <Icon size={16} stroke={2} role="img" aria-label={t(`state.${state}`)} />
    </span>
  );
}
