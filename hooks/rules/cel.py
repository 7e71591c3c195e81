"""
The longer expressions of crds/functions.yaml, with white space folded.

The CRD is written by hand; tests/core/test_rules.py fails unless each expression is at its path in it.
"""

_DNS = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_ANY_DNS = "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?([.][A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*"
_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PAGE = "name.matches('^hugepages-[1-9][0-9]{0,3}[KMG]i$')"
KEY = f"^({_DNS}/)?{_NAME}$"
KEYS = f"self.all(key, key.matches('{KEY}') && key.indexOf('/') <= 253)"
ANNOTATION_KEYS = f"self.all(key, key.matches('^({_ANY_DNS}/)?{_NAME}$') && key.indexOf('/') <= 253)"
FIELD_KEYS = (
    f"(self.matches(\"^metadata[.]labels\\\\['({_DNS}/)?{_NAME}'\\\\]$\") && self.indexOf('/') <= 270) || "
    f"(self.matches(\"^metadata[.]annotations\\\\['({_ANY_DNS}/)?{_NAME}'\\\\]$\") && self.indexOf('/') <= 275)"
)
_COMPONENTS = "[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*"
IMAGE = (
    f"self.trim() == '' || (self.trim().matches('^(({_ANY_DNS}|\\\\[[0-9a-fA-F:]+\\\\])(:[0-9]+)?/)?"
    f"{_COMPONENTS}(/{_COMPONENTS})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    "(@sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128}))?$') && self.trim().split('@')[0].size() <= 255)"
)
_NETBIOS = "[ !#-)+,\\\\-0-9;=@-\\\\[\\\\]-{}~][ !#-)+-.0-9;=@-\\\\[\\\\]-{}~]{0,14}"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
WINDOWS_USER = (
    f"self.matches('^(({_NETBIOS}|{_LABEL}([.]{_LABEL})*)\\\\\\\\)?[ !#-)\\\\-.0-9A-Z^_`a-z{{}}~]{{1,104}}$') && "
    "!self.matches('^(.*\\\\\\\\)?[ .]*$')"
)
ESCALATION = (
    "!((has(self.privileged) && self.privileged) || (has(self.capabilities) && has(self.capabilities.add) && "
    "self.capabilities.add.exists(name, name == 'CAP_SYS_ADMIN'))) || "
    "(has(self.allowPrivilegeEscalation) && self.allowPrivilegeEscalation)"
)
SECCOMP = (
    "self.all(key, !(key == 'seccomp.security.alpha.kubernetes.io/pod' || "
    "key.startsWith('container.seccomp.security.alpha.kubernetes.io/')) || "
    "self[key] in ['runtime/default', 'docker/default', 'unconfined'] || self[key] == 'localhost/' || "
    "(self[key].matches('^localhost/[^/]') && !self[key].matches('/[.][.](/|$)')))"
)

_INVISIBLE = r"\x00-\x20\x7f"
GIT_URL = (
    f"^((https?|ssh)://[^/?#{_INVISIBLE}][^{_INVISIBLE}]*|git@[^:/{_INVISIBLE}]+:/*[^/{_INVISIBLE}][^{_INVISIBLE}]*)$"
)
"""An address that Flux fetches from, or Kyma's form of an SSH address. In one line, without white space."""
DIRECTORY = r"!self.matches('(^|/)[.][.](/|$)') && !self.matches('[\\x00-\\x1f\\x7f]')"
REFERENCE = rf"^[^{_INVISIBLE}~^:?*\[\\]+$"
NO_REFERENCE = "[.][.]|@[{]|//|^[/-]|[/.]$"
"""What git check-ref-format refuses in a name that matches REFERENCE."""


def escaped(pattern: str) -> str:
    """Return a pattern as the content of a CEL string."""
    return pattern.replace("\\", "\\\\")


IS_REFERENCE = (
    f"self.trim() == '' || (self.matches('{escaped(REFERENCE)}') && !self.matches('{escaped(NO_REFERENCE)}'))"
)


def mounts(of_each: str) -> str:
    """Return the list of the values of `of_each`, an expression over a mount `m`, for all mounts."""
    fields = (
        f"(has(self.{field}) ? self.{field}.map(m, {of_each}) : [])" for field in ("secretMounts", "configMapMounts")
    )
    return f"[{' + '.join(fields)}]"


def deletion_cost(key: str) -> str:
    """Test that an annotation, if it is set, is a 32 bit integer."""
    return (
        f"!('{key}' in self) || (self['{key}'].matches('^(0|-?[1-9][0-9]{{0,9}}|-0[0-9]{{0,9}})$') && "
        f"int(self['{key}']) >= -2147483648 && int(self['{key}']) <= 2147483647)"
    )


