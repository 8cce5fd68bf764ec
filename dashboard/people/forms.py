"""Asks for what a person may do, and for one's own profile."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Any

from allauth.account.forms import ChangePasswordForm
from django import forms
from django.http import HttpRequest
from django.utils import timezone

from dashboard.people.attempts import PasswordAttempt
from monitor import languages
from monitor.access import RIGHTS, may
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Digest, Role, User
from monitor.models.people import Weekday
from monitor.notify.kinds import KINDS
from monitor.notify.kinds.kind import MailKind
from monitor.queries.people import other_admins

DIGEST_FIELDS = ("digest_hour", "digest_weekday", "wants_empty_digests")


@lru_cache(maxsize=1)
def time_zones() -> list[tuple[str, str]]:
    """Lists every named time zone, UTC first."""
    names = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class EmailMixin:
    """Refuses an e-mail address that somebody else has, however it is written."""

    instance: User
    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Somebody else has this address already."))
        return email


def _roles() -> list[tuple[str, str]]:
    return [(value, _(label)) for value, label in Role.choices]


class NewPersonForm(EmailMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Asks for a person who may sign in from now on."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=_roles, initial=Role.VIEWER)
    email = forms.EmailField(label=gettext_lazy("E-mail address"), help_text=gettext_lazy("Mails go there."))

    class Meta:
        model = User
        fields = ["username", "email", "role"]
        labels = {"username": gettext_lazy("Username")}

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError(_("This name is taken."))
        return username


class PersonForm(EmailMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Asks for what an admin may change of a person.

    Args:
        by: who changes it: nobody takes their own rights away, and the last admin stays one.
    """

    email = forms.EmailField(label=gettext_lazy("E-mail address"))
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=_roles)

    class Meta:
        model = User
        fields = ["email", "role", "is_active"]
        labels = {"is_active": gettext_lazy("May sign in")}
        help_texts = {"is_active": ""}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if self.instance.is_superuser:
            self.fields["role"].disabled = True
            self.fields["role"].help_text = _("A superuser is an admin whatever stands here.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        before = User.objects.get(pk=self.instance.pk)
        stays_admin = data.get("is_active") and (before.is_superuser or data.get("role") in RIGHTS["users"])
        if may(before, "users") and not stays_admin:
            if before.pk == self.by.pk:
                raise forms.ValidationError(_("You cannot take your own admin rights away; another admin can."))
            if not other_admins(before).exists():
                raise forms.ValidationError(_("This is the last admin: make somebody else an admin first."))
        return data


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for what a person sets for themselves."""

    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=time_zones,
        help_text=gettext_lazy("Times on the pages are shown in it."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=lambda: [("", _("As the browser asks")), *languages.LANGUAGES],
        required=False,
        help_text=gettext_lazy("Of the pages. Not all of them are there in German yet."),
    )
    digest_hour = forms.TypedChoiceField(
        label=gettext_lazy("Digests come at"),
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        coerce=int,
        required=False,
        help_text=gettext_lazy("By the clock of your time zone; also the mail that says that the monitor is alive."),
    )

    class Meta:
        model = User
        fields = ["language", "timezone", "single_keys", "wants_mail", *DIGEST_FIELDS]
        labels = {
            "single_keys": gettext_lazy("Single keys act anywhere on a page"),
            "wants_mail": gettext_lazy("Send me mails about alerts"),
            "digest_weekday": gettext_lazy("The weekly one comes on"),
            "wants_empty_digests": gettext_lazy("Send me digests also where there is nothing to say"),
        }
        help_texts = {
            "single_keys": gettext_lazy(
                "Such as g o for the overview; Ctrl K lists them. Switch them off if you use speech input."
            ),
            "wants_empty_digests": "",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = [kind for kind in KINDS.values() if may(self.instance, kind.right)]
        clocked = [self.fields.pop(name) for name in DIGEST_FIELDS]
        for kind in self.kinds:
            wanted = kind.name not in self.instance.unwanted_mails
            self.fields[switch_of(kind)] = forms.BooleanField(label=_(kind.switch), required=False, initial=wanted)
        self.fields |= dict(zip(DIGEST_FIELDS, clocked, strict=True))
        self.fields["digest_weekday"].required = False
        self.fields["digest_weekday"].choices = [(day.value, _(day.label)) for day in Weekday]

    def clean_digest_hour(self) -> int:
        """Keeps the hour where none is sent."""
        hour = self.cleaned_data["digest_hour"]
        return self.instance.digest_hour if hour == "" else int(hour)

    def clean_digest_weekday(self) -> int:
        """Keeps the day where none is sent."""
        day = self.cleaned_data["digest_weekday"]
        return self.instance.digest_weekday if day in (None, "") else int(day)

    def clean(self) -> dict[str, Any]:
        """Takes the switches over into the person's row; those of mails that they cannot get stay as they are."""
        data = super().clean() or self.cleaned_data
        before = set(self.instance.unwanted_mails)
        shown = {kind.name: bool(data.get(switch_of(kind))) for kind in self.kinds}
        kept = [kind for kind in self.instance.unwanted_mails if kind not in shown]
        self.instance.unwanted_mails = kept + [name for name, is_wanted in shown.items() if not is_wanted]
        if (before - set(self.instance.unwanted_mails)) & set(Digest.Kind.values):
            # What was due before anybody asked for it is not sent.
            self.instance.digests_from = timezone.now()
        return data


def switch_of(kind: MailKind) -> str:
    """Returns the name of the field that switches a kind of mail on or off."""
    return f"wants_{kind.name}"


class OwnPasswordForm(ChangePasswordForm):  # type: ignore[misc]
    """Asks for a new password, which must be another one: a handed out one would else stay in use.

    Whoever came by somebody's open session may not guess here: each wrong present password counts as one at sign-in.
    """

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_oldpassword(self) -> str:
        """Looks at the present password, as far as limits let it.

        Raises:
            ValidationError: it is wrong, or it was tried too often.
        """
        attempt = PasswordAttempt.begin(
            self.request, self.user.get_username(), self.user, "person.change_password", self.user
        )
        try:
            present: str = super().clean_oldpassword()
        except forms.ValidationError:
            attempt.fail()
            raise
        attempt.succeed(self.user, is_remembered=False)
        return present

    def clean_password1(self) -> str:
        new: str = self.cleaned_data["password1"]
        # Held against the present one as it was given: to look at the stored one would let people guess here.
        if new == self.cleaned_data.get("oldpassword"):
            raise forms.ValidationError(_("This is the present password; choose another one."))
        return new
