import { useMemo } from "react";
import { splitLinks } from "./links";
import classes from "./plain-text.module.css";

/** Somebody's words: plain text in its own direction, with its links made clickable. */
export function PlainText({ text }: { text: string }) {
  const parts = useMemo(() => splitLinks(text), [text]);
  return (
    <span className={classes.text} dir="auto">
      {parts.map((part, index) =>
        part.href === null ? (
          part.text
        ) : (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow" className={classes.link}>
            {part.text}
          </a>
        ),
      )}
    </span>
  );
}
