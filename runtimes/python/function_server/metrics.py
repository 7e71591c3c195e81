"""
Calls, failures and durations, counted here so that Prometheus' library is loaded only at the first scrape.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds; the last bucket has none."""


class _Calls:
    def __init__(self) -> None:
        self.failures = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"))
"""Labels; every other method is "other", since each label is kept for good."""
_by_method: dict[str, _Calls] = {}
_lock = threading.Lock()


def count(method: str, seconds: float, *, failed: bool) -> None:
    """Count one finished call of the handler."""
    with _lock:
        calls = _by_method.setdefault(method if method in METHODS else "other", _Calls())
        calls.failures += failed
        calls.seconds += seconds
        calls.buckets[bisect_left(BUCKETS, seconds)] += 1


def count_failure(method: str) -> None:
    """Count a call that is counted already as a failure, too."""
    with _lock:
        _by_method[method if method in METHODS else "other"].failures += 1


def page() -> tuple[bytes, str]:
    """Return all metrics in Prometheus' text format, and its content type."""
    import prometheus_client  # noqa: PLC0415

    global _collector  # noqa: PLW0603
    if _collector is None:
        _collector = _Collector()
        prometheus_client.REGISTRY.register(_collector)
    return prometheus_client.generate_latest(), prometheus_client.CONTENT_TYPE_LATEST


class _Collector:
    def collect(self) -> Iterator[Any]:
        from prometheus_client import core  # noqa: PLC0415

        total = core.CounterMetricFamily("function_calls", "Calls of the handler", labels=["method"])
        failed = core.CounterMetricFamily("function_failures", "Calls that failed", labels=["method"])
        took = core.HistogramMetricFamily("function_duration_seconds", "Time until it was done", labels=["method"])
        with _lock:
            for method, calls in _by_method.items():
                total.add_metric([method], sum(calls.buckets))
                failed.add_metric([method], calls.failures)
                took.add_metric([method], list(_cumulative(calls.buckets)), calls.seconds)
        yield from (total, failed, took)


_collector: _Collector | None = None


def _cumulative(buckets: list[int]) -> Iterator[tuple[str, int]]:
    so_far = 0
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
        so_far += number
        yield bound, so_far
