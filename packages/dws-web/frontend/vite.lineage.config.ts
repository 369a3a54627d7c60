import { defineConfig, mergeConfig } from "vite";
import app from "./vite.config";

// A script of its own: the pages load it when they show a lineage, and the page of `dws lineage graph` holds no other.
export default mergeConfig(
  { ...app, build: { ...app.build, lib: undefined } },
  defineConfig({
    build: {
      emptyOutDir: false,
      lib: { entry: "src/lineage/main.ts", formats: ["iife"], name: "dwsLineageScript", fileName: () => "lineage.js", cssFileName: "lineage" },
    },
  }),
);
