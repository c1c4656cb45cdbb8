import { defineConfig } from "vite";

// widget.js: one classic script without imports, because shops put it on their pages by a plain script tag.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    emptyOutDir: false,
    lib: { entry: "src/loader/main.ts", formats: ["iife"], name: "parleyLoader", fileName: () => "widget.js" },
  },
});
