"""A Zoho of our own: accounts server, Zoho Flow and Zoho CRM on one loopback port.

Written from the documents only (seeds and notes/zoho-api), independently of the client in monitor.zoho:
neither imports the other, so that an error in reading shows up as a disagreement. It knows no Django.

In a test, in process::

    clock = SettableClock(datetime(2025, 6, 2, 9, tzinfo=UTC))
    world = make_world(seed=7, clock=clock, flows=5, rules=3, executions=400)
    app = make_app(world, plan="standard")          # credentials: Credentials() unless given
    http = httpx.Client(transport=httpx.WSGITransport(app), base_url="http://127.0.0.1")

or over a real socket::

    with serving(app) as base_url:                  # accounts, Flow and CRM share this origin
        ...

Paths: /oauth/v2/*, /api/v1/* (Flow), /crm/v8/* (CRM), /_control/* (needs the control token in the header
X-Standin-Control; see `standin.web.control`). The same (seed, beginning) gives the same flows, runs
and ids whatever is asked for in which order; history is made up to the clock's time when it is asked for.
What changes the world goes through `World.do` and, with `state=FILE`, into a journal that is replayed.

Faults: `app.faults.push({"path": "/executions", "kind": "rate_limited", "times": 2, "args": {...}})`, or by
story: `standin.stories.begin("f10-slow-drip", world, app.faults)`. What happens to the socket itself
needs a real one; in process it is a ConnectionResetError. `closed_port()` and `black_hole()` are addresses
at which nobody answers. The dialect is chosen when the app is made: it decides which addresses exist.
Oddities: `world.habits = world.habits.changed(retry_answers="same-id")`.
"""

from standin.clock import OffsetClock, SettableClock, system_clock
from standin.habits import Habits, habits_for
from standin.journal import JournalError
from standin.web.app import App, make_app
from standin.web.limits import PLANS
from standin.web.oauth_api import Credentials
from standin.web.server import StandinServer, serving
from standin.web.traps import black_hole, closed_port
from standin.world import World, make_world

__all__ = [
    "PLANS",
    "App",
    "Credentials",
    "Habits",
    "JournalError",
    "OffsetClock",
    "SettableClock",
    "StandinServer",
    "World",
    "black_hole",
    "closed_port",
    "habits_for",
    "make_app",
    "make_world",
    "serving",
    "system_clock",
]
