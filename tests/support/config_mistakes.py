"""Configs that the hook refuses: the text of the file, and the message."""

import json

from hooks import kubernetes_names as names
from hooks.config import Config
from hooks.runtimes import FAMILIES

RESOURCE, IMAGE, NAME = names.RESOURCE_SHAPE, names.IMAGE_SHAPE, names.SUBDOMAIN_SHAPE
REGISTRY = "must be a host and a path, without a scheme or a trailing '/', such as registry.example.com/fn"
ADDRESS = "Invalid value: must be an http or https URL such as http://host:4318/path, or empty"
PATTERN = "must be an image reference, or a prefix of one followed by '*'"
RUNTIME = "must consist of a-z, 0-9 and '-', and start with a letter"
PROFILE = "must not contain ',', '=' or control characters"
QUANTITY = "must be a quantity such as 250m, 1.5 or 64Mi"
NO_SETTING = "Forbidden: there is no such setting"
BANDWIDTH = "kubernetes.io/egress-bandwidth"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/function"
OURS = "serverless.kyma-project.io/configs-version"
IN_PLACE = "Forbidden: Kubernetes reads it instead of the profiles in the security contexts of Functions"
TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerations"
BEGINNINGS = "serverless.kyma-project.io/ or kubernetes.io/config."
SUM = "Too long: the settings of a pod take"
FAMILY_NAMES = ", ".join(f'"{name}"' for name in sorted(FAMILIES))
NONE_LEFT = json.dumps(dict.fromkeys(Config().runtimes))
NO_PROFILES = "{XS: null, S: null, M: null, L: null, XL: null}"
LONG = "x" * 64