def bandwidth(key: str) -> str:
    """Test that an annotation, if it is set, is a bandwidth."""
    value = f"self['{key}']"
    return (
        f"!('{key}' in self) || (isQuantity({value}) && {value}.matches('[0-9]') && "
        f"!quantity({value}).isLessThan(quantity('1k')) && !quantity({value}).isGreaterThan(quantity('1P')))"
    )


def apparmor(key: str) -> str:
    """Test that an annotation, if it is set, names an AppArmor profile."""
    values = "^(|runtime/default|unconfined|localhost/[!-~]([ -~]*[!-~])?)$"
    return f"!('{key}' in self) || self['{key}'].matches('{values}')"


def agrees(key: str, profile: str, contexts: tuple[str, ...], otherwise: str = "true") -> str:
    """Test that an annotation, if it is set, is the profile of the first context that has one, else `otherwise`."""
    found = f"self.annotations['{key}']"
    steps = [
        f"has(self.{context}) && has(self.{context}.{profile}) ? ({_is_profile(found, f'self.{context}.{profile}')}) : "
        for context in contexts
    ]
    return f"!has(self.annotations) || !('{key}' in self.annotations) || ( {''.join(steps)}{otherwise.format(found)})"


def _is_profile(found: str, profile: str) -> str:
    return (
        f"has({profile}.localhostProfile) && {profile}.type == 'Localhost' ? "
        f"{found} == 'localhost/' + {profile}.localhostProfile : {profile}.type == 'Unconfined' ? "
        f"{found} == 'unconfined' : {profile}.type == 'RuntimeDefault' && "
        f"{found} in ['runtime/default', 'docker/default']"
    )


def measurable(resource: str) -> str:
    """Test that a resource is requested or limited, if both requests and limits are set."""
    return (
        "[self.?resourceConfiguration.function.resources].all(given, given.?requests.orValue({}).size() == 0 || "
        f"given.?limits.orValue({{}}).size() == 0 || '{resource}' in given.requests.orValue({{}}) || "
        f"'{resource}' in given.limits.orValue({{}}))"
    )


def _is_not_quantity(value: str) -> str:
    return f"!isQuantity(string({value})) || !string({value}).matches('[0-9]')"


RESOURCE_NAMES = (
    f"self.all(name, name in ['cpu', 'memory', 'ephemeral-storage'] || {_PAGE} || "
    f"(name.matches('^{_DNS}/{_NAME}$') && name.indexOf('/') <= 253 && "
    "(name.contains('kubernetes.io/') || (!name.startsWith('requests.') && name.indexOf('/') <= 244))))"
)
_AMOUNT = "quantity(string(self[name]))"
_FLOAT = f"{_AMOUNT}.asApproximateFloat()"
PAGES = (
    f"self.all(name, !{_PAGE} || {_is_not_quantity('self[name]')} || ({_AMOUNT}.isLessThan(quantity('1P')) && "
    f"double(int({_FLOAT})) == {_FLOAT} && int({_FLOAT}) % quantity(name.substring(10)).asInteger() == 0))"
)
INTEGERS = (
    f"self.all(name, !name.contains('/') || name.contains('kubernetes.io/') || {_is_not_quantity('self[name]')} || "
    f"!{_AMOUNT}.isLessThan(quantity('1P')) || double(int({_FLOAT})) == {_FLOAT})"
)
_BOTH = "!has(self.requests) || !has(self.limits) || "
_REQUEST, _LIMIT = "self.requests[name]", "self.limits[name]"
WITHIN_LIMITS = (
    f"{_BOTH}self.requests.all(name, !(name in self.limits) || !isQuantity(string({_REQUEST})) || "
    f"{_is_not_quantity(_LIMIT)} || !quantity(string({_REQUEST})).isGreaterThan(quantity(string({_LIMIT}))))"
)
EQUAL_LIMITS = (
    f"{_BOTH}self.limits.size() == 0 || self.requests.all(name, !({_PAGE} || (name.contains('/') && "
    f"!name.contains('kubernetes.io/'))) || {_is_not_quantity(_REQUEST)} || (name in self.limits && "
    f"({_is_not_quantity(_LIMIT)} || quantity(string({_REQUEST})).compareTo(quantity(string({_LIMIT}))) == 0)))"
)
PAGES_WITH_CPU_OR_MEMORY = (
    f"{_BOTH}self.requests.size() == 0 || self.limits.size() == 0 || 'cpu' in self.requests || 'cpu' in self.limits || "
    "'memory' in self.requests || 'memory' in self.limits || "
    f"[self.requests, self.limits].all(side, side.all(name, !{_PAGE}))"
)
