// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PresenceReporter } from "./presence";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setup() {
  const put = vi.fn(() => Promise.resolve());
  return { put, reporter: new PresenceReporter({ put }) };
}

it("says nothing before there is a stream to say it of", () => {
  const { put, reporter } = setup();
  reporter.show("d1");
  expect(put).not.toHaveBeenCalled();
  reporter.connected("c1");
  expect(put).toHaveBeenLastCalledWith("c1", "d1", false);
});

it("reports a change at once, and repeats before it expires", () => {
  const { put, reporter } = setup();
  reporter.connected("c1");
  reporter.show("d1");
  expect(put).toHaveBeenLastCalledWith("c1", "d1", false);
  put.mockClear();
  vi.advanceTimersByTime(50_000);
  expect(put).toHaveBeenCalledTimes(2);
});

it("reports typing at most once in three seconds", () => {
  const { put, reporter } = setup();
  reporter.connected("c1");
  reporter.show("d1");
  put.mockClear();
  reporter.typed();
  vi.advanceTimersByTime(2_000);
  reporter.typed();
  expect(put).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1_000);
  reporter.typed();
  expect(put).toHaveBeenCalledTimes(2);
  expect(put).toHaveBeenLastCalledWith("c1", "d1", true);
});

it("uses the name of the newest connection and ends when stopped", () => {
  const { put, reporter } = setup();
  reporter.connected("c1");
  reporter.connected("c2");
  put.mockClear();
  vi.advanceTimersByTime(25_000);
  expect(put.mock.calls).toEqual([["c2", null, false]]);
  reporter.stop();
  vi.advanceTimersByTime(60_000);
  expect(put).toHaveBeenCalledTimes(1);
});
