import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { countChanges, useHeldOrder } from "./held-order";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const mouse = { pointerType: "mouse" };
const show = (ids: string[], scope = "all") => renderHook((props: { ids: string[]; scope: string }) => useHeldOrder(props.ids, props.scope), { initialProps: { ids, scope } });

it("follows the order while no pointer is near", () => {
  const { result, rerender } = show(["a", "b"]);
  rerender({ ids: ["b", "a"], scope: "all" });
  expect(result.current.ids).toEqual(["b", "a"]);
});

it("keeps the rows in place under a moving pointer and says how many changes wait", () => {
  const { result, rerender } = show(["a", "b", "c"]);
  act(() => result.current.onPointerMove(mouse));
  rerender({ ids: ["c", "n", "a"], scope: "all" });
  expect(result.current.ids).toEqual(["a", "b", "c"]);
  expect(result.current.changes).toBe(3); // b goes, n comes, c moves up
  act(() => result.current.onPointerLeave());
  expect(result.current.ids).toEqual(["c", "n", "a"]);
});

it("lets go when asked, and when the pointer rests", () => {
  const { result, rerender } = show(["a", "b"]);
  act(() => result.current.onPointerMove(mouse));
  rerender({ ids: ["b", "a"], scope: "all" });
  act(() => result.current.apply());
  expect(result.current.ids).toEqual(["b", "a"]);

  act(() => result.current.onPointerMove(mouse));
  rerender({ ids: ["a", "b"], scope: "all" });
  act(() => void vi.advanceTimersByTime(3_000));
  expect(result.current.ids).toEqual(["a", "b"]);
});

it("does not hold for a finger, nor over to another list", () => {
  const { result, rerender } = show(["a", "b"]);
  act(() => result.current.onPointerMove({ pointerType: "touch" }));
  rerender({ ids: ["b", "a"], scope: "all" });
  expect(result.current.ids).toEqual(["b", "a"]);
  act(() => result.current.onPointerMove(mouse));
  rerender({ ids: ["x"], scope: "mine" });
  expect(result.current.ids).toEqual(["x"]);
});

it("shows older pages that are loaded below", () => {
  const { result, rerender } = show(["a", "b"]);
  act(() => result.current.onPointerMove(mouse));
  rerender({ ids: ["a", "b", "c", "d"], scope: "all" });
  expect(result.current.ids).toEqual(["a", "b", "c", "d"]);
});

it("counts what comes, goes and moves", () => {
  expect(countChanges(["a", "b", "c"], ["a", "b", "c"])).toBe(0);
  expect(countChanges(["a", "b", "c"], ["c", "a", "b"])).toBe(1);
  expect(countChanges(["a"], ["b"])).toBe(2);
});