IN_SCHEMA: list[tuple[str, str]] = [
    # registry: the images of all runtimes
    ("registry: ghcr.io/acme/", f"registry: Invalid value: {REGISTRY}"),
    ("registry: https://ghcr.io/acme", f"registry: Invalid value: {REGISTRY}"),
    ("registry: ghcr.io//acme", f"registry: Invalid value: {REGISTRY}"),
    ("registry: ghcr.io/Acme", f"registry: Invalid value: {REGISTRY}"),
    ("registry: 'ghcr.io/acme '", f"registry: Invalid value: {REGISTRY}"),
    ("registry: 5", "registry: must be of type string"),
    # runtimes: each Function of one
    (f"runtimes: {NONE_LEFT}", "runtimes: should have at least 1 properties"),
    ("runtimes: []", "runtimes: must be of type object"),
    ("runtimes: {'python,3': {family: python, image: x}}", f'runtimes.python,3: Invalid value: "python,3": {RUNTIME}'),
    ("runtimes: {Py: {family: python, image: x}}", f'runtimes.Py: Invalid value: "Py": {RUNTIME}'),
    (
        f"runtimes: {{{LONG}: {{family: python, image: x}}}}",
        f"runtimes.{LONG}: Too long: may not be more than 63 bytes",
    ),
    (
        "runtimes: {go: {family: go, image: x}}",
        f'runtimes.go.family: Unsupported value: "go": supported values: {FAMILY_NAMES}',
    ),
    ("runtimes: {py: {family: python, image: ''}}", "runtimes.py.image: Required value"),
    ("runtimes: {nodejs22: {image: null}}", "runtimes.nodejs22.image: Required value"),
    ("runtimes: {py: {family: python, image: 'a b'}}", f'runtimes.py.image: Invalid value: "a b": {IMAGE}'),
    ("runtimes: {nodejs22: {deprecated: 'yes'}}", "runtimes.nodejs22.deprecated: must be of type boolean"),
    # profiles, minimumResources, install: the containers of each Function of a profile, or of those with packages
    ("profiles: {L: {limits: {mem: 1Gi}}}", f'profiles.L.limits.mem: Invalid value: "mem": {RESOURCE}'),
    ("profiles: {L: {requests: {GPU: 1}}}", f'profiles.L.requests.GPU: Invalid value: "GPU": {RESOURCE}'),
    ("profiles: {S: {limits: {cpu: much}}}", f'profiles.S.limits.cpu: Invalid value: "much": {QUANTITY}'),
    ("profiles: {S: {limits: {cpu: ''}}}", f'profiles.S.limits.cpu: Invalid value: "": {QUANTITY}'),
    ("profiles: {S: {limits: {cpu: 0.5}}}", "profiles.S.limits.cpu: must be of type integer,string"),
    ("profiles: {S: {limits: {cpu: true}}}", "profiles.S.limits.cpu: must be of type integer,string"),
    (
        "profiles: {S: {limits: {cpu: -1}}}",
        'profiles.S.limits.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ),
    ("profiles: {S: {requests: null}}", "profiles.S.requests: Required value"),
    ("profiles: {S: {limitz: {}}}", f"profiles.S.limitz: {NO_SETTING}"),
    (
        f"profiles: {{{LONG}: {{requests: {{}}, limits: {{}}}}}}",
        f"profiles.{LONG}: Too long: may not be more than 63 bytes",
    ),
    ("profiles: {'a,b': {requests: {}, limits: {}}}", f'profiles.a,b: Invalid value: "a,b": {PROFILE}'),
    ('profiles: {"a\\nb": {requests: {}, limits: {}}}', f'profiles.a\\nb: Invalid value: "a\\nb": {PROFILE}'),
    ("minimumResources: {cpu=: 1}", f'minimumResources.cpu=: Invalid value: "cpu=": {RESOURCE}'),
    ("minimumResources: {mem: 1Mi}", f'minimumResources.mem: Invalid value: "mem": {RESOURCE}'),
    ("install: {limits: {gpu: 1}}", f'install.limits.gpu: Invalid value: "gpu": {RESOURCE}'),
    (
        "install: {limits: {cpu: -1}}",
        'install.limits.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ),
    # volumes: of each Function
    ("volumeSizes: {tmp: -1Gi}", 'volumeSizes.tmp: Invalid value: "-1Gi": must be greater than or equal to 0'),
    ("volumeSizes: {tmp: 1Mib}", f'volumeSizes.tmp: Invalid value: "1Mib": {QUANTITY}'),
    ("volumeSizes: []", "volumeSizes: must be of type object"),
    # names of Secrets
    ("packageRegistryConfigSecretName: ''", "packageRegistryConfigSecretName: Required value"),
    ("packageRegistryConfigSecretName: A_b", f'packageRegistryConfigSecretName: Invalid value: "A_b": {NAME}'),
    ("imagePullSecrets: ['']", "imagePullSecrets[0]: Required value"),
    ("imagePullSecrets: [a, B]", f'imagePullSecrets[1]: Invalid value: "B": {NAME}'),
    ("imagePullSecrets: a", "imagePullSecrets: must be of type array"),
    # annotations
    ("podAnnotations: {a b: c}", f'podAnnotations.a b: Invalid value: "a b": {names.KEY_SHAPE}'),
    ("podAnnotations: {'': c}", "podAnnotations: Required value"),
    ("podAnnotations: {a: 1}", "podAnnotations.a: must be of type string"),
    # variables of every Function: with an invalid URL the exporter of traces does not start
    ('traceCollectorEndpoint: "http://a\\0b"', f"traceCollectorEndpoint: {ADDRESS}"),
    ("traceCollectorEndpoint: otel:4318", f"traceCollectorEndpoint: {ADDRESS}"),
    ("traceCollectorEndpoint: http://$(NODE_IP):4318", f"traceCollectorEndpoint: {ADDRESS}"),
    ('publisherProxyAddress: "http://a/\\nb"', f"publisherProxyAddress: {ADDRESS}"),
    # the rest
    ("allowedImageOverrides: ['a, b']", f'allowedImageOverrides[0]: Invalid value: "a, b": {PATTERN}'),
    ("allowedImageOverrides: ['a*b']", f'allowedImageOverrides[0]: Invalid value: "a*b": {PATTERN}'),
    ('allowedImageOverrides: ["a\\nb"]', f'allowedImageOverrides[0]: Invalid value: "a\\nb": {PATTERN}'),
    ("allowedImageOverrides: ['https://a/*']", f'allowedImageOverrides[0]: Invalid value: "https://a/*": {PATTERN}'),
    ("allowedImageOverrides: [a, '']", "allowedImageOverrides[1]: Required value"),
    ("targetCPUUtilizationPercentage: 0", "targetCPUUtilizationPercentage: should be greater than or equal to 1"),
    ("targetCPUUtilizationPercentage: '50'", "targetCPUUtilizationPercentage: must be of type integer"),
    ("allowUnrestrictedSecurityContext: 1", "allowUnrestrictedSecurityContext: must be of type boolean"),
    ("related: {pods: 'on'}", "related.pods: must be of type boolean"),
    ("install: {environment: 'on'}", "install.environment: must be of type boolean"),
    ("registy: x", f"registy: {NO_SETTING}"),
    ("default_profile: S", f"default_profile: {NO_SETTING}"),
]
"""A config file with one invalid value, which the chart's schema rejects too, and the message."""

BEYOND_SCHEMA: list[tuple[str, str]] = [
    (
        "profiles: {L: {limits: {cpu: 200m}}}",
        'profiles.L.requests.cpu: Invalid value: "400m": must be less than or equal to the limit of 200m',
    ),
    (
        "profiles: {L: {requests: {example.com/gpu: 1}, limits: {example.com/gpu: 2}}}",
        'profiles.L.requests.example.com/gpu: Invalid value: "1": must be equal to the limit of 2',
    ),
    (
        "profiles: {L: {requests: {example.com/gpu: 1}}}",
        "profiles.L.limits.example.com/gpu: Required value: must be set to the request of 1",
    ),
    (
        "profiles: {L: {limits: {example.com/gpu: 500m}}}",
        'profiles.L.limits.example.com/gpu: Invalid value: "500m": must be an integer',
    ),
    (
        "profiles: {L: {limits: {hugepages-2Mi: 3Mi}}}",
        'profiles.L.limits.hugepages-2Mi: Invalid value: "3Mi": must be a multiple of its page size',
    ),
    (
        "profiles: {H: {requests: {}, limits: {hugepages-2Mi: 2Mi}}}",
        "profiles.H: Forbidden: huge pages require cpu or memory",
    ),
    (
        "profiles: {S: {limits: {cpu: 1e30}}}",
        'profiles.S.limits.cpu: Invalid value: "1e30": must be less than or equal to 8Pi',
    ),
    (
        "profiles: {S: {requests: {memory: 512m}}}",
        'profiles.S.requests.memory: Invalid value: "512m": must be a whole number of bytes',
    ),
    (
        "profiles: {S: {requests: {memory: 1}, limits: {memory: 512}}}",
        'profiles.S.limits.memory: Invalid value: "512": must be greater than or equal to 16Mi',
    ),
    (
        "install: {limits: {memory: 1}}",
        'install.limits.memory: Invalid value: "1": must be greater than or equal to 16Mi',
    ),
    (
        "install: {limits: {example.com/gpu: 1}}",
        "install.limits.example.com/gpu: Forbidden: the limit must be that of the Function",
    ),
    (
        "minimumResources: {example.com/gpu: 500m}",
        'minimumResources.example.com/gpu: Invalid value: "500m": must be an integer',
    ),
    (
        "runtimes: {py: {family: python, image: 'localhost:5000/x:1'}}",
        'runtimes.py.image: Invalid value: "localhost:5000/x:1": must be an image below the registry',
    ),
    ("runtimes: {py: {family: python, image: 'A:1'}}", f'runtimes.py.image: Invalid value: "A:1": {IMAGE}'),
    ("registry: a_b.c/d", f"registry: Invalid value: {REGISTRY}"),
    ("defaultProfile: HUGE", 'defaultProfile: Unsupported value: "HUGE": supported values: "L", "M", "S", "XL", "XS"'),
    (f"profiles: {NO_PROFILES}", 'defaultProfile: Unsupported value: "L": supported values: none'),
    ("volumeSizes: {tmp: 0}", 'volumeSizes.tmp: Invalid value: "0": must be greater than or equal to 1Mi'),
    ("volumeSizes: {sources: 1}", 'volumeSizes.sources: Invalid value: "1": must be greater than or equal to 1Mi'),
    ("traceCollectorEndpoint: http://a:99999", f"traceCollectorEndpoint: {ADDRESS}"),
    ("traceCollectorEndpoint: http://1.2.3.256", f"traceCollectorEndpoint: {ADDRESS}"),
    ("allowedImageOverrides: [a/]", f'allowedImageOverrides[0]: Invalid value: "a/": {PATTERN}'),
    ("allowedImageOverrides: ['a@sha256:x*']", f'allowedImageOverrides[0]: Invalid value: "a@sha256:x*": {PATTERN}'),
    ("imagePullSecrets: [-a]", f'imagePullSecrets[0]: Invalid value: "-a": {NAME}'),
    (f"podAnnotations: {{{APPARMOR}: unconfined}}", f"podAnnotations.{APPARMOR}: {IN_PLACE}"),
    (
        f"podAnnotations: {{{TOLERATIONS}: a}}",
        f"podAnnotations.{TOLERATIONS}: Forbidden: '{TOLERATIONS}' must not be set in a pod template",
    ),
    (f"podAnnotations: {{{OURS}: a}}", f"podAnnotations.{OURS}: Forbidden: keys must not start with {BEGINNINGS}"),
    (
        "podAnnotations: {kubernetes.io/config.seen: a}",
        f"podAnnotations.kubernetes.io/config.seen: Forbidden: keys must not start with {BEGINNINGS}",
    ),
    (
        f"podAnnotations: {{{BANDWIDTH}: fast}}",
        f"podAnnotations.{BANDWIDTH}: Forbidden: '{BANDWIDTH}' must be a quantity from 1k to 1P",
    ),
    (
        f"podAnnotations: {{a: {'$' * 7000}}}",
        f"podAnnotations: {SUM} 14671 bytes when encoded, may not be more than 10240 bytes",
    ),
    (
        f"imagePullSecrets: {json.dumps([f'{n}' for n in range(900)])}",
        f"imagePullSecrets: {SUM} 14950 bytes when encoded, may not be more than 10240 bytes",
    ),
    (
        "profiles: {L: {limits: {kubernetes.io/batteries: 1}}}",
        f'profiles.L.limits.kubernetes.io/batteries: Invalid value: "kubernetes.io/batteries": {RESOURCE}',
    ),
    ('podAnnotations: {a: "\\ud800"}', "podAnnotations.a: Invalid value: must be Unicode"),
]
"""A config file with an error that no JSON schema can express, and the message."""

MISTAKES = IN_SCHEMA + BEYOND_SCHEMA
