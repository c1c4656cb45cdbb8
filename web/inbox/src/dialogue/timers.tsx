import { IconAlarm, IconHourglass } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";
import { useFormats } from "../i18n/format";
import { useSecond } from "../i18n/now";
import classes from "./timers.module.css";

/** What the dialogue comes to by itself, with the time that is left, and whether an answer is late. */
export function Timers({ dialogue: { timers, overdue_since: overdue } }: { dialogue: Dialogue }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useSecond();
  if (timers.length === 0 && overdue === null) return null;
  return (
    <ul className={classes.timers} aria-label={t("timers.label")} data-testid="timers">
      {overdue !== null && (
        <li className={classes.overdue} title={formats.full(overdue)}>
          <IconAlarm size={14} stroke={2} aria-hidden />
          {t("timers.overdue")}
        </li>
      )}
      {timers.map(({ kind, due_at: dueAt }) => (
        <li key={kind} title={formats.full(dueAt)} data-timer={kind}>
          <IconHourglass size={14} stroke={1.7} aria-hidden />
          {t(`timers.${kind}`)} <span className={classes.left}>{formats.left(dueAt, now)}</span>
        </li>
      ))}
    </ul>
  );
}
