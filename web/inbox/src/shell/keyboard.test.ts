// @vitest-environment node
import { expect, it } from "vitest";
import { combination } from "./keyboard";

const press = (code: string, key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "shiftKey" | "altKey", boolean>> = {}) => combination({ code, key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

it("knows a key by its place, on any layout", () => {
  expect(press("KeyJ", "j")).toBe("J");
  expect(press("KeyJ", "о")).toBe("J");
  expect(press("KeyK", "л", { ctrlKey: true })).toBe("Mod+K");
  expect(press("KeyK", "k", { metaKey: true })).toBe("Mod+K");
});

it("knows slash and question mark by place or by meaning", () => {
  expect(press("Slash", "/")).toBe("Slash");
  expect(press("Slash", ".")).toBe("Slash");
  expect(press("Slash", "?", { shiftKey: true })).toBe("Help");
  expect(press("Slash", ",", { shiftKey: true })).toBe("Help");
  expect(press("Digit7", "?", { shiftKey: true })).toBe("Help");
});

it("keeps other combinations apart", () => {
  expect(press("KeyJ", "J", { shiftKey: true })).toBe("Shift+J");
  expect(press("Escape", "Escape")).toBe("Escape");
});
