// Everything works without this. It saves clicks: rows while one types, ticks that are kept, progress without reloading.
"use strict";

// On a small screen the rows of a table are shown as cards; that it is a table has to be said then.
const ROLES = { table: "table", "thead, tbody": "rowgroup", tr: "row", td: "cell", "th[scope=col]": "columnheader", "th[scope=row]": "rowheader" };
function sayTables() {
  for (const [selector, role] of Object.entries(ROLES)) {
    document.querySelectorAll(selector).forEach((each) => each.setAttribute("role", role));
  }
}
sayTables();

const search = document.querySelector("[data-search]");
const rows = document.getElementById("rows");
const ticked = new Set();

function wire() {
  const form = rows.querySelector("[data-ticks]");
  const boxes = [...form.querySelectorAll("input[name=ids]")];
  const page = form.querySelector("[data-page]");
  const all = form.querySelector("[data-all]");
  const told = form.querySelector("[data-ticked]");

  function show() {
    boxes.forEach((box) => { box.checked = ticked.has(box.value); });
    told.textContent = ticked.size && !(all && all.checked) ? `, ${ticked.size} ticked` : "";
    if (page) page.checked = boxes.length > 0 && boxes.every((box) => box.checked);
    // What was asked for is done. It keeps its place, or the next row would move away from under the pointer.
    if (ticked.size || (all && all.checked)) {
      document.querySelectorAll("[data-flashed]").forEach((message) => message.classList.add("gone"));
    }
  }

  function tick(box) { if (box.checked) ticked.add(box.value); else ticked.delete(box.value); }

  boxes.forEach((box) => box.addEventListener("change", () => { tick(box); show(); }));
  if (all) all.addEventListener("change", show);
  if (page) {
    page.hidden = false;
    page.addEventListener("change", () => {
      boxes.forEach((box) => { box.checked = page.checked; tick(box); });
      show();
    });
  }
  // Who was ticked before the search went on is sent along.
  form.addEventListener("submit", () => {
    const here = new Set(boxes.map((box) => box.value));
    [...ticked].filter((id) => !here.has(id)).forEach((id) => {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "ids", value: id }));
    });
  });
  show();
}

if (search) {
  let timer, latest = 0;
  const find = async () => {
    const number = ++latest;
    const asked = new FormData(search);
    asked.append("rows", "1");
    const answer = await fetch(search.action, { method: "POST", body: asked });
    if (!answer.ok || answer.redirected) { search.submit(); return; }
    const html = await answer.text();
    if (number !== latest) return; // A later answer is shown already.
    rows.innerHTML = html;
    // Outside of what is replaced: only so do screen readers say it.
    document.querySelector("[data-said]").textContent = rows.querySelector("[data-count]").textContent;
    sayTables();
    wire();
  };
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 200); });
  search.addEventListener("submit", (event) => { event.preventDefault(); find(); });
  wire();
}

const watched = document.querySelector("[data-progress]");
if (watched) {
  const look = async () => {
    const answer = await fetch(watched.dataset.progress);
    if (!answer.ok) { setTimeout(look, 5000); return; }
    const now = await answer.json();
    if (now.is_over) { location.reload(); return; }
    watched.querySelector("progress").value = now.done;
    watched.querySelector("[data-done]").textContent = now.done.toLocaleString("en");
    watched.querySelector("[data-left]").textContent = now.seconds === null ? "" : `(about ${now.seconds} s left)`;
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
}

// The ticket of an invitation goes from the address into the form, and out of the history.
const ticket = document.querySelector("[data-ticket]");
if (ticket && location.hash) {
  ticket.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

document.querySelectorAll("[data-show]").forEach((label) => {
  label.hidden = false;
  label.querySelector("input").addEventListener("change", (event) => {
    label.closest("form").querySelectorAll("[data-secret]").forEach((field) => {
      field.type = event.target.checked ? "text" : "password";
    });
  });
});
