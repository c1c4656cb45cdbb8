import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useChannels } from "../../customer/channels";
import { useCauseText } from "./cause";
import { countToReplay, type FailureFilter, failureKeys, type ToReplay } from "./failures";
import { useReplayProblem } from "./problem";
import { useStartReplay } from "./replays";

interface ReplayAllProps {
  opened: boolean;
  filter: FailureFilter;
  onClose(): void;
}

/** Asks once, with how many and what happens; the page shows how far it is. */
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
  const problemText = useReplayProblem();
  const count = useQuery({ queryKey: failureKeys.toReplay(filter), queryFn: ({ signal }) => countToReplay(filter, signal), gcTime: 0 });
  const start = useStartReplay(filter, onClose);
  const problem = start.error ?? count.error;
  return (
    <Stack gap="sm">
      {!start.isPending && problem && <Text role="alert">{problemText(problem)}</Text>}
      {count.isPending && <Text role="status">{t("failures.counting")}</Text>}
      {count.data && <Question toReplay={count.data} filter={filter} />}
      <Group justify="flex-end" mt="xs">
        <Button variant="default" onClick={onClose}>
          {t("common.cancel")}
        </Button>
        {(count.data?.count ?? 0) > 0 && (
          <Button loading={start.isPending} onClick={() => start.mutate()}>
            {t("failures.replay")}
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
      <Text fw={600}>{toReplay.more ? t("failures.confirmMany", { n: toReplay.count }) : t("failures.confirm", { count: toReplay.count })}</Text>
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
      <Text>{t("failures.confirmHow")}</Text>
    </>
  );
}
