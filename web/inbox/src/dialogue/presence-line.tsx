import { IconEye } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";
import { useMe } from "../session/session";
import { useSelected } from "../store/store";
import { Dots } from "./bubble";
import classes from "./presence-line.module.css";

/** Who is typing, and which colleagues look at the same dialogue. The line is always there, so that nothing moves when it fills. */
export function PresenceLine({ dialogue }: { dialogue: Dialogue }) {
  const typing = useTypingText(dialogue);
  return (
    <div className={classes.line} aria-live="off">
      {typing !== null && (
        <span className={classes.part}>
          <Dots />
          <bdi className={classes.words}>{typing}</bdi>
        </span>
      )}
      <Viewers dialogueID={dialogue.id} />
    </div>
  );
}

function useTypingText(dialogue: Dialogue): string | null {
  const { t } = useTranslation();
  const marks = useSelected((state) => state.typing[dialogue.id]);
  const writing = useSelected((state) => state.replies[dialogue.id] !== undefined);
  if (marks?.some((mark) => mark.author === "customer")) return t("transcript.customerTyping");
  const colleague = marks?.find((mark) => mark.author === "operator");
  if (colleague) return t("transcript.typing", { name: colleague.name ?? t("author.operator") });
  const botOwes = dialogue.mode === "bot" && dialogue.customer_seq > dialogue.answered_seq;
  return botOwes && !writing && marks?.some((mark) => mark.author === "bot") ? t("transcript.botWriting") : null;
}

function Viewers({ dialogueID }: { dialogueID: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const viewers = useSelected((state) => state.viewers[dialogueID]);
  const others = viewers?.filter((viewer) => viewer.id !== me.id) ?? [];
  if (others.length === 0) return null;
  const names = others.map((viewer) => viewer.name).join(", ");
  return (
    <span className={classes.part} data-side="end">
      <IconEye size={15} stroke={1.8} aria-hidden />
      <bdi className={classes.words}>{others.length === 1 ? t("header.viewers", { names }) : t("header.viewersMany", { names })}</bdi>
    </span>
  );
}
