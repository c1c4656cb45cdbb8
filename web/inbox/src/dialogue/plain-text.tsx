import { useMemo } from "react";
import { splitLinks } from "./links";
import classes from "./plain-text.module.css";
import { splitPrices } from "./prices";

/** Somebody's words: plain text in its own direction, with its links made clickable and its prices on one line. */
export function PlainText({ text }: { text: string }) {
  const parts = useMemo(() => splitLinks(text), [text]);
  return (
    <span className={classes.text} dir="auto">
      {parts.map((part, index) =>
        part.href === null ? (
          <Words key={index} text={part.text} />
        ) : (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow" className={classes.link}>
            {part.text}
          </a>
        ),
      )}
    </span>
  );
}

function Words({ text }: { text: string }) {
  return splitPrices(text).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <span key={index} className={classes.price}>
        {part}
      </span>
    ),
  );
}
