import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import { IconAlarm, IconArrowLeft, IconDots, IconInfoCircle, IconLock, IconLockOpen, IconMailOpened, IconZzz } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Dialogue } from "../api/types";
import { ChannelIcon } from "../customer/channel-icon";
import { useCustomerName } from "../customer/name";
import { WaitingBadge } from "../list/waiting-badge";
import { navigate } from "../router";
import { serverNow } from "../server-clock";
import { useMe } from "../session/session";
import { stopped } from "../store/merge";
import { useSelected } from "../store/store";
import type { DialogueActions } from "./actions";
import classes from "./header.module.css";
import { ModeSwitch } from "./mode-switch";
import { useReason } from "./reason";
import { snoozeChoices, snoozeUntil } from "./snooze";
import { Timers } from "./timers";
import { Resend, undelivered, useTroubleText } from "./trouble";

interface HeaderProps {
  dialogue: Dialogue;
  actions: DialogueActions;
  narrow: boolean;
  panelOpen: boolean;
  onPanel(): void;
}

export function Header({ dialogue, actions, narrow, panelOpen, onPanel }: HeaderProps) {
  const { t } = useTranslation();
  const nameOf = useCustomerName();
  const me = useMe();
  const closed = dialogue.status === "closed";
  const statusLabel = closed ? t("header.reopen") : t("header.close");
  const StatusIcon = closed ? IconLockOpen : IconLock;
  const free = dialogue.mode === "operator" && dialogue.assignee?.id !== me.id;
  return (
    <header className={classes.header}>
      <div className={classes.top}>
        {narrow && (
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("header.back")} onClick={() => navigate("/")}>
            <IconArrowLeft size={20} />
          </ActionIcon>
        )}
        <div className={classes.who}>
          <h1 className={classes.name}>
            <bdi>{nameOf(dialogue.contact)}</bdi>
          </h1>
          <div className={classes.sub}>
            <ChannelIcon channel={dialogue.channel} size={15} />
            <span className={classes.channel}>{dialogue.channel.name}</span>
            <span aria-hidden>·</span>
            <span data-status={dialogue.status}>{t(`status.${dialogue.status}`)}</span>
          </div>
        </div>
        <ModeSwitch dialogue={dialogue} switching={actions.switching} onSwitch={(mode) => void actions.setMode(mode)} />
        <div className={classes.buttons}>
          <Button className={classes.wide} variant="default" leftSection={<StatusIcon size={16} stroke={1.8} aria-hidden />} onClick={() => void actions.toggleStatus()}>
            {statusLabel}
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("header.more")}>
                <IconDots size={20} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item className={classes.slim} leftSection={<StatusIcon size={16} aria-hidden />} onClick={() => void actions.toggleStatus()}>
                {statusLabel}
              </Menu.Item>
              {dialogue.mode === "operator" && !closed && (
                <>
                  <Menu.Label>{t("snooze.title")}</Menu.Label>
                  {dialogue.status === "snoozed" && (
                    <Menu.Item leftSection={<IconAlarm size={16} aria-hidden />} onClick={() => void actions.wake()}>
                      {t("snooze.wake")}
                    </Menu.Item>
                  )}
                  {snoozeChoices.map((choice) => (
                    <Menu.Item key={choice} leftSection={<IconZzz size={16} aria-hidden />} onClick={() => void actions.snooze(snoozeUntil(choice, serverNow()))}>
                      {t(`snooze.${choice}`)}
                    </Menu.Item>
                  ))}
                  <Menu.Divider />
                </>
              )}
              <Menu.Item leftSection={<IconMailOpened size={16} aria-hidden />} disabled={dialogue.customer_seq === 0} onClick={() => void actions.markUnread()}>
                {t("header.unread")}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Tooltip label={panelOpen ? t("customer.hide") : t("customer.show")}>
            <ActionIcon variant={panelOpen ? "light" : "subtle"} color={panelOpen ? "accent" : "gray"} size="lg" aria-expanded={panelOpen} aria-label={panelOpen ? t("customer.hide") : t("customer.show")} onClick={onPanel}>
              <IconInfoCircle size={20} stroke={1.7} />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
      {dialogue.waiting_since && <Waiting dialogue={dialogue} since={dialogue.waiting_since} onTake={free ? () => void actions.take() : null} />}
      <Timers dialogue={dialogue} />
    </header>
  );
}

/** That a human is waited for, why, and what ends it. */
function Waiting({ dialogue, since, onTake }: { dialogue: Dialogue; since: string; onTake: (() => void) | null }) {
  const { t } = useTranslation();
  const reasonOf = useReason();
  const troubleText = useTroubleText();
  const thread = useSelected((state) => state.threads[dialogue.id]);
  const lost = useMemo(() => undelivered(thread?.messages ?? []), [thread]);
  // An operator who has written has ended the wait that the handoff began.
  const reason = lost?.author === "operator" || dialogue.handoff_reason === "operator" || !dialogue.handoff_reason ? null : reasonOf(dialogue);
  return (
    <div className={classes.waiting}>
      <WaitingBadge since={since} />
      {reason && <span className={classes.reason}>{reason}</span>}
      {lost && <span className={classes.reason}>{troubleText(lost)}</span>}
      {(onTake || (lost && stopped(lost))) && (
        <div className={classes.ways}>
          {lost && stopped(lost) && <Resend key={lost.id} message={lost} variant="default" />}
          {onTake && (
            <Button size="compact-sm" variant="default" onClick={onTake}>
              {t("header.take")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
