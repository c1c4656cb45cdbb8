import { Popover, UnstyledButton } from "@mantine/core";
import { IconFileText } from "@tabler/icons-react";
import classes from "./source-popover.module.css";

/** The title of a source, which shows its text when it is wanted. */
export function SourcePopover({ title, text }: { title: string; text: string }) {
  return (
    <Popover width={360} position="top-start" withArrow>
      <Popover.Target>
        <UnstyledButton className={classes.source}>
          <IconFileText size={14} stroke={1.8} aria-hidden />
          <bdi>{title}</bdi>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.text}>{text}</Popover.Dropdown>
    </Popover>
  );
}
