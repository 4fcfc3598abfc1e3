// Builds the gallery into gallery-out/, to be opened from disk.
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
mkdirSync(`${root}gallery-out`, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ["gallery/index.ts"],
  bundle: true,
  format: "iife",
  charset: "utf8",
  outfile: "gallery-out/gallery.js",
  sourcemap: "inline",
});
await build({ absWorkingDir: root, entryPoints: ["src/widget.css"], bundle: true, outfile: "gallery-out/widget.css" });
copyFileSync(`${root}gallery/index.html`, `${root}gallery-out/index.html`);
console.log("open gallery-out/index.html");
