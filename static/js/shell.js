// The page's frame: the menu button on a phone and dialogs. Works by data attributes, no inline handlers.
"use strict";
document.documentElement.classList.add("js");

for (const button of document.querySelectorAll("[data-toggles]")) {
  const target = document.getElementById(button.dataset.toggles);
  const openClass = `${button.dataset.toggles}--open`;
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = target.classList.toggle(openClass);
    button.setAttribute("aria-expanded", String(open));
  });
  target.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && target.classList.contains(openClass)) {
      target.classList.remove(openClass);
      button.setAttribute("aria-expanded", "false");
      button.focus();
    }
  });
}

// <a href="#ID" data-opens="ID"> opens <dialog id="ID">; <a data-closes> inside closes it. Without scripts the address's
// target shows it (dialog.css). On the document, so that links in parts that were refreshed work too.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.opens)?.showModal();
    return;
  }
  const closer = event.target.closest("[data-closes]");
  if (!closer) return;
  event.preventDefault();
  closer.closest("dialog")?.close();
});

// <button data-copies="ID"> puts that element's text into the clipboard, where there is one.
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    if (!button.textContent.includes("copied")) button.append(", copied");
  });
}

// A form is sent once: a double click on "Retry" must not post twice (the server refuses the second anyway).
document.addEventListener("submit", (event) => {
  const form = event.target;
  // What is downloaded leaves the page as it is: it may be asked for again.
  if (form.method !== "post" || event.defaultPrevented || "repeats" in form.dataset) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

// Filters act at once where scripts run; the button stays for those who want it. What is typed acts where it was suggested.
document.addEventListener("change", (event) => {
  const field = event.target;
  const isSuggested = [...(field.list?.options ?? [])].some((option) => option.value === field.value);
  if (field.closest("form[data-autosubmit]") && (field.matches("select") || isSuggested)) field.form.requestSubmit();
});
