"""
The hook service of buildless Functions and its command line.

app.py                 HTTP layer: routes, error responses, the clock, the log
plain_requests.py      WSGI layer that answers the hooks' plain requests before Flask
worker.py              gunicorn worker: many connections, one request at a time
connection.py          one connection and its deadlines
sync.py                sync(), finalize(), customize(): validate, resolve, build, report
protocol.py            requests and responses of Metacontroller's hooks
previous_status.py     the valid parts of the previous status
records.py             last-applied records, and responses that leave a child unchanged
sources.py             what Flux has fetched: which artifact counts
same_content.py        keeps the pods when a new commit has the same content
conversion_review.py   requests of the API server's conversion webhook
convert.py             Functions of v1alpha2 as v2alpha1 and back
moved_fields.py        the fields that have other places in v2alpha1
function.py            models of the Function CRD
core_v1.py             the core/v1 types in a Function's spec
patterns.py            the patterns of texts, with words for messages
validation_errors.py   pydantic's errors as messages like the API server's
rules/                 every rule, and which component enforces it first
kubernetes_names.py    the names that Kubernetes accepts
pod_annotations.py     the annotations of a pod that Kubernetes reads
admission.py           the admission policies of a config
config.py              the operator's settings (config_types.py, config_texts.py, config_rules.py)
resolved.py            ResolvedFunction: a Function with every default applied
flux.py                the GitRepository that a Function needs
resolve.py             resolve(): applies the defaults
resources.py           requests and limits
environment.py         environment variables
runtimes.py            how the server of each language starts
fetched_scripts.py     the scripts for sources that Flux fetches
naming.py              every name, label, selector and annotation key
children/              KINDS: a row and a module for each kind of child
harmful_additions.py   the fields that are removed from a child if another component adds them
remove_additions.py    removes these fields in two responses
policy_additions.py    those that an admission policy adds on every write, and that stay
reorder_env.py         restores the order of environment variables
references.py          Secrets and ConfigMaps that a Function references
customize.py           the related objects that a sync needs
status/                a Function's status: conditions and their reasons
redact.py              another component's text as one line without credentials
manifest.py            accessors for observed objects, which may hold anything
quantity.py            quantities such as "250m" and "64Mi"
duration.py            durations such as "90s" and "1m30s"
trace.py               tracebacks without values
cli/                   one command per module

A module imports only from modules below it; tests/core/test_architecture.py holds the order.
"""

__version__ = "0.1.0"
