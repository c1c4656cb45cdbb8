import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "../../api/calls";
import { useChannels } from "../../customer/channels";
import { useCauseText } from "./cause";
import { countToReplay, type FailureFilter, failureKeys, type ToReplay } from "./failures";
import { useReplayProblem } from "./problem";

type Done = Awaited<ReturnType<typeof api.replayTurns>>;

interface ReplayAllProps {
  opened: boolean;
  filter: FailureFilter;
  onClose(): void;
}

/** Asks once, with how many and what happens; says afterwards what came of it. */
export function ReplayAll({ opened, filter, onClose }: ReplayAllProps) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t("failures.replayAll")} closeButtonProps={{ "aria-label": t("common.close") }} centered>
      <Steps filter={filter} onClose={onClose} />
    </Modal>
  );
}

function Steps({ filter, onClose }: Omit<ReplayAllProps, "opened">) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useReplayProblem();
  const count = useQuery({ queryKey: failureKeys.toReplay(filter), queryFn: ({ signal }) => countToReplay(filter, signal), gcTime: 0 });
  const replay = useMutation({
    mutationFn: () => api.replayTurns({ ...(filter.cause === null ? {} : { cause: filter.cause }), ...(filter.channel === null ? {} : { channel: filter.channel }) }),
    onSettled: () => queries.invalidateQueries({ queryKey: failureKeys.all }),
  });
  const problem = replay.error ?? count.error;
  const more = replay.data?.more ?? false;
  const offered = replay.data ? more : (count.data?.count ?? 0) > 0;
  return (
    <Stack gap="sm">
      {replay.isPending && <Text role="status">{t("failures.replaying")}</Text>}
      {!replay.isPending && problem && <Text role="alert">{problemText(problem)}</Text>}
      {replay.data && <Outcome done={replay.data} />}
      {replay.isIdle && count.isPending && <Text role="status">{t("failures.counting")}</Text>}
      {replay.isIdle && count.data && <Question toReplay={count.data} filter={filter} />}
      <Group justify="flex-end" mt="xs">
        <Button variant="default" onClick={onClose}>
          {replay.isIdle ? t("common.cancel") : t("common.close")}
        </Button>
        {(offered || replay.isError) && (
          <Button loading={replay.isPending} onClick={() => replay.mutate()}>
            {more ? t("failures.next") : t("failures.replay")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Question({ toReplay, filter }: { toReplay: ToReplay; filter: FailureFilter }) {
  const { t } = useTranslation();
  const causeText = useCauseText();
  const channel = useChannels().find(({ id }) => id === filter.channel);
  if (toReplay.count === 0) return <Text>{t("failures.confirmNone")}</Text>;
  return (
    <>
      <Text fw={600}>{t("failures.confirm", { count: toReplay.count })}</Text>
      {filter.cause !== null && (
        <Text>
          {t("failures.cause")}: {causeText(filter.cause)}
        </Text>
      )}
      {channel && (
        <Text>
          {t("list.channel")}: <bdi>{channel.name}</bdi>
        </Text>
      )}
      <Text>{t("failures.confirmWhat")}</Text>
      {toReplay.more && <Text>{t("failures.confirmMore")}</Text>}
    </>
  );
}

function Outcome({ done }: { done: Done }) {
  const { t } = useTranslation();
  return (
    <div role="status">
      <Text fw={600}>{t("failures.done", { replayed: done.replayed, skipped: done.skipped })}</Text>
      {done.skipped > 0 && <Text>{t("failures.doneSkipped")}</Text>}
      {done.more && <Text>{t("failures.doneMore")}</Text>}
    </div>
  );
}
