"""Zoho's own SDK against the stand-in: a client that none of us wrote."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime

import pytest
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import BodyWrapper as BulkBody
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import BulkReadOperations, Query
from zohocrmsdk.src.com.zoho.crm.api.coql import APIException as CoqlProblem
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as CoqlBody
from zohocrmsdk.src.com.zoho.crm.api.coql import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule, ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.notifications import BodyWrapper as WatchBody
from zohocrmsdk.src.com.zoho.crm.api.notifications import (
    DeleteNotificationParam,
    Notification,
    NotificationsOperations,
    SuccessResponse,
)
from zohocrmsdk.src.com.zoho.crm.api.org import APIException as OrgProblem
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.timelines import TimelinesOperations
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations

from standin.build import Credentials


@pytest.fixture
def started(sdk, refresh_token):
    """The SDK, signed in by refresh token."""
    sdk.start(refresh_token())
    yield sdk
    assert sdk.url == sdk.base_url


def with_params(*pairs):
    params = ParameterMap()
    for param, value in pairs:
        params.add(param, value)
    return params


def org():
    return OrgOperations().get_organization()


# -- tokens


def test_a_token_comes_by_refresh_and_is_kept_by_the_sdks_own_store(sdk, refresh_token, app):
    token = sdk.start(refresh_token())
    assert token.get_access_token() in app.world.tokens.access
    assert int(token.get_expires_in()) > datetime.now(UTC).timestamp() * 1000 + 3_500_000
    assert app.ledger.token_posts == {"issued": 1}
    assert org().get_status_code() == 200
    assert app.ledger.token_posts == {"issued": 1}


def test_a_token_comes_by_grant_code_and_then_by_its_refresh_token(sdk, refresh_token, app):
    code = app.world.tokens.mint_code("ZohoCRM.org.ALL,ZohoCRM.users.ALL")
    token = sdk.start(refresh_token(grant_token=code))
    assert token.get_refresh_token() in app.world.tokens.refresh
    assert token.get_refresh_token() != Credentials().refresh_token
    assert org().get_status_code() == 200
    again = sdk.start(refresh_token(refresh_token=token.get_refresh_token()))
    assert again.get_access_token() in app.world.tokens.access


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"refresh_token": "1000.wrong"}, "invalid_code"),
        ({"grant_token": "1000.wrong"}, "invalid_code"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)
def test_a_refused_token_is_an_error_of_the_sdk(sdk, refresh_token, changes, word):
    with pytest.raises(SDKException, match=word):
        sdk.start(refresh_token(**changes))


def test_the_throttle_that_comes_as_http_200_is_an_error_of_the_sdk(sdk, refresh_token, app):
    app.faults.push({"path": "/oauth/v2/token", "kind": "token_throttle"})
    with pytest.raises(SDKException, match="Access Denied"):
        sdk.start(refresh_token())


# -- what the SDK has classes for


def test_the_organisation_is_read(started):
    found = org().get_object().get_org()[0]
    assert found.get_license_details().get_paid_type()
    assert found.get_time_zone()
    assert found.get_zgid().isdecimal()


def test_the_user_is_read_alone_and_among_others(started):
    me = UsersOperations().get_users(with_params((GetUsersParam.type, "CurrentUser"))).get_object().get_users()
    everybody = UsersOperations().get_users(with_params((GetUsersParam.type, "AllUsers"))).get_object().get_users()
    assert len(me) == 1
    assert me[0].get_id() in {one.get_id() for one in everybody}
    assert me[0].get_email().endswith("@example.com")


def test_find_user_which_the_sdk_does_by_default_finds_one(sdk, refresh_token):
    token = sdk.start(refresh_token(find_user=True))
    email, zgid = token.get_user_signature().get_name().split(":")
    assert email.endswith("@example.com")
    assert zgid == org().get_object().get_org()[0].get_zgid()


def test_modules_and_fields_are_read(started):
    modules = ModulesOperations().get_modules().get_object().get_modules()
    assert {"Leads", "Deals"} <= {one.get_api_name() for one in modules}
    deals = ModulesOperations().get_module_by_api_name("Deals").get_object().get_modules()[0]
    assert deals.get_plural_label() == "Deals"
    fields = FieldsOperations().get_fields(with_params((GetFieldsParam.module, "Leads"))).get_object().get_fields()
    assert "Email" in {one.get_api_name() for one in fields}


def test_a_query_gives_rows_nothing_or_a_problem(started):
    def ask(text):
        body = CoqlBody()
        body.set_select_query(text)
        return CoqlOperations().get_records(body)

    rows = ask("select Last_Name, Email from Leads limit 3").get_object()
    assert [bool(row.get_key_value("Last_Name")) for row in rows.get_data()] == [True] * 3
    assert rows.get_info().get_count() == 3
    assert ask("select id from Leads where Email = 'nobody'").get_status_code() == 204
    problem = ask("drop table Leads").get_object()
    assert isinstance(problem, CoqlProblem)
    assert problem.get_code().get_value() == "SYNTAX_ERROR"


def test_a_channel_is_opened_listed_and_closed(started):
    wish = Notification()
    wish.set_channel_id("1000000068001")
    wish.set_events(["Leads.create"])
    wish.set_notify_url("https://monitor.example.com/in")
    wish.set_token("t")
    body = WatchBody()
    body.set_watch([wish])
    opened = NotificationsOperations().enable_notifications(body)
    assert opened.get_status_code() == 201
    result = opened.get_object().get_watch()[0]
    assert isinstance(result, SuccessResponse)
    assert result.get_code().get_value() == "SUCCESS"
    assert NotificationsOperations().update_notifications(body).get_status_code() == 200
    listed = NotificationsOperations().get_notifications().get_object().get_watch()
    assert [one.get_channel_id() for one in listed] == ["1000000068001"]
    closing = with_params((DeleteNotificationParam.channel_ids, "1000000068001"))
    assert NotificationsOperations().delete_notification(closing).get_status_code() == 200
    assert NotificationsOperations().get_notifications().get_status_code() == 204


def test_the_timeline_of_a_record_is_read(started):
    answers = [TimelinesOperations().get_timelines("Deals", deal) for deal in ids_of_deals()]
    rows = [row for answer in answers if answer.get_status_code() == 200 for row in answer.get_object().get_timeline()]
    assert {row.get_source() for row in rows} == {"workflow"}
    assert all(row.get_automation_details().get_rule().get_name() for row in rows)


def ids_of_deals():
    body = CoqlBody()
    body.set_select_query("select id from Deals limit 8")
    return [str(row.get_id()) for row in CoqlOperations().get_records(body).get_object().get_data()]


def test_records_are_read_in_bulk(started, app, tmp_path):
    query, module, body = Query(), MinifiedModule(), BulkBody()
    module.set_api_name("Leads")
    query.set_module(module)
    query.set_fields(["Email"])
    body.set_query(query)
    made = BulkReadOperations().create_bulk_read_job(body)
    job = made.get_object().get_data()[0].get_details()["id"]
    app.world.clock.advance(30)
    details = BulkReadOperations().get_bulk_read_job_details(int(job)).get_object().get_data()[0]
    assert details.get_state().get_value() == "COMPLETED"
    file = BulkReadOperations().download_result(int(job)).get_object().get_file()
    (tmp_path / "result.zip").write_bytes(b"".join(file.get_stream()))
    with zipfile.ZipFile(tmp_path / "result.zip") as archive:
        assert len(archive.read(archive.namelist()[0]).splitlines()) == 251


# -- what goes wrong


@pytest.mark.parametrize(("status", "kind"), [(401, "invalid_token"), (403, "no_permission"), (429, "rate_limited")])
def test_an_error_of_the_stand_in_is_one_that_the_sdk_can_read(started, app, status, kind):
    app.faults.push({"path": "/crm/", "kind": kind})
    answer = org()
    assert answer.get_status_code() == status
    assert isinstance(answer.get_object(), OrgProblem)
    assert answer.get_object().get_code().get_value().isupper()


def test_without_our_guard_the_sdk_would_leave_for_the_host_that_a_token_names(sdk, refresh_token, app, refused_hosts):
    app.world.habits = app.world.habits.changed(own_api_domain=False)
    token = sdk.start(refresh_token(), follow_api_domain=True)
    assert token.get_api_domain() == "https://www.zohoapis.com"
    assert org().get_status_code() == 200  # its address was made before the SDK looked at the token
    with pytest.raises(SDKException):
        org()
    assert sdk.url == "https://www.zohoapis.com"
    assert set(refused_hosts) == {"www.zohoapis.com"}
