// @vitest-environment node
import { afterEach, describe, expect, it, vi } from "vitest";
import { api } from "./calls";
import { isTemporary, NetworkError, onUnauthorized, ProblemError } from "./client";

const answer = (status: number, body: string, type = "application/json") => vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(status === 204 ? null : body, { status, headers: { "Content-Type": type } }))));

afterEach(() => vi.unstubAllGlobals());

describe("a call", () => {
  it("puts its parameters where they belong", async () => {
    answer(200, '{"dialogues":[],"next_cursor":null,"position":1}');
    await api.dialogues({ q: "a b&c", waiting: true, status: "" });
    expect(fetch).toHaveBeenCalledWith("/api/v1/dialogues?q=a+b%26c&waiting=true", expect.objectContaining({ method: "GET", credentials: "same-origin" }));
    answer(200, "{}");
    await api.setMode("d/1", "bot");
    expect(fetch).toHaveBeenCalledWith("/api/v1/dialogues/d%2F1/mode", expect.objectContaining({ method: "PUT", body: '{"mode":"bot"}' }));
  });

  it("reports the API's problem", async () => {
    answer(409, '{"type":"about:blank","title":"Conflict","status":409,"code":"conflict","detail":"changed"}', "application/problem+json");
    await expect(api.session()).rejects.toMatchObject({ status: 409, code: "conflict", detail: "changed" });
  });

  it("understands a proxy's error page too", async () => {
    answer(502, "<html>Bad gateway</html>", "text/html");
    const error = await api.session().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 502, code: "unavailable" });
    expect(isTemporary(error)).toBe(true);
  });

  it("tells a lost network from a refusal", async () => {
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new TypeError("Failed to fetch"))));
    const error = await api.session().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NetworkError);
    expect(isTemporary(error)).toBe(true);
    expect(isTemporary(new ProblemError({ status: 400, code: "invalid", detail: "" }))).toBe(false);
  });

  it("lets everybody know when the session is gone", async () => {
    const gone = vi.fn();
    const stop = onUnauthorized(gone);
    answer(401, "{}");
    await expect(api.channels()).rejects.toMatchObject({ code: "unauthorized" });
    stop();
    await expect(api.channels()).rejects.toMatchObject({ code: "unauthorized" });
    expect(gone).toHaveBeenCalledOnce();
  });

  it("returns nothing where there is nothing", async () => {
    answer(204, "");
    await expect(api.logout()).resolves.toBeUndefined();
  });
});
