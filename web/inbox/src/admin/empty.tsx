import { Paper } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./empty.module.css";

interface EmptyProps {
  icon: Icon;
  title: string;
  text: string;
  /** What can be done about it. */
  children?: ReactNode;
}

/** What an admin sees where there is nothing to list. */
export function Empty({ icon: Icon, title, text, children }: EmptyProps) {
  return (
    <Paper withBorder p="xl" className={classes.empty}>
      <Icon size={32} stroke={1.4} aria-hidden />
      <strong>{title}</strong>
      <span className={classes.text}>{text}</span>
      {children}
    </Paper>
  );
}
