// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { coalesce } from "./coalesce";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("calls back at once, and for a burst once more", () => {
  const callback = vi.fn();
  const { call } = coalesce(callback, 1000);
  call();
  expect(callback).toHaveBeenCalledTimes(1);
  for (let i = 0; i < 50; i++) call();
  vi.advanceTimersByTime(999);
  expect(callback).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(5000);
  expect(callback).toHaveBeenCalledTimes(2);
  call();
  expect(callback).toHaveBeenCalledTimes(3);
});

it("calls back no more when it is stopped", () => {
  const callback = vi.fn();
  const { call, stop } = coalesce(callback, 1000);
  call();
  call();
  stop();
  vi.advanceTimersByTime(5000);
  expect(callback).toHaveBeenCalledTimes(1);
});
