// The palette (Ctrl K) and keys that act anywhere: g and a letter goes to a page of the menu, / to the filters, ? shows them all.
// Single keys act only for those who want them (<body data-single-keys>), and never while somebody types (WCAG 2.1.4).
"use strict";
{
  const palette = document.getElementById("palette");
  const text = document.getElementById("palette-text");
  const found = () => [...palette.querySelectorAll("#palette-found a")];
  let after = ""; // the key before, where it was g
  let asked = 0;

  const open = () => {
    if (document.querySelector("dialog[open]")) return false;
    palette.showModal();
    text.select();
    return true;
  };

  const isTyping = (target) => Boolean(target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]"));

  function move(event) {
    const links = found();
    const at = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown") links[Math.min(at + 1, links.length - 1)]?.focus();
    else if (event.key === "ArrowUp") (links[at - 1] ?? text).focus();
    else return false;
    return true;
  }

  // What was typed last is what is followed: an older answer may still stand there.
  palette.querySelector("form").addEventListener("submit", (event) => {
    const first = found()[0];
    if (!first || text.value.trim() !== palette.dataset.answered) return;
    event.preventDefault();
    first.click();
  });
  palette.addEventListener("htmx:afterSwap", (event) => {
    palette.dataset.answered = new URL(event.detail.xhr.responseURL).searchParams.get("q")?.trim() ?? "";
  });

  function single(event) {
    const before = performance.now() - asked < 1500 ? after : "";
    after = event.key;
    asked = performance.now();
    if (before === "g") {
      after = "";
      const link = document.querySelector(`#menu a[data-key="${CSS.escape(event.key)}"]`);
      link?.click();
      return Boolean(link);
    }
    const own = document.querySelector(`main a[data-single-key="${CSS.escape(event.key)}"]`);
    if (own) {
      own.click();
      return true;
    }
    if (event.key === "/") {
      const field = document.querySelector("main .filters input:not([type=hidden])");
      field?.focus();
      return Boolean(field);
    }
    if (event.key !== "?" || !open()) return false;
    palette.querySelector("details").open = true;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    let done = false;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") done = open() || palette.open;
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (palette.open) done = move(event);
    else if ("singleKeys" in document.body.dataset && !isTyping(event.target) && !document.querySelector("dialog[open]")) done = single(event);
    if (done) event.preventDefault();
  });
}
