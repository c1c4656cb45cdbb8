import { IconRobot, IconUser } from "@tabler/icons-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";
import { ChannelIcon } from "../customer/channel-icon";
import { useCustomerName } from "../customer/name";
import { useFormats } from "../i18n/format";
import { useMinute } from "../i18n/now";
import { dialoguePath } from "../router";
import { useMe } from "../session/session";
import { Link } from "../shell/link";
import classes from "./row.module.css";
import { WaitingBadge } from "./waiting-badge";

/** Every row is this high, so that the list can be laid out without measuring. */
export const rowHeight = 92;

interface RowProps {
  dialogue: Dialogue;
  active: boolean;
}

export const Row = memo(function Row({ dialogue, active }: RowProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useMinute();
  const nameOf = useCustomerName();
  const last = dialogue.last_message;
  return (
    <Link
      to={dialoguePath(dialogue.id)}
      toWrite
      className={classes.row}
      data-testid="dialogue-row"
      data-dialogue-id={dialogue.id}
      data-active={active || undefined}
      data-unread={dialogue.unread > 0 || undefined}
      data-waiting={dialogue.waiting_since !== null || undefined}
      aria-current={active ? "page" : undefined}
      draggable={false}
    >
      <span className={classes.line}>
        <ChannelIcon channel={dialogue.channel} />
        <bdi className={classes.name}>{nameOf(dialogue.contact)}</bdi>
        <time className={classes.time} dateTime={last.created_at} title={formats.full(last.created_at)}>
          {formats.ago(last.created_at, now)}
        </time>
      </span>
      <span className={classes.line}>
        <Preview dialogue={dialogue} />
        {dialogue.unread > 0 && (
          <span className={classes.unread}>
            <span aria-hidden>{dialogue.unread > 99 ? "99+" : dialogue.unread}</span>
            <span className="visually-hidden">{t("list.unreadCount", { count: dialogue.unread })}</span>
          </span>
        )}
      </span>
      <span className={classes.line}>
        {dialogue.waiting_since && <WaitingBadge since={dialogue.waiting_since} />}
        <Holder dialogue={dialogue} />
        <span className={classes.status} data-status={dialogue.status}>
          {t(`status.${dialogue.status}`)}
        </span>
      </span>
    </Link>
  );
});

function Preview({ dialogue }: { dialogue: Dialogue }) {
  const { t } = useTranslation();
  const { author, preview } = dialogue.last_message;
  if (preview === "") return <span className={classes.preview}>{t("list.noMessages")}</span>;
  return (
    <span className={classes.preview}>
      {author !== "customer" && <span className={classes.author}>{t(`author.${author}`)}: </span>}
      <bdi>{preview}</bdi>
    </span>
  );
}

/** Who holds the dialogue now. */
function Holder({ dialogue }: { dialogue: Dialogue }) {
  const { t } = useTranslation();
  const me = useMe();
  if (dialogue.mode === "bot") {
    return (
      <span className={classes.holder} data-mode="bot">
        <IconRobot size={14} stroke={1.8} aria-hidden />
        {t("mode.bot")}
      </span>
    );
  }
  const { assignee } = dialogue;
  const name = assignee === null ? t("mode.operator") : assignee.id === me.id ? t("header.you") : assignee.name;
  // The badge beside it says that operators hold it, and nobody in particular.
  if (assignee === null && dialogue.waiting_since !== null) return <span className="visually-hidden">{name}</span>;
  return (
    <span className={classes.holder} data-mode="operator" title={name}>
      <IconUser size={14} stroke={1.8} aria-hidden />
      <bdi>{name}</bdi>
    </span>
  );
}
