"""Zoho's limits in days and tokens, each set to another number than Zoho's."""

from datetime import timedelta

from tests.standin.client import BEGINNING, CONTROL, flow_id, token_form

FAILURES = "/settings/automation/webhook_failures"


def changed(app, **habits):
    app.world.habits = app.world.habits.changed(**habits)


def test_failed_rows_may_come_without_their_trigger_data(client, app):
    flow = flow_id(app, "sick")
    client.failed(flow)
    assert "trigger_data" in client.rows(flow, status="failed", per_page=1)[0]
    changed(app, failed_rows_carry_trigger_data=False)
    assert "trigger_data" not in client.rows(flow, status="failed", per_page=1)[0]


def test_fewer_refresh_tokens_may_live(client, app):
    changed(app, live_refresh_tokens=2)
    for _ in range(2):
        code = client.post("/_control/grant", json={}, headers=CONTROL).json()["code"]
        client.post("/oauth/v2/token", data=token_form(grant_type="authorization_code", code=code))
    assert client.post("/oauth/v2/token", data=token_form()).json() == {"error": "invalid_code"}


def test_webhook_failures_may_reach_back_shorter(client, app):
    today = BEGINNING.date()

    def since(days):
        return client.crm(FAILURES, params={"from": str(today - timedelta(days=days)), "to": str(today)})

    def newest_and_oldest():
        rows = client.crm(FAILURES, params={"per_page": 200}).json()["webhook_failures"]
        times = sorted(row["failure_time"][:10] for row in rows)
        return times[-1], times[0]

    assert newest_and_oldest()[1] < str(today - timedelta(days=10))
    assert since(60).status_code == 200
    changed(app, webhook_failure_default_days=7, webhook_failure_max_days=40)
    assert newest_and_oldest()[1] >= str(today - timedelta(days=8))
    assert since(60).status_code == 400


def test_channels_may_live_shorter(client, app):
    def lives_on(days):
        wish = {"channel_id": "1", "events": ["Leads.create"], "notify_url": "https://me.example.com/in", "token": "t"}
        wish["channel_expiry"] = (BEGINNING + timedelta(days=days)).isoformat()
        event = client.crm("/actions/watch", "POST", json={"watch": [wish]}).json()["watch"][0]["details"]["events"][0]
        return not event["channel_expiry"].startswith(BEGINNING.date().isoformat())

    assert lives_on(3)
    changed(app, watch_max_days=1)
    assert not lives_on(3)
