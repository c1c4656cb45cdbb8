import { Loader, UnstyledButton } from "@mantine/core";
import { IconHeadset, IconRobot } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Dialogue, Mode } from "../api/types";
import { useMe } from "../session/session";
import classes from "./mode-switch.module.css";

interface ModeSwitchProps {
  dialogue: Dialogue;
  switching: Mode | null;
  onSwitch(mode: Mode): void;
}

/** Who answers the customer: always in the same place, always both halves. */
export function ModeSwitch({ dialogue, switching, onSwitch }: ModeSwitchProps) {
  const { t } = useTranslation();
  const me = useMe();
  const { mode, assignee } = dialogue;
  const holder = assignee === null ? t("header.nobodyHolds") : assignee.id === me.id ? t("header.you") : assignee.name;
  const halves = [
    { half: "bot", Icon: IconRobot, action: t("header.toBot"), held: t("header.botHolds") },
    { half: "operator", Icon: IconHeadset, action: t("header.toOperator"), held: holder },
  ] as const;
  return (
    <div className={classes.switch} role="group" aria-label={t("header.switchLabel")} data-testid="mode-switch" data-mode={mode} aria-busy={switching !== null}>
      {halves.map(({ half, Icon, action, held }) => (
        <UnstyledButton
          key={half}
          className={classes.half}
          data-half={half}
          data-active={mode === half || undefined}
          aria-pressed={mode === half}
          title={mode !== half ? action : half === "operator" && assignee === null ? t("header.take") : undefined}
          onClick={() => onSwitch(half)}
        >
          {switching === half ? <Loader size={20} color="currentcolor" /> : <Icon size={22} stroke={1.7} aria-hidden />}
          <span className="visually-hidden">{action}</span>
          <span className={classes.words} aria-hidden>
            <span className={classes.name}>{t(`mode.${half}`)}</span>
            <bdi className={classes.state}>{mode === half ? held : action}</bdi>
          </span>
        </UnstyledButton>
      ))}
      <span className="visually-hidden" role="status">
        {mode === "bot" ? `${t("mode.bot")}: ${t("header.botHolds")}` : `${t("mode.operator")}: ${holder}`}
      </span>
    </div>
  );
}
