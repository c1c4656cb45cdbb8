import { IconClockHour4 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useFormats } from "../i18n/format";
import { useSecond } from "../i18n/now";
import classes from "./waiting-badge.module.css";

/** The only loud thing on the screen: a customer waits for a human, and for how long. */
export function WaitingBadge({ since }: { since: string }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useSecond();
  return (
    <span className={classes.badge} data-testid="waiting-badge">
      <IconClockHour4 size={14} stroke={2} aria-hidden />
      <span>
        {t("waiting.badge")} · <span className={classes.clock}>{formats.waiting(since, now)}</span>
      </span>
    </span>
  );
}
