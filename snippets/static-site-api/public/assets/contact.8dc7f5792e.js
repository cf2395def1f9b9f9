// Without this file the form works too: the browser sends it and the Worker answers with a page.
const form = document.querySelector("#contact");
const problem = document.querySelector("#problem");
const done = document.querySelector("#done");
const TOKEN_IS_SPENT = ["form_unknown", "form_expired", "already_sent"];
let sending = false;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending) return;
  sending = true;
  try {
    await send();
  } catch {
    // The answer may be lost and the message stored: the token makes a second try harmless.
    fail({ code: "", message: "No answer from the server. Send it again." });
  }
  sending = false;
});

async function send() {
  const response = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  const answer = await response.json();
  if (response.ok) {
    problem.hidden = true;
    form.hidden = true;
    done.hidden = false;
    done.textContent = "Thank you. Your message has arrived.";
    done.focus();
    return;
  }
  if (TOKEN_IS_SPENT.includes(answer.error.code)) await renew();
  fail(answer.error);
}

function fail({ code, message }) {
  const wrong = /^invalid_(name|email|message)$/.exec(code)?.[1];
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  form.elements.website.value = ""; // a password manager may have filled it
  problem.hidden = false;
  problem.textContent = message;
  if (!wrong) return problem.focus();
  form.elements[wrong].setAttribute("aria-invalid", "true");
  form.elements[wrong].focus();
}

async function renew() {
  const page = await (await fetch("/contact")).text();
  const fresh = new DOMParser().parseFromString(page, "text/html");
  form.elements.form.value = fresh.querySelector('input[name="form"]').value;
}
