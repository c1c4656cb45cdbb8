import { Kbd, Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./help.module.css";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const mod = isMac ? "⌘" : "Ctrl";

const keys = [
  ["next", ["J"], ["↓"]],
  ["previous", ["K"], ["↑"]],
  ["back", ["Esc"]],
  ["search", ["/"], [mod, "K"]],
  ["write", ["R"]],
  ["note", ["N"]],
  ["toggle", ["B"]],
  ["suggest", ["G"], [mod, "J"]],
  ["close", ["E"]],
  ["unread", ["U"]],
  ["panel", ["I"]],
  ["send", ["Enter"], [mod, "Enter"]],
  ["newline", ["Shift", "Enter"]],
  ["help", ["?"]],
] as const;

export function HelpSheet({ opened, onClose }: { opened: boolean; onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t("keys.title")} closeButtonProps={{ "aria-label": t("common.close") }} size={460}>
      <dl className={classes.keys}>
        {keys.map(([name, ...combinations]) => (
          <div key={name} className={classes.line}>
            <dt>{t(`keys.${name}`)}</dt>
            <dd>
              {combinations.map((combination) => (
                <span key={combination.join("+")} className={classes.combination}>
                  {combination.map((key) => (
                    <Kbd key={key}>{key}</Kbd>
                  ))}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
