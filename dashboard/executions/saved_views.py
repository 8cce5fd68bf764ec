"""Saves filters of the list of executions under a name, renames, shares and deletes them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import get_or_404
from dashboard.columns import NAME as COLUMNS
from dashboard.executions.forms import Chip, ExecutionFilterForm
from monitor import audit
from monitor.access import may
from monitor.models import SavedView, User
from monitor.models.saved_views import LONGEST_NAME, LONGEST_QUERY
from monitor.queries.saved_views import MOST_OWN, changeable, views_of

PAGE = "executions/saved_view.html"
EVERYTHING = "view=all"  # in an address: the whole list, whatever view opens first


class SavedViewForm(forms.ModelForm):
    """Asks for the name of a view, whether it is shared, and whether it opens first."""

    class Meta:
        model = SavedView
        fields = ["name", "is_shared", "is_default"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off", "maxlength": LONGEST_NAME})}

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may(person, "views.share"):
            del self.fields["is_shared"]
        if self.instance.person_id != person.pk:
            del self.fields["is_default"]
        else:
            self.fields["is_default"].help_text = "The list of executions opens with it for you."

    def clean_name(self) -> str:
        """Takes the name as one line; no two of a person's views have the same."""
        name = " ".join(self.cleaned_data["name"].split())
        others = SavedView.objects.filter(person=self.instance.person_id, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError("There is a view of this name already.", code="name")
        return name


def of_list(request: HttpRequest, form: ExecutionFilterForm) -> dict[str, Any]:
    """Puts together what the list shows of views; `opens_with` is the query of the one that a bare address leads to."""
    if not isinstance(request.user, User):
        return {}
    views, asked = views_of(request.user), form.own(form.data, *form.places)
    current = next((view for view in views if QueryDict(view.query) == asked), None)
    default = next((view for view in views if view.is_default), None)
    is_new = current is None and (form.is_narrowed or COLUMNS in asked)
    return {
        "saved_views": views,
        "current_view": current,
        "opens_with": default.query if default is not None and not request.GET else "",
        "save_view_url": f"{reverse('executions_view_add')}?{asked.urlencode()}" if is_new else "",
        "cleared_path": f"{reverse('executions')}?{EVERYTHING}" if default is not None else "",
    }


@require_http_methods(["GET", "HEAD", "POST"])
def view_add(request: HttpRequest) -> HttpResponse:
    """Gives the filters in the address a name; filters that cannot be read lead back to the list, which says why."""
    filters = ExecutionFilterForm(request.GET)
    query = filters.own(filters.data, *filters.places).urlencode()
    if not filters.is_valid() or not query:
        return redirect(f"{reverse('executions')}?{request.GET.urlencode()}")
    person: Any = request.user
    form = SavedViewForm(request.POST or None, person=person, instance=SavedView(person=person, query=query))
    if request.method == "POST" and form.is_valid():
        if len(query) > LONGEST_QUERY:
            form.add_error(None, "These filters are too long to be kept.")
        elif SavedView.objects.filter(person=person).count() >= MOST_OWN:
            form.add_error(None, f"You have {MOST_OWN} views: delete one first.")
        elif _is_saved(request, form, was_shared=False):
            return redirect(f"{reverse('executions')}?{query}")
    return _page(request, form, filters.chips)


@require_http_methods(["GET", "HEAD", "POST"])
def view_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Renames a view, shares it or not, and has it open first or not."""
    person: Any = request.user
    view = get_or_404(person, changeable(person), pk)
    was_shared = view.is_shared
    form = SavedViewForm(request.POST or None, person=person, instance=view)
    if request.method == "POST" and form.is_valid() and _is_saved(request, form, was_shared=was_shared):
        return redirect(f"{reverse('executions')}?{view.query}")
    return _page(request, form, ExecutionFilterForm(QueryDict(view.query)).chips)


@require_POST
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a view; its address goes on working for whoever has it."""
    person: Any = request.user
    view = get_or_404(person, changeable(person), pk)
    with transaction.atomic():
        if view.is_shared:
            _write_down(request, "view.delete", view)
        view.delete()
    messages.success(request, "The view is deleted.")
    return redirect(f"{reverse('executions')}?{EVERYTHING}")


def _is_saved(request: HttpRequest, form: SavedViewForm, *, was_shared: bool) -> bool:
    """Saves the view of a valid form; False, with an error in the form, where another one was saved meanwhile."""
    view: SavedView = form.instance
    try:
        with transaction.atomic():
            if view.is_default:
                others = SavedView.objects.filter(person=view.person_id, is_default=True).exclude(pk=view.pk)
                others.update(is_default=False)
            view.save()
            if view.is_shared or was_shared:
                _write_down(request, "view.share" if view.is_shared else "view.unshare", view)
    except IntegrityError:
        form.add_error(None, "Another view was saved at the same moment: look at the list, and save again.")
        return False
    messages.success(request, "The view is saved.")
    return True


def _write_down(request: HttpRequest, action: str, view: SavedView) -> None:
    # What is looked for in texts may be personal: the names of the filters are enough.
    filters = ", ".join(sorted(QueryDict(view.query)))
    detail = {"name": view.name, "filters": filters}
    audit.record(request.user, action, view, now=timezone.now(), detail=detail)  # type: ignore[arg-type]


def _page(request: HttpRequest, form: SavedViewForm, chips: list[Chip]) -> HttpResponse:
    status = 400 if request.method == "POST" else 200
    return render(request, PAGE, {"form": form, "chips": chips, "view": form.instance}, status=status)
