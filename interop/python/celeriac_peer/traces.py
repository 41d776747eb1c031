"""Spans of this process, by OpenTelemetry's own instrumentation of Celery.

CELERIAC_PEER_SPANS  the beginning of a file's name; this process writes each span that has ended to the file of that name with
                     ``.<pid>`` behind it, one JSON object a line: {"name", "kind", "trace", "span", "parent", "attributes"}.
"""
import json
import os
import threading

from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class LineExporter(SpanExporter):
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()

    def export(self, spans):
        with self.lock:
            for span in spans:
                self.file.write(json.dumps(described(span)) + "\n")
            self.file.flush()
        return SpanExportResult.SUCCESS


def described(span):
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace": f"{span.context.trace_id:032x}",
        "span": f"{span.context.span_id:016x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent else None,
        "attributes": {name: str(value) for name, value in span.attributes.items()},
    }


def start(prefix):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(LineExporter(f"{prefix}.{os.getpid()}")))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()


def within_root(body):
    """Calls a function in a span ``root``, and returns what it returns with the trace's id."""
    with trace.get_tracer("celeriac_peer").start_as_current_span("root") as span:
        return body(), f"{span.get_span_context().trace_id:032x}"
