import { Button } from "@mantine/core";
import { IconMessageCircleQuestion, IconMoodSmile, IconSearchOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useSelected } from "../store/store";
import { type Filter, isNarrowed } from "./filter";
import classes from "./empty.module.css";

/** A list without rows says why, and what to do. */
export function EmptyList({ filter, onClear }: { filter: Filter; onClear(): void }) {
  const { t } = useTranslation();
  const anyDialogue = useSelected((state) => Object.keys(state.dialogues).length > 0);

  if (isNarrowed(filter)) {
    return (
      <div className={classes.empty}>
        <IconSearchOff size={32} stroke={1.4} aria-hidden />
        <p className={classes.title}>{t("list.emptyFilter")}</p>
        <p className={classes.text}>{t("list.emptyFilterText")}</p>
        <Button variant="default" onClick={onClear}>
          {t("list.clear")}
        </Button>
      </div>
    );
  }
  if (!anyDialogue || filter.view === "all") {
    return (
      <div className={classes.empty}>
        <IconMessageCircleQuestion size={32} stroke={1.4} aria-hidden />
        <p className={classes.title}>{t("list.emptyTitle")}</p>
        <p className={classes.text}>{t("list.emptyText")}</p>
        <Button component="a" href="/demo" target="_blank" rel="noopener">
          {t("list.emptyAction")}
        </Button>
      </div>
    );
  }
  const texts = {
    waiting: [t("list.emptyWaiting"), t("list.emptyWaitingText")],
    mine: [t("list.emptyMine"), t("list.emptyMineText")],
    bot: [t("list.emptyBot"), t("list.emptyBotText")],
    closed: [t("list.emptyClosed"), t("list.emptyClosedText")],
  }[filter.view];
  return (
    <div className={classes.empty}>
      <IconMoodSmile size={32} stroke={1.4} aria-hidden />
      <p className={classes.title}>{texts[0]}</p>
      <p className={classes.text}>{texts[1]}</p>
    </div>
  );
}
