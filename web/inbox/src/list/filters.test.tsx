import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createRef, useState } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { renderInbox } from "../test/render";
import { emptyFilter } from "./filter";
import { Filters } from "./filters";

beforeEach(() => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
});
afterEach(() => vi.unstubAllGlobals());

function Shown() {
  const [search, setSearch] = useState("");
  return <Filters filter={emptyFilter} onChange={() => undefined} search={search} onSearch={setSearch} searchRef={createRef()} onLeaveSearch={() => undefined} />;
}

it("takes no more to search for than the server does", async () => {
  await renderInbox(<Shown />);
  const box = screen.getByLabelText<HTMLInputElement>("Поиск по диалогам");
  await userEvent.click(box);
  await userEvent.paste("ә".repeat(300));
  expect(box.value).toBe("ә".repeat(200));
});
