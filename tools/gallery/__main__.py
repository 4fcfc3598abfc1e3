"""`python -m tools.gallery` writes build/gallery.html: open it in a browser, no server is needed."""

from pathlib import Path

from tools.gallery.record import page

path = Path(__file__).resolve().parents[2] / "build" / "gallery.html"
path.parent.mkdir(exist_ok=True)
path.write_text(page(), encoding="utf-8")
print(path)
