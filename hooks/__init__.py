"""
The hook service of buildless Functions: JSON in, JSON out.

app.py       HTTP, the clock, the log                           worker.py       many clients, one request at a time
protocol.py  what Metacontroller asks and what it is answered
sync.py      the story: validate, resolve, build, report
function.py  a Function as written, like crds/functions.yaml    config.py       what an operator may choose
fragments.py Kubernetes' own pieces of a spec                   faults.py       what pydantic finds, in users' words
rules/       every rule, and what enforces it first             admission.py    what config decides, as a policy
resolve.py   every default in the house                         sizing.py       requests and limits
meta.py      every name, label and selector                     environment.py  variables, byte for byte
children/    KINDS: a row and a module for each kind            quantity.py     "250m", "64Mi"
status/      the conditions of a Function, and why              redact.py       a text of others as one safe line
related.py   what is sent along: pods ...                       connection.py   one client of them, with its deadlines
drift.py     removes what merging with Metacontroller keeps      runtimes.py     how a language starts
additions.py which additions of others are removed
cli/         one command per module

Doors open downwards only; tests/core/test_architecture.py holds the order.
"""

__version__ = "0.1.0"
