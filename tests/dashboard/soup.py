"""A page as a tree, for tests that ask what stands where."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, TreeBuilder

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._builder = TreeBuilder()
        self._builder.start("page", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self._builder.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._builder.end(tag)

    def handle_data(self, data: str) -> None:
        self._builder.data(data)

    def tree(self) -> Element:
        self.close()
        self._builder.end("page")
        return self._builder.close()


class Page:
    """The tree with its parents, elements in the order of the page."""

    def __init__(self, html: str) -> None:
        reader = _Reader()
        reader.feed(html)
        self.root = reader.tree()
        self._above = {child: parent for parent in self.root.iter() for child in parent}

    def marked(self, name: str, within: Element | None = None) -> list[Element]:
        """Elements of a class."""
        top = self.root if within is None else within
        return [element for element in top.iter() if name in element.get("class", "").split()]

    def has(self, element: Element, **attributes: str) -> bool:
        """Whether it stands within an element with these attributes (`class_` for one of its classes)."""
        return any(_fits(above, attributes) for above in self.above(element))

    def above(self, element: Element) -> Iterator[Element]:
        """What it stands in, the nearest first."""
        while (element := self._above.get(element, self.root)) is not self.root:
            yield element

    def section(self, element: Element) -> Element | None:
        """The nearest section around it."""
        return next((above for above in self.above(element) if above.tag == "section"), None)

    def before(self, one: Element, other: Element) -> bool:
        """Whether one comes before the other on the page."""
        return next(found for found in self.root.iter() if found is one or found is other) is one


def _fits(element: Element, attributes: dict[str, str]) -> bool:
    return all(
        value in element.get("class", "").split() if name == "class_" else element.get(name) == value
        for name, value in attributes.items()
    )


def words(element: Element) -> str:
    """The text within, single-spaced."""
    return " ".join(" ".join(element.itertext()).split())
