"use strict";
const root = document.documentElement;
root.classList.add("js");

const memory = {
  get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window */ } },
};
if (memory.get()) root.dataset.theme = memory.get();

function toggleTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  memory.set(root.dataset.theme);
}

function openContents(open) {
  root.classList.toggle("contents-open", open);
  document.getElementById("menu").setAttribute("aria-expanded", open);
}

// Numbers by value, everything else by the alphabet, blanks last.
function compare(a, b) {
  const number = (text) => parseFloat(text.replace(/,/g, "").replace("\u2212", "-"));
  const [x, y] = [number(a), number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a.localeCompare(b, "en", { numeric: true });
}

function sortBy(header) {
  const table = header.closest("table");
  const upward = header.getAttribute("aria-sort") !== "ascending";
  const text = (row) => row.cells[header.cellIndex].textContent.trim();
  const blank = (row) => ["", "NaN", "None", "–", "—"].includes(text(row));
  const rows = [...table.tBodies[0].rows].sort((a, b) =>
    blank(a) - blank(b) || (upward ? 1 : -1) * compare(text(a), text(b)));
  table.tBodies[0].append(...rows);
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", upward ? "ascending" : "descending");
}

function makeSortable(table) {
  for (const header of table.tHead.rows[0].cells) {
    if (!header.textContent.trim()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(header));
    header.append(button);
  }
}

// The contents show where the reader is: the last heading above the upper third of the window.
function follow() {
  const contents = document.getElementById("contents");
  const where = document.getElementById("where");
  const parts = contents.querySelectorAll(":scope > ol > li");
  const links = [...document.querySelectorAll("#contents a")];
  const targets = links.map((link) => document.getElementById(link.hash.slice(1)));
  let waiting = false;
  const update = () => {
    waiting = false;
    let current = -1;
    targets.forEach((target, i) => {
      if (target.getBoundingClientRect().top < innerHeight / 3) current = i;
    });
    links.forEach((link, i) => link.classList.toggle("current", i === current));
    const part = links[current]?.closest("#contents > ol > li");
    for (const item of parts) item.classList.toggle("open", item === part);
    where.textContent = part?.querySelector("a").lastChild.textContent ?? "";
    if (part) contents.scrollTop = part.offsetTop - contents.clientHeight / 3;
  };
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(update);
    waiting = true;
  }, { passive: true });
  update();
}

// A figure is a button that shows it at its full size; Escape or a click anywhere closes it.
function makeLarge(image, large) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.title = "Enlarge";
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    large.replaceChildren(large.firstElementChild, image.cloneNode());
    large.showModal();
  });
}

// What scrolls sideways can be reached by keys.
const reachable = new ResizeObserver((entries) => {
  for (const { target } of entries) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
});

// An appendix that a link leads into opens.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (!folded || folded.open) return;
  folded.open = true;
  target.scrollIntoView();
}

addEventListener("hashchange", unfold);
addEventListener("DOMContentLoaded", () => {
  document.getElementById("unfold").addEventListener("click", () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
  });
  unfold();
  document.getElementById("theme").addEventListener("click", toggleTheme);
  document.getElementById("menu").addEventListener("click", () =>
    openContents(!root.classList.contains("contents-open")));
  document.getElementById("contents").addEventListener("click", (event) => {
    if (event.target.closest("a")) openContents(false);
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape") openContents(false); });
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll(".scroll, pre, .equation").forEach((box) => reachable.observe(box));
  const large = document.getElementById("large");
  large.addEventListener("click", () => large.close());
  document.querySelectorAll(".plate > img").forEach((image) => makeLarge(image, large));
  follow();
});
