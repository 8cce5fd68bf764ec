"""Real processes and one token: a stampede makes one renewal, a killed renewer holds nobody up for long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict

import pytest
from cryptography.fernet import Fernet

from standin.build import Credentials, serving
from tests.conformance.places import make_place
from tests.realprocess import ROOT, throw_away_database

pytestmark = [pytest.mark.deep, pytest.mark.xdist_group("renewers")]

COUNT = 16


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What the processes of `renewers` told, and the stand-in that they asked."""
    app = make_place()
    folder = tmp_path_factory.mktemp("renewers")
    with throw_away_database(folder) as url, serving(app) as base_url:
        environ = os.environ | {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "DEBUG": "1",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PYTHONPATH": str(ROOT),
        }
        given = json.dumps(asdict(Credentials()) | {"base_url": base_url, "count": COUNT})
        done = subprocess.run(
            [sys.executable, "-m", "tests.connection.renewers", given],
            cwd=ROOT,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), app


def test_sixteen_processes_that_meet_an_expired_token_make_one_renewal(outcome):
    told, app = outcome
    assert len(told["tokens"]) == COUNT
    assert len(set(told["tokens"])) == 1, set(told["tokens"])
    assert told["tokens"][0].startswith("1000.")
    # The two others are the killed process's and its successor's.
    assert app.ledger.token_posts == {"issued": 1 + 2}


def test_a_renewer_killed_between_answer_and_saving_leaves_a_usable_token_within_a_minute(outcome):
    told, app = outcome
    assert told["killed_by"] == signal.SIGKILL
    assert told["after"]["token"] in app.world.tokens.access
    assert told["after"]["token"] != told["tokens"][0]
    assert 25 < told["after"]["waited"] <= 60
