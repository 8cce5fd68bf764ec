// hx-swap="exchange": of a part that was asked for again only what differs is exchanged, so that focus, selection and place
// stay. Lines that came or went would move what is read: a list with data-holds waits for a click, or until the page was left
// alone for minutes, as on a wall. What is drawn (data-whole) is exchanged whole, and not while somebody is at it.
"use strict";
{
  const ALONE = 5 * 60_000; // milliseconds
  const drawn = new WeakMap();
  let touched = performance.now();
  for (const name of ["pointermove", "pointerdown", "keydown", "wheel"]) {
    addEventListener(name, () => { touched = performance.now(); }, { passive: true });
  }
  for (const whole of document.querySelectorAll("[data-whole]")) drawn.set(whole, whole.innerHTML);

  const isAlone = () => performance.now() - touched > ALONE;
  const key = (node) => node.id || `${node.nodeName}.${node.getAttribute?.("class")?.split(" ")[0] ?? ""}`;
  const keys = (node) => [...node.children].map(key);
  const isSelected = (node) => {
    const chosen = getSelection();
    return !chosen.isCollapsed && chosen.getRangeAt(0).intersectsNode(node);
  };

  function attributes(old, fresh) {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open" && name !== "style") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }

  function nodes(old, fresh, came) {
    const left = [...old.childNodes];
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const place = left.findIndex((one) => key(one) === key(next));
      const same = place < 0 ? next : left.splice(place, 1)[0];
      if (same === next) came.count += 1;
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      if (same !== next) exchange(same, next, came);
    }
    for (const one of left) one.remove();
  }

  function exchange(old, fresh, came) {
    if (old.isEqualNode(fresh) || old.dataset?.sent) return;
    if (!(old instanceof Element)) {
      if (!isSelected(old)) old.data = fresh.data;
      return;
    }
    if ("whole" in old.dataset) {
      draw(old, fresh);
      return;
    }
    attributes(old, fresh);
    if (!("holds" in old.dataset) || came.all || keys(old).join() === keys(fresh).join()) {
      nodes(old, fresh, came);
      return;
    }
    came.held += 1;
    for (const one of old.children) {
      const same = [...fresh.children].find((next) => key(next) === key(one));
      if (same) exchange(one, same.cloneNode(true), came);
    }
  }

  function draw(old, fresh) {
    if ((drawn.get(old) ?? "") === fresh.innerHTML) return;
    const isTurnedTo = old.matches(":hover, :focus-within") || old.querySelector("details[open], .chart__box--live") || isSelected(old);
    if (isTurnedTo && !isAlone()) return;
    for (const plot of old.querySelectorAll(".js-plotly-plot")) window.Plotly?.purge(plot);
    drawn.set(old, fresh.innerHTML);
    old.replaceChildren(...fresh.childNodes);
  }

  function bar(old, fresh) {
    document.getElementById("held")?.remove();
    if (!fresh) return;
    const button = document.createElement("button");
    Object.assign(button, { id: "held", type: "button", className: "news__link", textContent: "Lines came or went: show" });
    button.addEventListener("click", () => apply(old, fresh, true));
    document.getElementById("news").append(button);
  }

  function apply(old, fresh, all) {
    const came = { all: all || isAlone(), held: 0, count: 0 };
    const focus = document.activeElement;
    const middle = came.all ? null : document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    const place = middle?.getBoundingClientRect().top;
    // A sentence of fewer lines leaves its room; one of more is made up for here at the top, and below by the browser.
    for (const part of old.children) part.style.minHeight = came.all ? "" : `${part.getBoundingClientRect().height}px`;
    exchange(old, fresh.cloneNode(true), came);
    if (middle?.isConnected && scrollY === 0) scrollBy(0, middle.getBoundingClientRect().top - place);
    if (focus !== document.activeElement) (focus.isConnected ? focus : document.getElementById(focus.id))?.focus({ preventScroll: true });
    bar(old, came.held ? fresh : null);
  }

  htmx.defineExtension("exchange", {
    isInlineSwap: (style) => style === "exchange",
    handleSwap(style, target, fragment) {
      if (style !== "exchange") return false;
      const fresh = [...fragment.children].find((one) => one.id === target.id);
      if (fresh) apply(target, fresh, false);
      return [];
    },
  });
}
