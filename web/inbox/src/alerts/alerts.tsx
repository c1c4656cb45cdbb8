// Shows that a customer needs a human, or that the bot fails: a toast, a desktop notification, the page's title.
import { UnstyledButton } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconClockHour4 } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Alarm } from "../api/types";
import { useCustomerName } from "../customer/name";
import { useReason } from "../dialogue/reason";
import { useLive } from "../live";
import { adminPath, dialoguePath, navigate } from "../router";
import { useMe } from "../session/session";
import { useWaitingCount } from "../store/selectors";
import { useAlarmText } from "./alarm-banners";
import classes from "./alerts.module.css";
import { notifyDesktop } from "./desktop";
import type { HandoffAlert } from "./handoff";

export function Alerts() {
  const { t } = useTranslation();
  const live = useLive();
  const nameOf = useCustomerName();
  const reasonOf = useReason();
  const alarmText = useAlarmText();
  const me = useMe();
  const waiting = useWaitingCount();
  useDocumentTitle(waiting > 0 ? `${t("alerts.title", { count: waiting })} · Parley` : "Parley");

  const show = ({ kind, dialogue }: HandoffAlert) => {
    const title = t(`alerts.${kind}`, { name: nameOf(dialogue.contact) });
    const reason = kind === "handoff" ? reasonOf(dialogue) : "";
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

  const showAlarm = (alarm: Alarm) => {
    const { title, text } = alarmText(alarm);
    const id = `alarm-${alarm.id}`;
    const admin = me.role === "admin";
    const open = () => {
      notifications.hide(id);
      navigate(admin ? adminPath("failed-answers", alarm.cause) : "/");
    };
    notifications.show({
      id,
      title,
      message: (
        <UnstyledButton className={classes.toast} onClick={open}>
          <span>{text}</span>
          <span className={classes.open}>{admin ? t("alarm.show") : t("alarm.inbox")}</span>
        </UnstyledButton>
      ),
      icon: <IconAlertTriangle size={18} />,
      color: "orange.9",
      autoClose: 12_000,
      role: "alert",
      closeButtonProps: { "aria-label": t("common.dismiss") },
    });
    notifyDesktop(title, text, alarm.id, open);
  };
  const latestAlarm = useRef(showAlarm);
  useEffect(() => {
    latestAlarm.current = showAlarm;
  });
  useEffect(() => live.onAlarm((alarm) => latestAlarm.current(alarm)), [live]);
  return null;
}
