"""What the eye can't reach on a page: text and controls that an ancestor cuts off without scrolling to them."""

#: Descriptions of what is cut off, by an ancestor without a scrollbar in that direction or by the border of a drawing. A text that
#: ends with an ellipsis counts as there if a title has all of it.
CLIPPED = """() => {
  const root = document.querySelector('.kanwidget');
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.kw-hidden, [aria-hidden=true] .kw-tick');
  const words = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const content = [...root.querySelectorAll('*')].filter((one) => seen(one) && !['title', 'option', 'STYLE'].includes(one.localName)
    && (words(one) || one.matches('button, input, select, canvas, [data-kw-edge], [data-kw-node]')));
  const report = [];
  for (const one of content) {
    let box = one.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    box = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    const name = (it) => `${it.localName}.${it.getAttribute('class') ?? ''}`;
    const words = one.textContent.trim().slice(0, 40);
    const cut = (by, of) => report.push(`${name(one)} "${words}" by ${Math.round(of)} px in ${name(by)}`);
    const titled = one.closest('[title]') ?? [...one.children].find((child) => child.localName === 'title');
    if (one.localName === 'input' && one.scrollWidth > one.clientWidth + 1) cut(one, one.scrollWidth - one.clientWidth);
    const hides = one.namespaceURI.endsWith('xhtml') && getComputedStyle(one).overflowX === 'hidden';
    if (hides && one.scrollWidth > one.clientWidth + 1 && !titled) {
      cut(one, one.scrollWidth - one.clientWidth);
      continue;
    }
    for (let up = one.parentElement; up && root.contains(up); up = up.parentElement) {
      const style = getComputedStyle(up);
      if (up.localName !== 'svg' && up.namespaceURI.endsWith('svg')) continue;
      const frame = up.getBoundingClientRect();
      const [x, y] = up.localName === 'svg' ? ['hidden', 'hidden'] : [style.overflowX, style.overflowY];
      const ends = [];
      const shut = (overflow) => ['hidden', 'clip'].includes(overflow);
      if (shut(x) && !(titled && style.textOverflow === 'ellipsis'))
        ends.push(frame.left - box.left, box.right - frame.right);
      if (shut(y)) ends.push(frame.top - box.top, box.bottom - frame.bottom);
      const most = Math.max(0, ...ends);
      if (most > 1.5) { cut(up, most); break; }
      if (['auto', 'scroll'].includes(x))
        [box.left, box.right] = [Math.max(box.left, frame.left), Math.min(box.right, frame.right)];
      if (['auto', 'scroll'].includes(y))
        [box.top, box.bottom] = [Math.max(box.top, frame.top), Math.min(box.bottom, frame.bottom)];
      if (box.right <= box.left || box.bottom <= box.top) break;
    }
  }
  return [...new Set(report)];
}"""
