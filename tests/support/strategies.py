"""Sound Functions as users write them, every field now and then; Hypothesis makes the combinations."""

import operator
from typing import Any

from hypothesis import strategies as st
from support.cases import complete

from hooks.config import Config
from hooks.pod_annotations import APPARMOR, SECCOMP_POD
from hooks.runtimes import FAMILIES

Manifest = dict[str, Any]

NASTY = [
    "$$",
    "$(FUNC_NAME)",
    "${x}",
    "\\n",
    "\n",
    "\r\n",
    "%s",
    "'",
    '"',
    "`",
    "\\",
    "é",
    "😀",
    "\t",
    " ",
    "a",
    "\u2028",
]
texts = st.lists(st.sampled_from(NASTY), min_size=1, max_size=12).map("".join)
names = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
objects = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z0-9]{1,5})?", fullmatch=True)
keys = st.from_regex(r"([a-z]{1,6}\.example\.com/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?", fullmatch=True)
label_values = st.from_regex(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,20})?[A-Za-z0-9])?", fullmatch=True)
labels = st.dictionaries(keys, label_values, max_size=3)
booleans = st.booleans()
ids = st.integers(1, 65535)
quantities = {
    "cpu": st.sampled_from(["1", "1000m", "0.5", "0.2501", 2, "1.5", "10m", "1e-1"]),
    "memory": st.sampled_from(["64Mi", "1024Mi", "1Gi", "0.5Gi", "134217728", "100M", "1e9"]),
}


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Manifest]:
    """A map with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


references = st.one_of(
    st.builds(lambda n: {"configMapKeyRef": {"name": n, "key": "k"}}, objects),
    st.builds(lambda n, o: {"secretKeyRef": {"name": n, "key": "k", "optional": o}}, objects, booleans),
    st.sampled_from([{"fieldRef": {"fieldPath": "metadata.name"}}]),
    st.builds(
        lambda d: {"resourceFieldRef": {"resource": "limits.memory", "divisor": d}},
        st.sampled_from(["1Mi", "1024Ki", "0"]),
    ),
)
env_names = st.sampled_from(["A", "B", "FUNC_NAME", "PYTHONUNBUFFERED", "a.b-c", "_X", "1 %"])
variables = st.one_of(
    st.builds(lambda n, v: {"name": n, "value": v}, env_names, st.one_of(st.just(""), texts)),
    st.builds(lambda n, v: {"name": n, "valueFrom": v}, env_names, references),
    st.builds(lambda n: {"name": n}, env_names),
)
profiles = st.sampled_from(
    [
        {},
        {f"{APPARMOR}function": "runtime/default"},
        {f"{APPARMOR}function": "localhost/a"},
        {SECCOMP_POD: "runtime/default"},
    ]
)
paths = st.sampled_from(["/etc/a", "/etc/b", "/data/", "/srv/x/y", "/usr/src/app/function/conf"])
amounts = st.one_of(
    some(requests=some(**quantities)),
    some(limits=some(**quantities)),
    st.just({"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "2048Mi", "nvidia.com/gpu": "1"}}),
)
scales = st.builds(
    lambda low, more, targets: {"minReplicas": low, "maxReplicas": low + more} | targets,
    st.integers(1, 5),
    st.integers(0, 5),
    some(
        targetCPUUtilizationPercentage=st.integers(1, 100),
        targetMemoryUtilizationPercentage=st.integers(1, 100),
    ),
)
tolerations = st.one_of(
    st.builds(
        lambda rest: {"operator": "Exists"} | rest,
        some(key=keys, effect=st.just("NoSchedule"), tolerationSeconds=st.none()),
    ),
    st.builds(lambda key, value: {"key": key, "value": value, "tolerationSeconds": None}, keys, label_values),
)


PACKAGES = {"package.json": '{"dependencies": {}}', "requirements.txt": "requests==2.32.5 # $HOME\n"}


@st.composite
def specs(draw: st.DrawFn) -> Manifest:
    """A sound spec."""
    runtime = draw(st.sampled_from(sorted(Config().runtimes)))
    packages = PACKAGES[FAMILIES[Config().runtimes[runtime].family].dependencies_format]
    inline = {"source": draw(texts)}
    if draw(booleans):
        inline["dependencies"] = draw(st.sampled_from(["", " \n", packages]))
    optional = draw(
        some(
            runtimeImageOverride=st.sampled_from(["", "example.com/a:1", "example.com/a"]),
            env=st.lists(variables, max_size=4, unique_by=lambda entry: entry["name"]),
            envFrom=st.lists(st.builds(lambda n: {"prefix": "", "secretRef": {"name": n}}, objects), max_size=2),
            labels=labels,
            annotations=st.builds(operator.or_, st.dictionaries(keys, texts, max_size=2), profiles),
            replicas=st.integers(0, 5),
            scaleConfig=scales,
            resourceConfiguration=st.one_of(
                st.builds(lambda p: {"function": {"profile": p}}, st.sampled_from(["XS", "S", "M", "L", "XL"])),
                st.builds(lambda r: {"function": {"resources": r}, "build": {"profile": "fast"}}, amounts),
            ),
            secretMounts=st.lists(
                st.builds(lambda n, p: {"secretName": n, "mountPath": p}, objects, paths),
                max_size=2,
                unique_by=lambda mount: mount["mountPath"],
            ),
            configMapMounts=st.builds(lambda n: [{"configMapName": n, "mountPath": "/opt/conf"}], objects),
            serviceAccountName=objects,
            automountServiceAccountToken=booleans,
            imagePullSecrets=st.lists(
                objects.map(lambda n: {"name": n}), max_size=2, unique_by=lambda each: each["name"]
            ),
            podSecurityContext=some(runAsUser=ids, fsGroup=ids, supplementalGroups=st.lists(ids, max_size=2)),
            containerSecurityContext=some(readOnlyRootFilesystem=booleans, seLinuxOptions=st.just({})),
            nodeSelector=labels,
            tolerations=st.lists(tolerations, max_size=2),
            priorityClassName=objects,
            startupTimeoutSeconds=st.integers(1, 3600),
            template=st.just({}),
        )
    )
    return {"runtime": runtime, "source": {"inline": inline}} | optional


@st.composite
def functions(draw: st.DrawFn) -> Manifest:
    """A sound Function."""
    spec = draw(specs())
    name = draw(names.filter(lambda name: name != spec.get("serviceAccountName")))
    metadata = {"name": name, "generation": draw(st.integers(1, 9)), "labels": draw(labels)}
    return complete({"metadata": metadata, "spec": spec})
