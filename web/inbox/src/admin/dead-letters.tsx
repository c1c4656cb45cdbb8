import { Button, Paper, Stack } from "@mantine/core";
import { IconMailCheck } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import type { DeadLetter } from "../api/types";
import { ChannelIcon } from "../customer/channel-icon";
import { useFormats } from "../i18n/format";
import classes from "./dead-letters.module.css";
import { Empty } from "./empty";
import { Listing } from "./listing";

/** What channels sent that could not be understood; in the words of a shop's owner. */
export function DeadLettersPage() {
  const { t } = useTranslation();
  const query = useInfiniteQuery({
    queryKey: ["dead-letters"],
    queryFn: ({ pageParam }) => api.deadLetters(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const letters = query.data?.pages.flatMap((page) => page.dead_letters) ?? [];
  return (
    <Listing pages={query} isEmpty={letters.length === 0} empty={<Empty icon={IconMailCheck} title={t("deadLetters.empty")} text={t("deadLetters.emptyText")} />}>
      <Stack gap="sm">
        {letters.map((letter) => (
          <Letter key={letter.id} letter={letter} />
        ))}
      </Stack>
    </Listing>
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
        {t("deadLetters.reason")}: <bdi>{letter.reason}</bdi>
      </p>
      <Button size="compact-sm" variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? t("deadLetters.hideBody") : t("deadLetters.showBody")}
      </Button>
      {open && (
        <pre className={classes.body} tabIndex={0} aria-label={t("deadLetters.body")}>
          {letter.body}
        </pre>
      )}
    </Paper>
  );
}
