"""Says what is stored of retries in the language that is spoken now: why one was not sent, what became of it.

These sentences are written by the worker, in English, all over this package. Their forms stand here together.
"""

from __future__ import annotations

from monitor import sentences
from monitor.languages import gettext_noop
from monitor.retry.safety import REASONS, RERUNS

FORMS: tuple[str, ...] = (
    # a wish that was not sent, or waits
    gettext_noop("Nothing was sent: its policy must not go on. %(why)s"),
    gettext_noop("Nothing was sent: Zoho answers for another organisation than this account's."),
    gettext_noop("Nothing was sent: this process was too slow to send it"),
    gettext_noop("Nothing was sent for an hour: ask again if it is still wanted."),
    gettext_noop("Nothing was sent: %(why)s"),
    gettext_noop("Zoho did not take it for an hour: ask again if it is still wanted."),
    gettext_noop("Waiting: Zoho answers slowly."),
    gettext_noop("Waiting: %(why)s"),
    gettext_noop("Called off before it was sent."),
    gettext_noop("The person who asked for it may no longer retry."),
    gettext_noop("Zoho no longer has this execution."),
    gettext_noop("Zoho now shows execution %(run)s as “%(status)s”."),
    gettext_noop("Zoho has run it again since it was judged, and it failed again."),
    # what became of one that was sent
    gettext_noop("Zoho took it."),
    gettext_noop("Zoho took it, but shows no trace of it."),
    gettext_noop("It ran and succeeded (%(why)s)."),
    gettext_noop("It ran and failed again (%(why)s)."),
    gettext_noop("the run it caused"),
    gettext_noop("the original has become a success"),
    gettext_noop("the only new run with the same trigger data"),
    gettext_noop("the original has failed again"),
    gettext_noop("Zoho's answer does not tell whether it ran: %(why)s"),
    gettext_noop("The answer was lost: %(why)s"),
    gettext_noop("The process that was sending it ended before it could note the answer."),
    gettext_noop("Closed by %(who)s: it did not run."),
    gettext_noop("Settled by %(who)s: it ran as %(run)s."),
    # batches
    gettext_noop("The batch was cancelled."),
    gettext_noop("Its batch does not go on: nothing was sent."),
    gettext_noop("Half or more of the first step did not succeed: %(n)s of %(of)s failed or stayed unknown."),
    gettext_noop("Half or more of the second step did not succeed: %(n)s of %(of)s failed or stayed unknown."),
    gettext_noop("Half or more of the rest did not succeed: %(n)s of %(of)s failed or stayed unknown."),
    gettext_noop("The person who asked for it may no longer retry many at once."),
    gettext_noop("The run is no longer kept here."),
    gettext_noop("The flow was changed after the preview."),
    gettext_noop("%(who)s has retried it since the preview."),
    gettext_noop("It was written off."),
    # policies
    gettext_noop("Its policy was switched off: nothing was sent."),
    gettext_noop("The person who set its policy may no longer do so: nothing was sent."),
    gettext_noop("Its failure is no longer open: nothing was sent."),
    gettext_noop("Its failure no longer belongs to its policy's problem: nothing was sent."),
    gettext_noop("The person who set it may no longer do so."),
    gettext_noop("Its problem was merged into another one, whose failures nobody said this for."),
    gettext_noop("Another problem was merged into its own: nobody said that for the failures of that one."),
    gettext_noop("It could still run twice: the policy waits."),
    gettext_noop("Policy “%(name)s”: retry %(n)s of %(of)s"),
    # refusals
    gettext_noop("A retry of this execution is already open."),
    gettext_noop("You may not retry executions."),
    gettext_noop("%(why)s Only an admin may accept that."),
    gettext_noop("%(why)s Confirm the risk to retry anyway."),
    gettext_noop("%(why)s That was not among what was accepted."),
    *REASONS.values(),
    *RERUNS.values(),
)


def say(sentence: str) -> str:
    """Says a stored sentence about a retry, a batch or a policy; what is Zoho's or a person's stays as it is.

    Args:
        sentence: as it is stored, masked where it may name people.
    """
    return sentences.say(sentence, FORMS)
