"""Is a Zoho of our own: accounts server, Zoho Flow and Zoho CRM on one loopback port.

Written from Zoho's documents and our own account of them (docs/reference), independently of the client in
monitor.zoho: neither imports the other, so that an error in reading shows up as a disagreement. As a Django app it
brings two commands, `standin` and `demo`; but for these and `standin.demo` it knows no Django.

`standin.build` makes one: `make_world`, `make_app`, `serving`. Nothing is imported here, since Django imports this
module in every process of the product.

- `world`: the organisation; `flow`, `crm` and `accounts` hold its parts, each with its interface in `*_api`.
- `journaled`, `journal`: whatever changes the organisation goes through `World.do`, and with `state=FILE` into a
  journal that is repeated after a restart. The same (seed, beginning) gives the same flows, runs and ids whatever is
  asked for in which order; history is made up to the clock's time when it is asked for.
- `habits`: Zoho's oddities, each of which can be switched: `world.habits = world.habits.changed(retries="fail")`.
- `flow.goes_bad`: a flow that goes bad. `what_goes_wrong`: everything that can happen to the organisation, by name.
- `faults`: what goes wrong on the way: `app.faults.push({"path": "/executions", "kind": "rate_limited", "times": 2})`,
  or by story: `standin.what_goes_wrong.begin("f10-slow-drip", world, app.faults)`. What happens to the socket itself
  needs a real one; in process it is a ConnectionResetError. `closed_port()` and `black_hole()` are addresses at which
  nobody answers.
- `web`: requests, replies, routes, limits, ledger, callbacks, the control endpoint /_control/* and the server.
- `demo`: the product shown with this Zoho: its story, people, settings and processes.
"""
