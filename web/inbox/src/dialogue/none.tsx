import { IconMessages } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import classes from "./none.module.css";

/** The place of the dialogue while none is chosen. */
export function NoDialogue({ empty }: { empty: boolean }) {
  const { t } = useTranslation();
  if (empty) return null;
  return (
    <div className={classes.none}>
      <IconMessages size={40} stroke={1.2} aria-hidden />
      <h1 className={classes.title}>{t("transcript.pickTitle")}</h1>
      <p className={classes.text}>{t("transcript.pickText")}</p>
    </div>
  );
}
