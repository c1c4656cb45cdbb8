import { Accordion, Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Source } from "../api/types";
import { useFormats } from "../i18n/format";
import { PlainText } from "./plain-text";
import classes from "./sources.module.css";

/** What an answer is based on; there is at least one source. */
export function Sources({ sources }: { sources: Source[] }) {
  const { t } = useTranslation();
  const formats = useFormats();
  return (
    <Accordion variant="separated" chevronPosition="right" defaultValue={sources[0]!.item_id} transitionDuration={100}>
      {sources.map((source) => (
        <Accordion.Item key={source.item_id} value={source.item_id}>
          <Accordion.Control>
            <span className={classes.source}>
              <bdi className={classes.sourceTitle}>{source.title}</bdi>
              {source.score > 0 && source.score <= 1 && (
                <Badge variant="light" tt="none" fw={500} fz={13}>
                  {t("turn.match", { percent: formats.percent(source.score) })}
                </Badge>
              )}
            </span>
          </Accordion.Control>
          <Accordion.Panel>
            <PlainText text={source.text} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
