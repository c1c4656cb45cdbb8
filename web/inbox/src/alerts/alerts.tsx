// Shows that a customer needs a human: a toast, a desktop notification, the page's title.
import { UnstyledButton } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconClockHour4 } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useCustomerName } from "../customer/name";
import { useLive } from "../live";
import { dialoguePath, navigate } from "../router";
import { useWaitingCount } from "../store/selectors";
import classes from "./alerts.module.css";
import { notifyDesktop } from "./desktop";
import type { HandoffAlert } from "./handoff";

export function Alerts() {
  const { t } = useTranslation();
  const live = useLive();
  const nameOf = useCustomerName();
  const waiting = useWaitingCount();
  useDocumentTitle(waiting > 0 ? `${t("alerts.title", { count: waiting })} · Parley` : "Parley");

  const show = ({ kind, dialogue }: HandoffAlert) => {
    const title = t(`alerts.${kind}`, { name: nameOf(dialogue.contact) });
    const reason = kind === "handoff" && dialogue.handoff_reason ? t(`reason.${dialogue.handoff_reason}`) : "";
    const preview = dialogue.last_message.author === "customer" ? dialogue.last_message.preview : "";
    const id = `waiting-${dialogue.id}`;
    const open = () => {
      notifications.hide(id);
      navigate(dialoguePath(dialogue.id), { toWrite: true });
    };
    notifications.hide(id);
    notifications.show({
      id,
      title: <bdi>{title}</bdi>,
      message: (
        <UnstyledButton className={classes.toast} onClick={open}>
          {reason !== "" && <span className={classes.reason}>{reason}</span>}
          {preview !== "" && <bdi className={classes.preview}>{preview}</bdi>}
          <span className={classes.open}>{t("alerts.open")}</span>
        </UnstyledButton>
      ),
      icon: <IconClockHour4 size={18} />,
      color: "orange.9",
      autoClose: 12_000,
      role: "alert",
      closeButtonProps: { "aria-label": t("common.dismiss") },
    });
    notifyDesktop(title, [reason, preview].filter((text) => text !== "").join("\n"), dialogue.id, open);
  };
  const latest = useRef(show);
  useEffect(() => {
    latest.current = show;
  });
  useEffect(() => live.onAlert((alert) => latest.current(alert)), [live]);
  return null;
}
