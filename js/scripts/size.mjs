// The bundle travels in every saved notebook: fails when it outgrows its budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgets = [
  ["widget.js", 179, 69],
  ["widget.css", 23.5, 6.5],
  ["report.js", 183.5, 71.2],
  // Half of it is for paper.
  ["report.css", 2, 1],
];
let over = false;
for (const [name, plainKb, gzipKb] of budgets) {
  const bytes = readFileSync(new URL(`../../kanwidget/static/${name}`, import.meta.url));
  const plain = bytes.length / 1024;
  const gzip = gzipSync(bytes, { level: 9 }).length / 1024;
  over ||= plain > plainKb || gzip > gzipKb;
  console.log(`${name}: ${plain.toFixed(1)} of ${plainKb} KB, gzip ${gzip.toFixed(1)} of ${gzipKb} KB`);
}
if (over) process.exit(1);
