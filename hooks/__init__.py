"""
The hook service of buildless Functions and its command line.

app.py                 HTTP: routes, error responses, the clock, the log
worker.py              gunicorn worker: many connections, one request at a time
connection.py          one connection and its deadlines
sync.py                sync(), finalize(), customize(): validate, resolve, build, report
protocol.py            requests and responses of Metacontroller's hooks
previous_status.py     what of the old status can be read
records.py             last-applied records, and the children of a frozen Function
function.py            a Function as written, like crds/functions.yaml
core_v1.py             types of Kubernetes' core/v1 within a Function
validation_errors.py   pydantic's errors in the API server's words
rules/                 every rule, and which component enforces it first
kubernetes_names.py    the names that Kubernetes accepts
pod_annotations.py     the annotations of a pod that Kubernetes reads
admission.py           the admission policies of a config
config.py              what an operator may choose (config_types.py, config_texts.py, config_rules.py)
resolve.py             every default of a Function
resources.py           requests and limits
environment.py         environment variables
runtimes.py            how a language starts
naming.py              every name, label and selector
children/              KINDS: a row and a module for each kind
additions.py           which additions of others to a child are removed
drift.py               removes what Metacontroller's merge keeps
reorder.py             restores the order of environment variables
references.py          Secrets and ConfigMaps that a Function names
customize.py           which related objects a sync needs
status/                the conditions of a Function, and their reasons
redact.py              another component's text as one safe line
manifest.py            accessors for objects that others wrote
quantity.py            "250m", "64Mi"
trace.py               tracebacks without values
cli/                   one command per module

A module imports only from modules below it; tests/core/test_architecture.py holds the order.
"""

__version__ = "0.1.0"
