"""Hands one message over to its service, within a total time, and returns the answer without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from monitor.notify.channels import services
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.notify.channels.webhook import post_webhook
from monitor.public_addresses import PrivateHosts

SECONDS = 12.0  # for one message, all in all
START_SECONDS = 8.0  # that a process may take beside that on a busy machine
CHILD = "monitor.notify.channels.child"
# Of our own environment the child gets what a program needs to run and to know certificates; no proxy, no secret.
_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PYTHONPATH", "VIRTUAL_ENV")


def post(parcel: Parcel, now: datetime) -> ChannelAnswer:
    """Hands one message over. Whatever goes wrong is an answer.

    Args:
        parcel: the message.
        now: the present.
    """
    private_hosts: PrivateHosts = settings.CHANNEL_PRIVATE_HOSTS
    if parcel.service == "webhook":
        answer = post_webhook(parcel, private_hosts=private_hosts, seconds=SECONDS, now=now)
    else:
        answer = _post_by_child(parcel, private_hosts)
    secrets = services.secrets_in(services.SERVICES[parcel.service], parcel.fields, parcel.signing)
    return replace(answer, words=services.without(secrets, answer.words))


def _post_by_child(parcel: Parcel, private_hosts: PrivateHosts) -> ChannelAnswer:
    """Runs apprise in a process of its own: the deadline is total, and it holds no memory and no socket afterwards."""
    # Title and lines are short; what is for programs goes to webhooks alone.
    order = replace(parcel, payload={}).dumps(private_hosts=private_hosts.entries(), seconds=SECONDS)
    try:
        done = subprocess.run(  # noqa: S603 - our own module, under our own interpreter
            [sys.executable, "-m", CHILD],
            input=order.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may hold a secret
            timeout=SECONDS + START_SECONDS,
            cwd=settings.BASE_DIR,
            # A ~/.netrc would take the place of a channel's own token.
            env={name: os.environ[name] for name in _KEPT if name in os.environ} | {"NETRC": os.devnull},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ChannelAnswer(is_taken=False, fault="no answer in time", may_have_arrived=True)
    except OSError as error:
        return ChannelAnswer(is_taken=False, fault=f"no process could be started ({type(error).__name__})")
    try:
        return ChannelAnswer.loads(done.stdout.decode())
    except ValueError:
        # It may have been ended at any moment, for instance for want of memory.
        return ChannelAnswer(is_taken=False, fault="the sending process ended early", may_have_arrived=True)
