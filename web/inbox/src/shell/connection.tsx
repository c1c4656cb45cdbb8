import { IconCloudOff } from "@tabler/icons-react";
import { useNetwork } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useStreamStatus } from "../live";
import classes from "./connection.module.css";

/** A short break heals before anybody needs to know of it. */
const patience = 3_000;

export function ConnectionLine() {
  const { t } = useTranslation();
  const { online } = useNetwork();
  const connected = useStreamStatus() === "open" && online;
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (connected) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), patience);
    return () => clearTimeout(timer);
  }, [connected]);
  return (
    <div className={classes.line} role="status">
      {late && !connected && (
        <span className={classes.text}>
          <IconCloudOff size={16} stroke={1.8} aria-hidden />
          {online ? t("connection.lost") : t("connection.offline")}
        </span>
      )}
    </div>
  );
}
