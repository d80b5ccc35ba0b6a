"""Prometheus metrics, computed from the files at each scrape: any API process gives the same."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config import Settings
from services.health import check_health
from services.listing import Listing
from services.queue_service import Queue
from services.workers import living_workers


class FilesCollector(Collector):
    """Reads the folders and the queue when it is asked."""

    def __init__(self, settings: Settings, listing: Listing, queue: Queue) -> None:
        self._settings = settings
        self._listing = listing
        self._queue = queue

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering must not read files."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now."""
        yield self._workflows()
        health = check_health(self._settings, self._queue)
        yield _gauge("healthy", "1 if the API can read and write its folders.", health.status == "healthy")
        yield _gauge("workers", "Living workers.", len(living_workers(self._settings)))
        if health.queue:
            jobs = GaugeMetricFamily("bagmill_queue_jobs", "Jobs in the queue.", labels=["state"])
            for state, count in sorted(health.queue.counts.items()):
                jobs.add_metric([state.value], count)
            yield jobs
            yield _gauge("queue_paused", "1 if the queue hands out no jobs.", health.queue.paused)
            yield _gauge("queue_held", "1 if jobs wait for space on the disk.", health.queue.held is not None)
        if health.disk:
            yield _gauge("disk_free_bytes", "Free space for workflows.", health.disk.free)
            yield _gauge("disk_total_bytes", "Size of the file system of workflows.", health.disk.total)

    def _workflows(self) -> Metric:
        family = GaugeMetricFamily(
            "bagmill_workflows",
            "Workflows on disk, children of batches included.",
            labels=["template", "status"],
        )
        for (template, status), count in sorted(self._listing.counts().items()):
            family.add_metric([template, status.value], count)
        return family


class Metrics:
    """The metrics of one set of folders as Prometheus text."""

    def __init__(self, settings: Settings, listing: Listing, queue: Queue) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(FilesCollector(settings, listing, queue))

    def text(self) -> bytes:
        """The exposition format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"bagmill_{name}", told, value=value)
