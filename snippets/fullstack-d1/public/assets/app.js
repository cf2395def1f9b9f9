import { call, Refused } from "./api.js";
import { Tasks } from "./tasks.js";

const at = (id) => document.getElementById(id);
const tasks = new Tasks(at("list"), at("task"), at("more"), at("tasks-title"), act);

/** Every action: forget the old message, try, and say what came of it. */
async function act(work, said = "") {
  at("alert").textContent = "";
  at("status").textContent = "";
  try {
    await work();
    at("status").textContent = said;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) showAccount();
    if (error.status === 412 || error.status === 404) await tasks.load().catch(() => {});
    at("alert").textContent = error.message;
    return false;
  }
  return true;
}

function showAccount() {
  const wasOpen = !at("account").hidden;
  at("who").hidden = at("tasks").hidden = true;
  at("account").hidden = false;
  tasks.clear();
  if (!wasOpen) at("account-title").focus();
}

async function showTasks({ email }) {
  await tasks.load();
  at("email").textContent = email;
  at("account").hidden = true;
  at("who").hidden = at("tasks").hidden = false;
  at("tasks-title").focus();
}

for (const name of ["login", "signup"]) {
  at(name).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    act(async () => {
      await showTasks(await call("POST", `/api/${name}`, fields));
      event.target.reset();
    });
  });
}

at("logout").addEventListener("click", () =>
  act(async () => {
    await call("POST", "/api/logout");
    showAccount();
  }, "You are signed out."),
);

// Until the server has answered, the same title has the same id: a second try adds nothing twice.
let unsent = { title: "", id: "" };
at("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = at("title");
  const title = field.value;
  if (unsent.title !== title) unsent = { title, id: crypto.randomUUID() };
  const { id } = unsent;
  const added = await act(async () => {
    await call("POST", "/api/tasks", { tasks: [{ id, title }] });
    await tasks.load();
  }, `Added: ${title}`);
  if (!added) return;
  if (unsent.id === id) unsent = { title: "", id: "" };
  if (field.value === title) field.value = "";
  field.focus();
});

call("GET", "/api/session").then(showTasks, (error) => {
  at("account").hidden = false;
  if (error.status !== 401) at("alert").textContent = error.message;
});
