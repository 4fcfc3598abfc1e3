// Bundles the explorer into kanwidget/static. The result depends on the sources and the locked tools only,
// so a rebuild anywhere gives the same bytes as the committed files.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: ["es2022", "chrome105", "firefox117", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};
const out = "../kanwidget/static";

await build({ ...shared, entryPoints: ["src/widget.ts"], format: "esm", outfile: `${out}/widget.js` });
await build({ ...shared, entryPoints: ["src/widget.css"], outfile: `${out}/widget.css` });
