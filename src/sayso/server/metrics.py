"""The figures of `/metrics`, in Prometheus' text format.

Each application has its own registry, so that two in one process do not add up. Labels are route templates and known
methods only: what a caller can make up never becomes a label.
"""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

MEDIA_TYPE = CONTENT_TYPE_LATEST
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """What is counted while the service runs."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "sayso_http_requests", "Answered requests.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "sayso_http_request_seconds",
            "From the end of the headers to the end of the answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._open = Gauge("sayso_http_open_requests", "Requests being answered, streams too.", registry=self._registry)
        self._oldest = Gauge(
            "sayso_oldest_pending_task_seconds",
            "How long the oldest pending task has waited for somebody; 0 when none waits.",
            registry=self._registry,
        )

    def begin(self) -> None:
        """Count a request that begins."""
        self._open.inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._open.dec()
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def oldest_task(self, seconds: float) -> None:
        """Say how long the oldest pending task has waited."""
        self._oldest.set(seconds)

    def text(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)
