"""What the server passes to main(event, context), for editors and type checkers only: pods do not have this file."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Literal, TypedDict, overload

class Request:
    """Bottle's request."""

    method: str
    path: str
    fullpath: str
    url: str
    urlparts: Any
    script_name: str
    query_string: str
    query: Any
    GET: Any
    POST: Any
    params: Any
    forms: Any
    files: Any
    json: Any
    body: BinaryIO
    chunked: bool
    headers: Mapping[str, str]
    cookies: Any
    content_type: str
    content_length: int
    is_xhr: bool
    is_ajax: bool
    auth: tuple[str, str] | None
    remote_addr: str | None
    remote_route: list[str]
    environ: dict[str, Any]
    MEMFILE_MAX: int
    def get_header(self, name: str, default: str | None = None) -> str | None: ...
    def get_cookie(self, key: str, default: Any = None, secret: Any = None, digestmod: Any = ...) -> Any: ...
    def get(self, value: str, default: Any = None) -> Any: ...
    def keys(self) -> Any: ...
    def copy(self) -> Request: ...
    def path_shift(self, shift: int = 1) -> None: ...

class Tracer:
    """An OpenTelemetry tracer."""

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> Any: ...
    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> AbstractContextManager[Any]: ...

class Extensions(TypedDict):
    request: Request

class Event(dict[str, Any]):
    """The request; with ce-... only if it is a CloudEvent."""

    @overload
    def __getitem__(self, key: Literal["data"], /) -> Any: ...
    @overload
    def __getitem__(self, key: Literal["extensions"], /) -> Extensions: ...
    @overload
    def __getitem__(self, key: Literal["ce-id", "ce-source", "ce-specversion", "ce-time", "ce-type"], /) -> str: ...
    @overload
    def __getitem__(self, key: str, /) -> Any: ...
    @property
    def req(self) -> Request: ...
    @property
    def ceHeaders(self) -> dict[str, Any]: ...
    @property
    def tracer(self) -> Tracer: ...
    def emitCloudEvent(
        self, type: str, source: str, data: Any, optionalCloudEventAttributes: Mapping[str, Any] | None = None
    ) -> None: ...
    def publishCloudEvent(self, data: Any) -> Any: ...
    def buildResponseCloudEvent(self, event_id: str, event_type: str, event_data: Any) -> dict[str, Any]: ...

Context = TypedDict(
    "Context",
    {
        "function-name": str | None,
        "namespace": str | None,
        "runtime": str | None,
        "timeout": float,
        "body-size-limit": int,
        "memory-limit": str | None,
    },
)
