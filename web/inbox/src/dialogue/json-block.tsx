import { Button, CopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import classes from "./json-block.module.css";

/** Something for developers to read or to take along; nothing when there is none. */
export function JSONBlock({ name, value }: { name: string; value: unknown }) {
  const { t } = useTranslation();
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value, null, 2);
  return (
    <section>
      <div className={classes.head}>
        <h3 className={classes.name}>{name}</h3>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-sm" variant="subtle" leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} onClick={copy}>
              {copied ? t("customer.copied") : t("customer.copy")}
            </Button>
          )}
        </CopyButton>
      </div>
      <pre className={classes.text} tabIndex={0} aria-label={name}>
        {text}
      </pre>
    </section>
  );
}
