import { useTranslation } from "react-i18next";
import type { Message } from "../api/types";
import { useFormats } from "../i18n/format";
import { isLimit } from "./reason";
import classes from "./timeline.module.css";


/** What happened to the dialogue, in a sentence. */
export function useTimelineText(): (message: Message) => string {
  const { t } = useTranslation();
  const formats = useFormats();
  return (message) => {
    const { data } = message;
    if (!data) return message.text;
    const name = (data.operator ?? message.operator)?.name;
    switch (data.type) {
      case "handoff":
        if (data.reason === "operator" && name) return t("timeline.handoffBy", { name });
        if (data.reason === "rule" && isLimit(data.detail)) return t("timeline.handoff", { reason: t(`limit.${data.detail}`) });
        return t("timeline.handoff", { reason: t(`reasonInline.${data.reason ?? "rule"}`) });
      case "taken_over":
        if (data.reason === "phone_reply") return t("timeline.takenOverPhone");
        return name ? t("timeline.takenOver", { name }) : t("timeline.takenOverNobody");
      case "returned_to_bot":
        if (data.detail === "message") return t("timeline.returnedByMessage");
        if (data.detail === "inactivity") return t("timeline.returnedByInactivity");
        return name ? t("timeline.returnedBy", { name }) : t("timeline.returned");
      case "blocked":
      case "unblocked":
        return t(`timeline.${data.type}`);
      case "closed":
        if (data.detail === "silence") return t("timeline.closedBySilence");
        return name ? t("timeline.closedBy", { name }) : t("timeline.closed");
      case "reopened":
        return name ? t("timeline.reopenedBy", { name }) : t("timeline.reopened");
      case "snoozed":
        return t("timeline.snoozed", { name, when: data.until ? formats.full(data.until) : "" });
      case "woken":
        return name ? t("timeline.wokenBy", { name }) : t("timeline.woken");
      case "overdue":
        return t(data.detail === "first_reply" ? "timeline.overdueFirst" : "timeline.overdue");
      case "replayed":
        return name ? t("timeline.replayedBy", { name }) : t("timeline.replayed");
      case "assigned":
        return data.operator ? t("timeline.assigned", { name: data.operator.name }) : t("timeline.unassigned");
    }
  };
}

export function TimelineLine({ message }: { message: Message }) {
  const textOf = useTimelineText();
  const formats = useFormats();
  return (
    <div className={classes.line} data-testid="message" data-author={message.author} data-kind={message.kind} data-state={message.state} data-seq={message.seq} data-event={message.data?.type}>
      <bdi className={classes.text}>{textOf(message)}</bdi>
      <time className={classes.time} dateTime={message.created_at} title={formats.full(message.created_at)}>
        {formats.time(message.created_at)}
      </time>
    </div>
  );
}
