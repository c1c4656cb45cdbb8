import { afterEach, expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/app/api";

afterEach(() => {
  vi.useRealTimers();
});

interface Call {
  url: string;
  init: RequestInit;
}

function setup(answer: (call: Call) => Promise<Response> | Response) {
  const calls: Call[] = [];
  const api = new Api((url, init) => {
    const call = { url: url as string, init: init ?? {} };
    calls.push(call);
    return Promise.resolve(answer(call));
  });
  return { api, calls };
}

test("the token travels in a header, never in an address", async () => {
  const { api, calls } = setup(({ url }) => (url.includes("stream") ? new Response(": hb\n\n") : Response.json({ token: "t", messages: [], position: 5 })));
  await api.createSession("demo");
  await api.send("secret", "c1", "hi");
  await api.history("secret", null);
  await api.history("secret", 7);
  await api.stream("secret", "41", false, new AbortController().signal);
  await api.stream("secret", "42", true, new AbortController().signal);
  expect(calls.map((call) => `${call.init.method} ${call.url}`)).toEqual([
    "POST /widget/v1/sessions",
    "POST /widget/v1/messages",
    "GET /widget/v1/messages",
    "GET /widget/v1/messages?after=7",
    "GET /widget/v1/stream?after=41",
    "GET /widget/v1/stream?after=42",
  ]);
  expect(calls.map((call) => new Headers(call.init.headers).get("Authorization"))).toEqual([null, ...Array<string>(5).fill("Bearer secret")]);
  expect(calls.map((call) => new Headers(call.init.headers).get("Last-Event-ID"))).toEqual([null, null, null, null, null, "42"]);
  expect(JSON.parse(String(calls[1]?.init.body))).toEqual({ client_id: "c1", text: "hi" });
});

test.each([
  [0, true],
  [400, false],
  [401, false],
  [413, false],
  [429, true],
  [500, true],
  [503, true],
])("an error of status %i may pass: %s", (status, transient) => {
  expect(new ApiError(status, "").transient).toBe(transient);
});

test("reads how long the server asks to wait, within reason", async () => {
  let header = "3";
  const { api } = setup(() => new Response("", { status: 429, headers: { "Retry-After": header } }));
  const wait = async () => (await api.typing("t").catch((error: unknown) => error)) as ApiError;
  expect(await wait()).toMatchObject({ status: 429, retryAfter: 3_000 });
  header = "999999";
  expect(await wait()).toMatchObject({ retryAfter: 120_000 });
  header = new Date(Date.now() - 5_000).toUTCString();
  expect(await wait()).toMatchObject({ retryAfter: 0 });
  header = "soon";
  expect(await wait()).toMatchObject({ retryAfter: null });
});

test("an answer that never comes counts as none, a stream may last", async () => {
  vi.useFakeTimers();
  const aborted: string[] = [];
  const { api } = setup(({ url, init }) => {
    if (url.includes("stream")) {
      init.signal?.addEventListener("abort", () => aborted.push("stream"));
      return new Response(": hb\n\n");
    }
    return new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  });
  const abort = new AbortController();
  await api.stream("t", "1", false, abort.signal);
  const failed = api.send("t", "c", "x").catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await failed).toMatchObject({ status: 0 });
  expect(aborted).toEqual([]);
  abort.abort();
  expect(aborted).toEqual(["stream"]);
});
