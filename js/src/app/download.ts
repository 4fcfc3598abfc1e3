// Saves an export as a file of the browser.
import { toView } from "../protocol/codecs";
import type { MessageOf } from "../protocol/messages";

export function saveExport(message: MessageOf<"export">, binary: unknown): void {
  if (message.format === "code") return;
  const view = toView(binary);
  const bytes = view ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : null;
  const content = message.text ?? bytes;
  if (content === null) return;
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type: message.mime }));
  const link = document.createElement("a");
  link.href = url;
  link.download = message.filename;
  link.click();
  // Some browsers read the address only after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
