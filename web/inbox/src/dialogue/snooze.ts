// The times until which a dialogue can be put off.

export type SnoozeChoice = "hour" | "threeHours" | "tomorrow" | "monday";

export const snoozeChoices: SnoozeChoice[] = ["hour", "threeHours", "tomorrow", "monday"];

const hour = 60 * 60_000;

/** When a dialogue that is put off now comes back; days begin at nine of the operator's clock. */
export function snoozeUntil(choice: SnoozeChoice, now: number): Date {
  const morning = (days: number) => {
    const today = new Date(now);
    return new Date(today.getFullYear(), today.getMonth(), today.getDate() + days, 9);
  };
  switch (choice) {
    case "hour":
      return new Date(now + hour);
    case "threeHours":
      return new Date(now + 3 * hour);
    case "tomorrow":
      return morning(1);
    case "monday":
      return morning(((8 - new Date(now).getDay()) % 7) || 7);
  }
}
