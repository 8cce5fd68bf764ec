"""`dumpdata` prints no secret in any format, and leaves the models as they were."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from django_q.tasks import async_task

from monitor.management.commands.dumpdata import is_secret
from monitor.models import ApiToken, HookEndpoint, Secret, User, ZohoAccount
from tests import factories


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["json", "jsonl", "xml"])
@pytest.mark.parametrize(
    "labels", [(), ("monitor", "sessions"), ("monitor.ApiToken", "monitor.User", "sessions.Session")]
)
def test_no_secret_is_printed(form: str, labels: tuple[str, ...]) -> None:
    account = factories.make_account(client_secret="canary-client")
    ApiToken.objects.filter(account=account).update(access_token="canary-access", refresh_token="canary-refresh")
    hook = HookEndpoint(account=account, name="h", key_hash="canary-hash", created_at=timezone.now())
    hook.secret_list = [Secret("canary-hook", timezone.now())]
    hook.save()
    person = User.objects.create_user("quilla", password="canary-password")
    Session.objects.create(session_key="canary-session", session_data="canary", expire_date=timezone.now())
    async_task("monitor.tasks.canary", "canary-task")
    out = io.StringIO()
    call_command("dumpdata", *labels, format=form, stdout=out)
    assert "canary-" not in out.getvalue()
    assert person.password not in out.getvalue()
    assert "gAAAA" not in out.getvalue()
    if not labels and form == "json":
        shown = json.loads(out.getvalue())
        assert {"name", "client_id"} <= next(
            one["fields"] for one in shown if one["model"] == "monitor.zohoaccount"
        ).keys()


@pytest.mark.django_db
def test_a_field_is_left_out_by_the_command_alone() -> None:
    call_command("dumpdata", "auth", stdout=io.StringIO())
    field = ZohoAccount._meta.get_field("client_secret")
    assert is_secret(field)
    assert field.serialize
    assert not is_secret(ZohoAccount._meta.get_field("name"))
