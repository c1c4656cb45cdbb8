import { useTranslation } from "react-i18next";
import type { AuditEntry } from "../../api/types";
import { useFormats } from "../../i18n/format";
import { useMinute } from "../../i18n/now";
import { dialoguePath } from "../../router";
import { Link } from "../../shell/link";
import classes from "./audit.module.css";
import { actorName, detailsOf, objectName } from "./words";

/** Entries under the days on which they were made. */
export function Days({ entries }: { entries: AuditEntry[] }) {
  const formats = useFormats();
  const now = useMinute();
  const days: { name: string; entries: AuditEntry[] }[] = [];
  for (const entry of entries) {
    const name = formats.day(entry.at, now);
    const last = days.at(-1);
    if (last?.name === name) last.entries.push(entry);
    else days.push({ name, entries: [entry] });
  }
  return days.map((day) => (
    <section key={day.name}>
      <h2 className={classes.day}>{day.name}</h2>
      <ul className={classes.entries}>
        {day.entries.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ul>
    </section>
  ));
}

function Entry({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const name = objectName(t, entry);
  const details = detailsOf(t, entry);
  return (
    <li className={classes.entry} data-testid="audit-entry" data-action={entry.action}>
      <time className={classes.time} dateTime={entry.at} title={formats.full(entry.at)}>
        {formats.time(entry.at)}
      </time>
      <div className={classes.what}>
        <span>
          {t(`audit.actions.${entry.action}`)}
          {name !== "" && ": "}
          {name !== "" && (entry.object.kind === "dialogue" ? <Link to={dialoguePath(entry.object.id)}>{name}</Link> : <bdi>{name}</bdi>)}
        </span>
        {details.length > 0 && <bdi className={classes.details}>{details.join(" · ")}</bdi>}
      </div>
      <bdi className={classes.actor}>{actorName(t, entry)}</bdi>
    </li>
  );
}
