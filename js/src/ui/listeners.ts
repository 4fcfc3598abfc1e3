// Every listener, observer and timer that outlives a call is registered here, so that `destroy` can take back all of
// them and a test can count what is left.

let alive = 0;

/** How many registrations of all explorers on the page are not yet taken back. */
export const aliveCount = (): number => alive;

type Handler<E> = (event: E) => void;

export class Registry {
  #undo = new Set<() => void>();

  /** Remembers how to take something back; the returned function does it early. */
  add(undo: () => void): () => void {
    alive += 1;
    const once = () => {
      if (!this.#undo.delete(once)) return;
      alive -= 1;
      undo();
    };
    this.#undo.add(once);
    return once;
  }

  listen<K extends keyof HTMLElementEventMap>(
    target: EventTarget,
    type: K,
    handler: Handler<HTMLElementEventMap[K]>,
    options?: AddEventListenerOptions,
  ): () => void;
  listen(target: EventTarget, type: string, handler: Handler<Event>, options?: AddEventListenerOptions): () => void;
  listen(target: EventTarget, type: string, handler: Handler<never>, options?: AddEventListenerOptions): () => void {
    target.addEventListener(type, handler as EventListener, options);
    return this.add(() => target.removeEventListener(type, handler as EventListener, options));
  }

  /** Calls back with the width and height of an element, now and whenever they change. */
  resize(target: Element, call: (width: number, height: number) => void): () => void {
    if (typeof ResizeObserver === "undefined") return () => {};
    const observer = new ResizeObserver((entries) => {
      const box = entries[entries.length - 1]?.contentRect;
      if (box && box.width > 0) call(box.width, box.height);
    });
    observer.observe(target);
    return this.add(() => observer.disconnect());
  }

  timeout(call: () => void, ms: number): () => void {
    const id = setTimeout(() => {
      release();
      call();
    }, ms);
    const release = this.add(() => clearTimeout(id));
    return release;
  }

  /** Before the next drawing of the screen. */
  frame(call: () => void): () => void {
    const id = requestAnimationFrame(() => {
      release();
      call();
    });
    const release = this.add(() => cancelAnimationFrame(id));
    return release;
  }

  /** After the next drawing of the screen: what is measured then costs no layout of its own. */
  settled(call: () => void): void {
    this.frame(() => this.timeout(call, 0));
  }

  destroy(): void {
    for (const undo of [...this.#undo]) undo();
  }
}
