// Registry of listeners, observers and timers: `destroy` removes all of them, and tests count the remaining ones.

let alive = 0;

/** Number of live registrations of all explorers on the page. */
export const aliveCount = (): number => alive;

type Handler<E> = (event: E) => void;

export class Registry {
  #undo = new Set<() => void>();

  /** Registers an undo function; the returned function calls it early. */
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

  /** Calls back before the next screen refresh. */
  frame(call: () => void): () => void {
    const id = requestAnimationFrame(() => {
      release();
      call();
    });
    const release = this.add(() => cancelAnimationFrame(id));
    return release;
  }

  /** Calls back after the next screen refresh: measuring then costs no extra layout. */
  settled(call: () => void): void {
    this.frame(() => this.timeout(call, 0));
  }

  destroy(): void {
    for (const undo of [...this.#undo]) undo();
  }
}
