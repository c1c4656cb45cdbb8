import { defineConfig } from "vitest/config";

// The app inside the frame and the demo shop page. The loader has a build of its own: vite.loader.config.ts.
export default defineConfig({
  base: "/widget/",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: { app: "app.html", demo: "demo.html" } },
  },
  server: { host: "127.0.0.1", proxy: { "/widget/v1": process.env["PARLEY_URL"] ?? "http://127.0.0.1:8080" } },
  test: {
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "https://chat.example/widget/app?channel=demo" } },
    include: ["test/**/*.test.{ts,tsx}"],
  },
});
