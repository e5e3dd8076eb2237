"""`/metrics`: what the processes of this machine did, as Prometheus reads it.

Several processes share one port, so a scrape reaches any of them and must tell of all. Each counts in
its own memory, which costs a request less than a microsecond, and writes its counts to a file once
a second; a scrape adds the files up.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import accumulate
from typing import ClassVar

import falcon
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from moorage import __version__
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.counts import BOUNDS, MANIFESTS, UPLOAD_BYTES, UPLOADS, Counts, Series
from moorage.web.door import CredentialNeededError, PermissionDeniedError

_PUSHED = {
    UPLOADS: "Blobs taken in.",
    UPLOAD_BYTES: "Bytes of blobs taken in.",
    MANIFESTS: "Manifests put, known ones too.",
}
#: What waitress calls whoever comes through a Unix socket.
_UNIX_SOCKET = "localhost"


class MetricsResource:
    """Shown to system administrators, and to whoever asks from this machine itself."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "read_metrics")}

    def __init__(self, services: Services, counts: Counts) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Everything(services, counts))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        caller: Caller = req.context.caller
        if not caller.principal.admin and not _is_local(req.env.get("REMOTE_ADDR", "")):
            if caller.principal.is_anonymous:
                raise CredentialNeededError("only administrators may read the metrics from afar")
            raise PermissionDeniedError("only administrators may read the metrics from afar")
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = generate_latest(self._registry)


def _is_local(address: str) -> bool:
    if address == _UNIX_SOCKET:
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class _Everything(Collector):
    def __init__(self, services: Services, counts: Counts) -> None:
        self._services = services
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        seen = self._counts.total()
        yield from _requests(seen.series)
        yield from _pushed(seen.events)
        yield from self._gauges()

    def _gauges(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("moorage_build_info", "The running release.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        space = self._services.storage.space()
        yield GaugeMetricFamily(
            "moorage_storage_total_bytes", "Space where blobs lie, used or not.", value=space.total_bytes
        )
        yield GaugeMetricFamily(
            "moorage_storage_free_bytes", "Free space where blobs lie.", value=space.free_bytes
        )
        yield GaugeMetricFamily(
            "moorage_storage_used_ratio",
            "Used part of that space, from 0 to 1.",
            value=space.used_percent / 100,
        )
        yield GaugeMetricFamily(
            "moorage_storage_reserve_bytes",
            "Below this much free space no upload begins.",
            value=self._services.settings.storage.reserve_bytes,
        )
        yield from self._queue()
        if self._services.forwarding.is_on:
            yield from self._forwarding()

    def _queue(self) -> Iterable[Metric]:
        queue = self._services.candidates.overview()
        late = timedelta(0)
        if queue.oldest_due_at is not None:
            late = self._services.clock() - queue.oldest_due_at
        yield GaugeMetricFamily(
            "moorage_gc_candidates", "Blobs and manifests that may have become garbage.", value=queue.waiting
        )
        yield GaugeMetricFamily(
            "moorage_gc_due",
            "Those of them that the collector should have looked at by now.",
            value=queue.due,
        )
        yield GaugeMetricFamily(
            "moorage_gc_oldest_due_seconds",
            "For how long the oldest of these waits; more than a day means that nobody collects.",
            value=late.total_seconds(),
        )
        yield GaugeMetricFamily(
            "moorage_gc_failing",
            "Candidates that failed to be collected more than ten times.",
            value=queue.failing,
        )

    def _forwarding(self) -> Iterable[Metric]:
        found = self._services.forwarding.status()
        progress = found.progress
        late = timedelta(0)
        if found.oldest_at is not None:
            late = self._services.clock() - found.oldest_at
        yield GaugeMetricFamily(
            "moorage_syslog_connected", "Whether the syslog server is connected.", value=found.connected
        )
        yield GaugeMetricFamily(
            "moorage_syslog_waiting", "Entries of the log not forwarded yet, at most.", value=found.waiting
        )
        yield GaugeMetricFamily(
            "moorage_syslog_oldest_waiting_seconds",
            "For how long the oldest of these waits.",
            value=late.total_seconds(),
        )
        yield CounterMetricFamily(
            "moorage_syslog_sent",
            "Messages sent to the syslog server.",
            value=0 if progress is None else progress.sent,
        )
        yield CounterMetricFamily(
            "moorage_syslog_dropped",
            "Entries that left the log before they could be forwarded.",
            value=0 if progress is None else progress.dropped,
        )


def _requests(series: Mapping[tuple[str, str, int], Series]) -> Iterable[Metric]:
    requests = CounterMetricFamily(
        "moorage_http_requests", "Requests answered.", labels=["surface", "operation", "code"]
    )
    seconds = HistogramMetricFamily(
        "moorage_http_seconds",
        "Seconds from a request's head to its answer.",
        labels=["surface", "operation"],
    )
    durations: dict[tuple[str, str], Series] = {}
    for (surface, operation, code), one in sorted(series.items()):
        requests.add_metric([surface, operation, str(code)], one.count)
        durations.setdefault((surface, operation), Series()).add(one)
    for labels, one in durations.items():
        seconds.add_metric(labels, _cumulative(one), one.seconds)
    yield requests
    yield seconds


def _cumulative(one: Series) -> list[tuple[str, float]]:
    ends = [*map(str, BOUNDS), "+Inf"]
    return list(zip(ends, accumulate(one.buckets), strict=True))


def _pushed(events: Mapping[str, int]) -> Iterable[Metric]:
    for name, text in _PUSHED.items():
        yield CounterMetricFamily(name, text, value=events.get(name, 0))
