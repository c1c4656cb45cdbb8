import { Button, Skeleton } from "@mantine/core";
import { IconArrowDown } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";
import { useFormats } from "../i18n/format";
import { useMinute } from "../i18n/now";
import { useMe } from "../session/session";
import type { Pending } from "../store/state";
import { useSelected } from "../store/store";
import { Bubble, PendingBubble, ReplyBubble } from "./bubble";
import { transcriptItems } from "./items";
import { TimelineLine } from "./timeline";
import { PresenceLine } from "./presence-line";
import classes from "./transcript.module.css";
import { TurnDetails } from "./turn";
import { useReadMarker } from "./use-read";
import { useTranscriptScroll } from "./use-scroll";
import { useThread } from "./use-thread";

interface TranscriptProps {
  dialogue: Dialogue;
  /** The operator marked it unread: looking at it must not undo that. */
  keepUnread: boolean;
  onEdit(pending: Pending): void;
}

export function Transcript({ dialogue, keepUnread, onEdit }: TranscriptProps) {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useMinute();
  const me = useMe();
  const { thread, failed, loadingOlder, loadOlder, retry } = useThread(dialogue.id);
  const reply = useSelected((state) => state.replies[dialogue.id]);
  const allPending = useSelected((state) => state.pending);
  const items = useMemo(
    () =>
      transcriptItems(
        thread.messages,
        allPending.filter((pending) => pending.dialogueID === dialogue.id),
        reply,
        me.id,
      ),
    [thread.messages, allPending, reply, dialogue.id, me.id],
  );
  const scroll = useTranscriptScroll(items, loadOlder);
  const { check } = useReadMarker(dialogue, scroll.scrollRef, scroll.atEnd, keepUnread);
  const [turnID, setTurnID] = useState<string | null>(null);

  return (
    <div className={classes.transcript}>
      <div
        ref={scroll.scrollRef}
        className={classes.scroll}
        data-testid="transcript"
        tabIndex={0}
        role="log"
        aria-label={t("transcript.label")}
        aria-live="polite"
        onScroll={() => {
          scroll.onScroll();
          check();
        }}
      >
        <div ref={scroll.contentRef} className={classes.content}>
          {failed && (
            <div className={classes.failed} role="alert">
              <p>{t("transcript.failed")}</p>
              <Button variant="default" onClick={retry}>
                {t("common.retry")}
              </Button>
            </div>
          )}
          {!thread.loaded && !failed && thread.messages.length === 0 && <Skeletons />}
          {thread.loaded && items.length === 0 && <p className={classes.edge}>{t("transcript.empty")}</p>}
          {thread.more && <p className={classes.edge}>{loadingOlder ? t("transcript.loadingOlder") : "\u00a0"}</p>}
          {items.map((item) => {
            switch (item.kind) {
              case "day":
                return (
                  <div key={item.key} className={classes.day}>
                    <span>{formats.day(item.at, now)}</span>
                  </div>
                );
              case "event":
                return <TimelineLine key={item.key} message={item.message} />;
              case "message":
                return <Bubble key={item.key} message={item.message} first={item.first} onWhy={setTurnID} />;
              case "pending":
                return <PendingBubble key={item.key} pending={item.pending} first={item.first} onEdit={onEdit} />;
              case "reply":
                return <ReplyBubble key={item.key} reply={item.reply} first={item.first} />;
            }
          })}
        </div>
      </div>
      <PresenceLine dialogue={dialogue} />
      {!scroll.atEnd && (
        <Button className={classes.below} size="sm" variant={scroll.newBelow > 0 ? "filled" : "default"} rightSection={<IconArrowDown size={16} />} onClick={scroll.toEnd}>
          {scroll.newBelow > 0 ? t("transcript.newBelow") : t("transcript.toEnd")}
        </Button>
      )}
      <TurnDetails turnID={turnID} onClose={() => setTurnID(null)} />
    </div>
  );
}

function Skeletons() {
  return (
    <div className={classes.skeletons} aria-hidden>
      <Skeleton height={44} width="46%" />
      <Skeleton height={64} width="58%" ml="auto" />
      <Skeleton height={44} width="36%" />
      <Skeleton height={44} width="50%" ml="auto" />
    </div>
  );
}
