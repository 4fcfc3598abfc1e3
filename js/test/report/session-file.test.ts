// *Open in a notebook*: the file's name, and lines of Python that load it.
import { expect, test } from "vitest";
import { sessionFile } from "../../src/report/session-file";

const session = (data: unknown, missing: string[] = []) =>
  JSON.stringify({ session: { data, missing_arguments: missing } });
const parts = (text: string, address: string) =>
  sessionFile(text, address).map(({ message }) => [message.filename, message.text]);

test("the file is named after the page, and the lines load it", () => {
  const [file, lines] = parts(session({}), "/pages/a%20b/tree%20volumes.v2.html");
  expect(file).toEqual(["tree_volumes.v2.json", session({})]);
  expect(lines![1]).toMatch(
    /^from kanwidget import KANExplorer\nexplorer = KANExplorer.load\("tree_volumes.v2.json"\) {2}#/,
  );
  expect(parts(session({}), "/")[0]![0]).toBe("session.json");
});

test("what a session can't hold is an argument", () => {
  const [, lines] = parts(session(null, ["loss"]), "/x.html");
  expect(lines![1]).toContain('KANExplorer.load("x.json", data=data, loss=loss)');
});

test("a session that was too large is asked for, and nothing is downloaded", () => {
  expect(parts("", "/x.html")).toEqual([["session.py", expect.stringContaining('explorer.save_json("session.json")')]]);
});
