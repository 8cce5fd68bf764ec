// Parts that refresh themselves (htmx). What cannot be refreshed must not pass for fresh.
"use strict";
{
  const LOST = "refresh-lost";

  function lost(text) {
    let bar = document.getElementById(LOST);
    if (!bar) {
      bar = document.createElement("div");
      bar.id = LOST;
      bar.className = "banner banner--warn afloat";
      bar.setAttribute("role", "status");
      document.getElementById("messages")?.after(bar);
    }
    bar.textContent = text;
  }

  const clock = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

  // What is suggested while somebody types says nothing of the page.
  const isSuggestion = (event) => event.detail.elt.matches("input[list], input[data-suggests]");

  let lastGood = clock();

  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (!event.detail.successful || isSuggestion(event)) return;
    lastGood = clock();
    document.getElementById(LOST)?.remove();
  });
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, (event) => {
      if (!isSuggestion(event)) lost(`This page could not be refreshed. It shows ${lastGood}.`);
    });
  }

  // The session ended: an answer from the sign-in page must not land inside a card.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.responseURL.includes("/accounts/login/")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  // What only a refresh needs (<div data-module>) comes when the page stands, before the first of them.
  const modules = () => Promise.all([...document.querySelectorAll("[data-module]")].map((one) => import(one.dataset.module)));
  setTimeout(modules, 10_000);

  // A tab in the background asks for nothing, and for all that waits as soon as it is seen again.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) modules().then(() => htmx.trigger(document.body, "seen"));
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const polled = event.detail.elt.matches("[hx-trigger*=every]");
    if (polled && (document.hidden || document.querySelector("dialog[open]"))) event.preventDefault();
  });
}
