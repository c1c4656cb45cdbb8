// Over the list: that the bot fails, and afterwards that its failed answers can be replayed.
import { CloseButton } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCauseText } from "../admin/failures/cause";
import type { Alarm } from "../api/types";
import { useFormats } from "../i18n/format";
import { adminPath } from "../router";
import { serverNow } from "../server-clock";
import { useMe } from "../session/session";
import { Link } from "../shell/link";
import { modelIsDown, useAlarms, useDismissed } from "./alarms";
import classes from "./alarm-banners.module.css";

export function AlarmBanners() {
  const me = useMe();
  const alarms = useAlarms();
  const [dismissed, dismiss] = useDismissed();
  const open = alarms.filter(({ closed_at }) => closed_at === null);
  const over = alarms.filter((alarm) => alarm.closed_by === "recovered" && alarm.waiting > 0 && !dismissed.includes(alarm.id));
  return (
    <div role="status">
      {open.map((alarm) => (
        <Failing key={alarm.id} alarm={alarm} admin={me.role === "admin"} />
      ))}
      {open.length === 0 && me.role === "admin" && over.map((alarm) => <Recovered key={alarm.id} alarm={alarm} onDismiss={() => dismiss(alarm.id)} />)}
    </div>
  );
}

/** What an open alarm says, in two lines. */
export function useAlarmText(): (alarm: Alarm) => { title: string; text: string } {
  const { t } = useTranslation();
  const formats = useFormats();
  const causeText = useCauseText();
  return (alarm) => ({
    title: t(modelIsDown(alarm) ? "alarm.open" : "alarm.openOther", { time: isToday(alarm.opened_at) ? formats.time(alarm.opened_at) : formats.full(alarm.opened_at) }),
    text: `${causeText(alarm.cause)}. ${alarm.waiting > 0 ? t("alarm.waiting", { count: alarm.waiting }) : t("alarm.nobody")}`,
  });
}

const isToday = (iso: string) => new Date(iso).toDateString() === new Date(serverNow()).toDateString();

function Failing({ alarm, admin }: { alarm: Alarm; admin: boolean }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { title, text } = useAlarmText()(alarm);
  return (
    <section className={classes.banner} data-state="open" data-testid="alarm" aria-label={t("alarm.label")}>
      <IconAlertTriangle size={18} stroke={1.8} aria-hidden />
      <div className={classes.words}>
        <strong title={formats.full(alarm.opened_at)}>{title}</strong>
        <span>{text}</span>
        {admin && (
          <Link to={adminPath("failed-answers", alarm.cause)} className={classes.link}>
            {t("alarm.show")}
          </Link>
        )}
      </div>
    </section>
  );
}

function Recovered({ alarm, onDismiss }: { alarm: Alarm; onDismiss(): void }) {
  const { t } = useTranslation();
  return (
    <section className={classes.banner} data-state="closed" data-testid="alarm" aria-label={t("alarm.recovered")}>
      <IconCircleCheck size={18} stroke={1.8} aria-hidden />
      <div className={classes.words}>
        <strong>{t("alarm.recovered")}</strong>
        <span>{t("alarm.replay", { count: alarm.waiting })}</span>
        <Link to={adminPath("failed-answers", alarm.cause)} className={classes.button}>
          {t("alarm.toReplay")}
        </Link>
      </div>
      <CloseButton size="sm" aria-label={t("common.dismiss")} onClick={onDismiss} />
    </section>
  );
}
