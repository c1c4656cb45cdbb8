// Periods that lists of admins are narrowed to.

export const periods = ["today", "week", "month"] as const;
export type Period = (typeof periods)[number];

const daysBack: Record<Period, number> = { today: 0, week: 6, month: 29 };

/** When a period began: counted in whole days of the admin's clock, today included. */
export function beginOf(period: Period, now: Date): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysBack[period]).toISOString();
}
