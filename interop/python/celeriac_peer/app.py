"""The application, configured by environment variables:

CELERIAC_PEER_SETTINGS  a JSON object of Celery settings by their own names (``broker_url``, ``result_backend``,
                        ``accept_content``, ``broker_transport_options``, …). ``task_queues`` may be a list of objects with
                        the arguments of ``kombu.Queue``, exchanges and bindings being objects too, or with a ``broadcast``
                        name; ``cert_reqs`` and ``ssl_cert_reqs`` in TLS options may be names
                        such as ``CERT_REQUIRED``.
                        With ``task_serializer`` ``auth`` the application signs, with the keys of ``security_key`` and its kin.
CELERIAC_INTEROP_FOLDER a folder of ``celeriac interop``: where the broker ``filesystem://`` keeps its messages.
CELERIAC_PEER_READY     a file that a worker writes its process id to as soon as it consumes.
CELERIAC_PEER_SPANS     where spans are written, see ``traces.py``; without it there are none.
"""
import json
import os
import ssl
import tempfile
from types import SimpleNamespace

from celery import Celery
from celery.signals import worker_ready
from kombu import Exchange, Queue, binding
from kombu.common import Broadcast
from kombu.transport import filesystem


def queue(given):
    if given.get("broadcast"):
        return Broadcast(given["name"])
    given = dict(given)
    if isinstance(given.get("exchange"), dict):
        given["exchange"] = Exchange(**given["exchange"])
    bindings = [
        binding(Exchange(**one["exchange"]), routing_key=one.get("routing_key", ""), arguments=one.get("arguments"))
        for one in given.pop("bindings", [])
    ]
    return Queue(**given, bindings=bindings)


def settings():
    given = json.loads(os.environ.get("CELERIAC_PEER_SETTINGS", "{}"))
    folder = os.environ.get("CELERIAC_INTEROP_FOLDER")
    if folder and os.environ.get("CELERY_BROKER_URL", "").startswith("filesystem:"):
        given["broker_transport_options"] = {
            "data_folder_in": f"{folder}/messages", "data_folder_out": f"{folder}/messages",
            "control_folder": f"{folder}/control", "processed_folder": f"{folder}/processed", "store_processed": True,
        }
    if isinstance(given.get("task_queues"), list):
        given["task_queues"] = [queue(one) for one in given["task_queues"]]
    for name in ("broker_use_ssl", "redis_backend_use_ssl"):
        options = given.get(name)
        if isinstance(options, dict):
            for key in ("cert_reqs", "ssl_cert_reqs"):
                if isinstance(options.get(key), str):
                    options[key] = getattr(ssl, options[key])
    return given


def put_whole(self, queue, payload, put=filesystem.Channel._put, **options):
    """Has kombu write a message's file elsewhere, then moves it into its place. kombu opens the file in its place and then
    writes, and a Python worker that reads it in between loses the message: on a busy machine a test would lose a task that
    no line of Swift has seen."""
    with tempfile.TemporaryDirectory(prefix=".", dir=self.data_folder_out) as folder:
        put(SimpleNamespace(data_folder_out=folder), queue, payload, **options)
        for name in os.listdir(folder):
            os.rename(os.path.join(folder, name), os.path.join(self.data_folder_out, name))


filesystem.Channel._put = put_whole

app = Celery("celeriac_peer", include=["celeriac_peer.tasks"])
app.conf.update(worker_log_color=False, broker_connection_retry_on_startup=True, **settings())
if app.conf.task_serializer == "auth":
    app.setup_security()
if os.environ.get("CELERIAC_PEER_SPANS"):
    from celeriac_peer import traces

    traces.start(os.environ["CELERIAC_PEER_SPANS"])


@worker_ready.connect
def tell_ready(**_):
    path = os.environ.get("CELERIAC_PEER_READY")
    if path:
        with open(path + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(path + ".new", path)
