import { Button, Group, Modal, Paper, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconMailCheck } from "@tabler/icons-react";
import { type UseMutationResult, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/calls";
import { ProblemError } from "../api/client";
import type { DeadLetter } from "../api/types";
import { ChannelIcon } from "../customer/channel-icon";
import { useFormats } from "../i18n/format";
import { useShowProblem } from "../shell/problem";
import classes from "./dead-letters.module.css";
import { Empty } from "./empty";
import { Listing } from "./listing";

const listKey = ["dead-letters"];

/** What channels sent that could not be understood; in the words of a shop's owner. */
export function DeadLettersPage() {
  const { t } = useTranslation();
  const query = useInfiniteQuery({
    queryKey: listKey,
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
  const [asking, setAsking] = useState(false);
  const retry = useRemoval(letter, async () => {
    const { outcome } = await api.retryDeadLetter(letter.id);
    return t(`deadLetters.${outcome}`);
  });
  const discard = useRemoval(letter, async () => {
    await api.discardDeadLetter(letter.id);
    return t("deadLetters.discarded");
  });
  return (
    <Paper component="article" withBorder p="md" data-testid="dead-letter">
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
      <Group gap="xs">
        <Button size="compact-sm" variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t("deadLetters.hideBody") : t("deadLetters.showBody")}
        </Button>
        <Button size="compact-sm" variant="default" loading={retry.isPending} disabled={discard.isPending} onClick={() => retry.mutate()}>
          {t("deadLetters.retry")}
        </Button>
        <Button size="compact-sm" variant="subtle" color="gray" loading={discard.isPending} disabled={retry.isPending} onClick={() => setAsking(true)}>
          {t("deadLetters.discard")}
        </Button>
      </Group>
      {open && (
        <pre className={classes.body} tabIndex={0} aria-label={t("deadLetters.body")}>
          {letter.body}
        </pre>
      )}
      <Modal opened={asking} onClose={() => setAsking(false)} title={t("deadLetters.discardTitle")} closeButtonProps={{ "aria-label": t("common.close") }} centered>
        <Text>{t("deadLetters.discardText")}</Text>
        <Group justify="flex-end" mt="md">
          <Button variant="default" data-autofocus onClick={() => setAsking(false)}>
            {t("common.cancel")}
          </Button>
          <Button
            color="red"
            onClick={() => {
              setAsking(false);
              discard.mutate();
            }}
          >
            {t("deadLetters.discard")}
          </Button>
        </Group>
      </Modal>
    </Paper>
  );
}

/** Does what takes a delivery off the page, and says what came of it. */
function useRemoval(letter: DeadLetter, remove: () => Promise<string>): UseMutationResult<string, Error, void> {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const showProblem = useShowProblem();
  return useMutation({
    mutationFn: remove,
    onSuccess: (message) => {
      notifications.show({ id: `dead-letter-${letter.id}`, color: "accent", autoClose: 5_000, message, closeButtonProps: { "aria-label": t("common.dismiss") } });
    },
    onError: (error) => {
      const code = error instanceof ProblemError ? error.code : null;
      const refused = code === "conflict" ? t("deadLetters.refused", { detail: error.message }) : undefined;
      showProblem(error, code === "not_found" ? t("deadLetters.gone") : refused);
    },
    // The buttons work until the list knows: the row goes, or says why it stays.
    onSettled: () => queries.invalidateQueries({ queryKey: listKey }),
  });
}
