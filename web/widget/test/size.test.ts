// @vitest-environment node
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

/** Builds with a configuration and returns the compressed size of each file by name. */
async function sizes(configFile: string): Promise<Map<string, number>> {
  const built = await build({ configFile, logLevel: "silent", build: { write: false } });
  const outputs = Array.isArray(built) ? built : [built];
  const files = outputs.flatMap((output) => ("output" in output ? output.output : []));
  return new Map(files.map((file) => [file.fileName, gzipSync(file.type === "chunk" ? file.code : file.source).length]));
}

test("a shop's page pays at most 10 KB for the button", { timeout: 60_000 }, async () => {
  const files = await sizes("vite.loader.config.ts");
  expect([...files.keys()]).toEqual(["widget.js"]);
  expect(files.get("widget.js")).toBeLessThanOrEqual(10 * 1024);
});

test("the chat weighs at most 60 KB", { timeout: 60_000 }, async () => {
  const files = await sizes("vite.config.ts");
  const app = [...files].filter(([name]) => /^assets\/(?!demo)/.test(name));
  expect(app.length).toBeGreaterThanOrEqual(2);
  expect(app.reduce((sum, [, size]) => sum + size, 0)).toBeLessThanOrEqual(60 * 1024);
});
