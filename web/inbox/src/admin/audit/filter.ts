import type { AuditQuery } from "../../api/calls";
import type { AuditEntry } from "../../api/types";

export const periods = ["today", "week", "month"] as const;
export type Period = (typeof periods)[number];

export interface AuditFilter {
  action: AuditEntry["action"] | null;
  actor: string | null;
  /** Null: from the beginning. */
  period: Period | null;
}

const daysBack: Record<Period, number> = { today: 0, week: 6, month: 29 };

/** Periods are counted in whole days of the admin's clock, today included. */
export function toQuery({ action, actor, period }: AuditFilter, now: Date): AuditQuery {
  const query: AuditQuery = {};
  if (action !== null) query.action = action;
  if (actor !== null) query.actor = actor;
  if (period !== null) query.from = new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysBack[period]).toISOString();
  return query;
}
