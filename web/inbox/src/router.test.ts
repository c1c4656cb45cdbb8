// @vitest-environment node
import { expect, it } from "vitest";
import { parseRoute, returnPath } from "./router";

it("knows its addresses", () => {
  expect(parseRoute("/")).toEqual({ page: "inbox", dialogueID: null });
  expect(parseRoute("/d/01956F3A-0000-7000-8000-00000000000a")).toEqual({ page: "inbox", dialogueID: "01956f3a-0000-7000-8000-00000000000a" });
  expect(parseRoute("/login")).toEqual({ page: "login" });
  for (const section of ["failed-answers", "answers", "audit", "dead-letters"]) expect(parseRoute(`/#${section}`)).toEqual({ page: "admin", section });
  expect(parseRoute("/#failed-answers/bad_key")).toEqual({ page: "admin", section: "failed-answers", cause: "bad_key" });
  expect(parseRoute("/#failed-answers/<b>")).toEqual({ page: "admin", section: "failed-answers" });
  expect(parseRoute("/#audit/bad_key")).toEqual({ page: "admin", section: "audit" });
  expect(parseRoute("/#else")).toEqual({ page: "inbox", dialogueID: null });
  expect(parseRoute("/d/else")).toEqual({ page: "inbox", dialogueID: null });
});

it("returns after a login only to its own pages", () => {
  expect(returnPath("?next=%2Fd%2F1")).toBe("/d/1");
  expect(returnPath("")).toBe("/");
  expect(returnPath("?next=https%3A%2F%2Fevil.example")).toBe("/");
  expect(returnPath("?next=%2F%2Fevil.example")).toBe("/");
  expect(returnPath("?next=%2F%5Cevil.example")).toBe("/");
  expect(returnPath("?next=%2Flogin")).toBe("/");
});
