import { useTranslation } from "react-i18next";
import type { TurnDetail } from "../api/types";
import classes from "./turn.module.css";

type Recorded = TurnDetail["tool_calls"][number];

/** A call of a tool by the model, as far as it is shown. */
interface ToolCall {
  name: string;
  /** What was searched for. */
  query: string;
  /** The titles of what was found. */
  found: string[];
  failed: boolean;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Reads what was recorded: arguments stand there as the model wrote them, which may be cut off. */
export function readToolCall(call: Recorded): ToolCall {
  const found = Array.isArray(call.found) ? (call.found as { title?: unknown }[]) : [];
  return {
    name: textOf(call.name),
    query: queryOf(textOf(call.arguments)),
    found: found.map(({ title }) => textOf(title)).filter((title) => title !== ""),
    failed: textOf(call.error) !== "",
  };
}

function queryOf(written: string): string {
  try {
    return textOf((JSON.parse(written) as { query?: unknown } | null)?.query);
  } catch {
    return written;
  }
}

/** What the bot did before it answered. */
export function ToolCalls({ calls }: { calls: Recorded[] }) {
  const { t } = useTranslation();
  if (calls.length === 0) return null;
  const sentence = ({ name, query, found, failed }: ToolCall): string => {
    if (name === "handoff") return t("turn.toolHandoff");
    const done = name === "search_knowledge" ? t("turn.toolSearch", { query }) : t("turn.toolOther", { name });
    if (failed) return `${done} — ${t("turn.toolFailed")}`;
    if (name !== "search_knowledge") return done;
    return `${done} — ${found.length > 0 ? t("turn.toolFound", { titles: found.join(", ") }) : t("turn.toolFoundNothing")}`;
  };
  return (
    <section>
      <h3 className={classes.heading}>{t("turn.tools")}</h3>
      <ol className={classes.calls}>
        {calls.map((call, index) => (
          <li key={index}>
            <bdi>{sentence(readToolCall(call))}</bdi>
          </li>
        ))}
      </ol>
    </section>
  );
}
