import type { AuditQuery } from "../../api/calls";
import type { AuditEntry } from "../../api/types";
import { beginOf, type Period } from "../period";

export interface AuditFilter {
  action: AuditEntry["action"] | null;
  actor: string | null;
  /** Null: from the beginning. */
  period: Period | null;
}

export function toQuery({ action, actor, period }: AuditFilter, now: Date): AuditQuery {
  const query: AuditQuery = {};
  if (action !== null) query.action = action;
  if (actor !== null) query.actor = actor;
  if (period !== null) query.from = beginOf(period, now);
  return query;
}
