import { expect, it } from "vitest";
import { snoozeUntil } from "./snooze";

it("puts off for hours, until tomorrow and until the next Monday", () => {
  const wednesday = new Date(2026, 2, 11, 16, 30);
  const until = (choice: Parameters<typeof snoozeUntil>[0], from = wednesday) => snoozeUntil(choice, from.getTime());
  expect(until("hour")).toEqual(new Date(2026, 2, 11, 17, 30));
  expect(until("threeHours")).toEqual(new Date(2026, 2, 11, 19, 30));
  expect(until("tomorrow")).toEqual(new Date(2026, 2, 12, 9));
  expect(until("monday")).toEqual(new Date(2026, 2, 16, 9));
  expect(until("monday", new Date(2026, 2, 15, 23))).toEqual(new Date(2026, 2, 16, 9));
  expect(until("monday", new Date(2026, 2, 16, 8))).toEqual(new Date(2026, 2, 23, 9));
});
