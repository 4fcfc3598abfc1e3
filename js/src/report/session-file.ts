// *Open in a notebook*: the session of a saved page as a file, and the lines of Python that go on with it.
import type { StoredMessage } from "./recorded-session";

const TOO_LARGE = `# The session is too large for a page. Where the page was made, this writes it:
explorer.save_json("session.json")`;

/** Messages for the file and the lines; `text` is what `save_json` writes, empty where it was too large. */
export function sessionFile(text: string, address: string): StoredMessage[] {
  const code = (lines: string) => message("code", "session.py", "text/x-python", lines);
  if (!text) return [code(TOO_LARGE)];
  const { session } = JSON.parse(text);
  // Named after the page, so that several of them stay apart.
  const stem = decodeURIComponent(address.split("/").at(-1) ?? "").replace(/\.\w+$/, "");
  const filename = `${stem.replace(/[^\p{L}\p{N}_.-]+/gu, "_") || "session"}.json`;
  const needed = [...(session.data ? [] : ["data"]), ...session.missing_arguments];
  const call = [`"${filename}"`, ...needed.map((name) => `${name}=${name}`)].join(", ");
  const lines = [
    "from kanwidget import KANExplorer",
    `explorer = KANExplorer.load(${call})  # the downloaded file, beside the notebook`,
    "explorer",
  ];
  return [message("json", filename, "application/json", text), code(lines.join("\n"))];
}

const message = (format: string, filename: string, mime: string, text: string): StoredMessage => ({
  message: { kind: "export", format, filename, mime, text },
});
