"""
The hook service of buildless Functions and its command line.

app.py                 HTTP layer: routes, error responses, the clock, the log
worker.py              gunicorn worker: many connections, one request at a time
connection.py          one connection and its deadlines
sync.py                sync(), finalize(), customize(): validate, resolve, build, report
protocol.py            requests and responses of Metacontroller's hooks
previous_status.py     the parts of the previous status that can be parsed
records.py             last-applied records, and responses that leave a child unchanged
function.py            models of the Function CRD
core_v1.py             types of Kubernetes' core/v1 in a Function's spec
validation_errors.py   pydantic's errors as messages like the API server's
rules/                 every rule, and which component enforces it first
kubernetes_names.py    the names that Kubernetes accepts
pod_annotations.py     the annotations of a pod that Kubernetes reads
admission.py           the admission policies of a config
config.py              what an operator may choose (config_types.py, config_texts.py, config_rules.py)
resolved.py            ResolvedFunction: a Function with no gap left, in groups
resolve.py             resolve(): fills the gaps
resources.py           requests and limits
environment.py         environment variables
runtimes.py            how the server of each language starts
naming.py              every name, label, selector and annotation key
children/              KINDS: a row and a module for each kind of child
harmful_additions.py   fields whose additions by other components are removed
remove_additions.py    removes those additions in two responses
reorder_env.py         restores the order of environment variables
references.py          Secrets and ConfigMaps that a Function references
customize.py           the related objects that a sync needs
status/                a Function's status: conditions and their reasons
redact.py              another component's text as one line without credentials
manifest.py            accessors for observed objects, which may hold anything
quantity.py            "250m", "64Mi"
trace.py               tracebacks without values
cli/                   one command per module

A module imports only from modules below it; tests/core/test_architecture.py holds the order.
"""

__version__ = "0.1.0"
