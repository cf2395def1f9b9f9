import { call } from "./api.js";

/** The list on the page: what it shows, and where the keyboard is after a change. */
export class Tasks {
  constructor(list, template, more, title, act) {
    Object.assign(this, { list, template, more, title, act, next: null });
    more.addEventListener("click", () => act(() => this.loadMore()));
  }

  clear() {
    this.list.replaceChildren();
  }

  async load() {
    const focused = document.activeElement.closest?.("li")?.dataset.id;
    const { tasks, next } = await call("GET", "/api/tasks");
    this.clear();
    this.show(tasks, next);
    if (focused) this.focus(focused);
  }

  async loadMore() {
    const cursor = encodeURIComponent(this.next);
    const { tasks, next } = await call("GET", `/api/tasks?cursor=${cursor}`);
    this.show(tasks, next);
    this.focus(tasks[0]?.id);
  }

  show(tasks, next) {
    this.list.append(...tasks.map((task) => this.row(task)));
    this.next = next;
    this.more.hidden = next === null;
  }

  row(task) {
    const row = this.template.content.cloneNode(true).firstElementChild;
    const [box, text, remove] = row.querySelectorAll("input, span, button");
    row.dataset.id = task.id;
    box.checked = task.done;
    text.textContent = task.title;
    remove.setAttribute("aria-label", `Delete: ${task.title}`);
    const path = `/api/tasks/${task.id}`;
    box.addEventListener("change", async () => {
      const change = { done: box.checked };
      const done = await this.act(
        async () => {
          Object.assign(task, await call("PATCH", path, change, task.version));
        },
        `${change.done ? "Done" : "Open again"}: ${task.title}`,
      );
      if (!done) box.checked = task.done;
    });
    remove.addEventListener("click", () =>
      this.act(async () => {
        await call("DELETE", path, undefined, task.version);
        const neighbour = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        this.focus(neighbour?.dataset.id);
      }, `Deleted: ${task.title}`),
    );
    return row;
  }

  /** A keyboard must stand somewhere: on the task, or on the heading when it is gone. */
  focus(id) {
    const row = [...this.list.children].find((one) => one.dataset.id === id);
    (row?.querySelector("input") ?? this.title).focus();
  }
}
