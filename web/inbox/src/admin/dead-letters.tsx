import { Button, Paper, Skeleton, Stack } from "@mantine/core";
import { IconArrowLeft, IconMailCheck } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import type { DeadLetter } from "../api/types";
import { ChannelIcon } from "../customer/channel-icon";
import { useFormats } from "../i18n/format";
import { navigate } from "../router";
import { useMe } from "../session/session";
import classes from "./dead-letters.module.css";

/** What channels sent that could not be understood; in the words of a shop's owner. */
export function DeadLettersPage() {
  const { t } = useTranslation();
  const me = useMe();
  const admin = me.role === "admin";
  const query = useInfiniteQuery({
    queryKey: ["dead-letters"],
    queryFn: ({ pageParam }) => api.deadLetters(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    enabled: admin,
  });
  const letters = query.data?.pages.flatMap((page) => page.dead_letters);
  return (
    <div className={classes.page}>
      <Button variant="subtle" color="gray" leftSection={<IconArrowLeft size={16} aria-hidden />} onClick={() => navigate("/")}>
        {t("admin.back")}
      </Button>
      <h1 className={classes.title}>{t("admin.title")}</h1>
      {!admin && <p>{t("admin.forbidden")}</p>}
      {admin && <p className={classes.explain}>{t("admin.explain")}</p>}
      {admin && query.isPending && <Skeleton height={120} />}
      {query.isError && !letters && (
        <div role="alert">
          <p>{t("admin.failed")}</p>
          <Button variant="default" onClick={() => void query.refetch()}>
            {t("common.retry")}
          </Button>
        </div>
      )}
      {letters?.length === 0 && (
        <Paper withBorder p="xl" className={classes.empty}>
          <IconMailCheck size={32} stroke={1.4} aria-hidden />
          <strong>{t("admin.empty")}</strong>
          <span>{t("admin.emptyText")}</span>
        </Paper>
      )}
      <Stack gap="sm">
        {letters?.map((letter) => (
          <Letter key={letter.id} letter={letter} />
        ))}
      </Stack>
      {query.hasNextPage && (
        <Button variant="default" mt="md" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t("admin.more")}
        </Button>
      )}
    </div>
  );
}

function Letter({ letter }: { letter: DeadLetter }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const [open, setOpen] = useState(false);
  return (
    <Paper withBorder p="md">
      <div className={classes.head}>
        <span className={classes.channel}>
          <ChannelIcon channel={letter.channel} />
          <bdi>{letter.channel.name}</bdi>
        </span>
        <time className={classes.time} dateTime={letter.received_at}>
          {formats.full(letter.received_at)}
        </time>
      </div>
      <p className={classes.reason}>
        {t("admin.reason")}: <bdi>{letter.reason}</bdi>
      </p>
      <Button size="compact-sm" variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? t("admin.hideBody") : t("admin.showBody")}
      </Button>
      {open && (
        <pre className={classes.body} tabIndex={0} aria-label={t("admin.body")}>
          {letter.body}
        </pre>
      )}
    </Paper>
  );
}
