import { defineConfig } from "vite";

// One script and one style sheet, under names that stay: a page that is opened from a file can load no modules.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  define: { "process.env.NODE_ENV": '"production"' },
  publicDir: "public",
  build: {
    outDir: "../src/dataworkspaces/web/app",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    lib: { entry: "src/main.tsx", formats: ["iife"], name: "dwsWeb", fileName: () => "app.js", cssFileName: "app" },
  },
});
