"""The first page: is anything wrong, and how sure can one be?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def overview(request: HttpRequest) -> HttpResponse:
    """The overview."""
    return render(request, "pages/overview.html")
