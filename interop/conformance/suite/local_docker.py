"""pytest plugin: run Celery's t/smoke (pytest-celery) WITHOUT docker.

``-p local_docker`` replaces ``docker.from_env()`` (the one seam that
pytest_docker_tools uses) by a client whose "containers" are local processes:

  redis image     -> redis-server on a free port
  rabbitmq image  -> an own RabbitMQ node (own name, port, dirs; management plugin on demand)
  worker images   -> the Python worker in the generated /app folder, or SMOKE_WORKER (the path of a
                     foreign worker), which gets the same command line and --config FILE: a JSON
                     object of the Celery settings that the test changed
  anything else   -> pytest.skip (localstack, memcached)

A worker must print a line with "ready." once it consumes.  Environment:

  SMOKE_WORKER   the foreign worker; without it the Python worker runs
  SMOKE_TMP      where the processes' folders are made (default: the system's)
  SMOKE_KEEP     1 keeps them, with the logs
  RABBITMQ_SBIN  RabbitMQ's own sbin folder, if it is not where Debian has it

Only processes started here are ended, by pid / own process group.
"""
import ast
import atexit
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import types
import uuid

import docker
import psutil
import pytest

from celery.app.defaults import DEFAULTS

ROOT = tempfile.mkdtemp(prefix='local-docker-', dir=os.environ.get('SMOKE_TMP'))
SUITE = os.getcwd()
RMQ = os.environ.get('RABBITMQ_SBIN') or max(glob.glob('/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin'), default='')
FOREIGN = os.environ.get('SMOKE_WORKER')
PY = sys.executable
LIVE = []


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def listening(port):
    with socket.socket() as s:
        s.settimeout(.2)
        return s.connect_ex(('127.0.0.1', port)) == 0


class Proc:
    """The docker-py Container surface that pytest_docker_tools/pytest-celery touch."""

    def __init__(self, kwargs):
        self.kwargs = kwargs
        self.id = uuid.uuid4().hex * 2
        self.name = f'local-{self.id[:8]}'
        self.short_id = self.id[:12]
        self.dir = os.path.join(ROOT, self.name)
        os.makedirs(self.dir)
        self.logfile = os.path.join(self.dir, 'log')
        self.labels, self.client = {}, None
        self.ports = {}
        self.hostname = self.short_id
        self.proc = None
        self.status = 'created'
        LIVE.append(self)

    # -- to override
    def argv(self):
        raise NotImplementedError

    def env(self):
        return dict(os.environ)

    cwd = property(lambda self: self.dir)

    # -- docker API
    def start(self):
        with open(self.logfile, 'ab') as log:
            self.proc = subprocess.Popen(self.argv(), env=self.env(), cwd=self.cwd, stdout=log,
                                         stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.status = 'running'

    def reload(self):
        if self.proc is not None and self.proc.poll() is not None:
            self.status = 'exited'

    @property
    def attrs(self):
        code = self.proc.poll() if self.proc else None
        return {
            'Config': {'Hostname': self.hostname, 'Env': []},
            'State': {'ExitCode': code if code is None or code >= 0 else 128 - code,
                      'Status': self.status},
            'HostConfig': {'PortBindings': {}},
            'NetworkSettings': {
                'Networks': {'local': {'IPAddress': '127.0.0.1'}},
                'Ports': {k: [{'HostIp': '127.0.0.1', 'HostPort': str(v)}] for k, v in self.ports.items()}},
        }

    def logs(self, **kw):
        # A request to docker takes tens of milliseconds, in which a worker writes on. Some tests live on that: they look
        # for the line of a callback once they have the result of the task before it. So this waits for a log to rest.
        size, until = -1, time.monotonic() + 5
        while size != (size := os.path.getsize(self.logfile)) and time.monotonic() < until:
            time.sleep(.3)
        with open(self.logfile, 'rb') as fh:
            return fh.read()

    def exec_run(self, cmd, **kw):
        if isinstance(cmd, str) and cmd.startswith('cat /proc/net/'):
            if '/tcp' not in cmd:
                return 0, b''
            rows = [f'0: 00000000:{int(k.split("/")[0]):04X} 0:0 0A' for k, v in self.ports.items() if listening(v)]
            return 0, '\n'.join(rows).encode()
        out = subprocess.run(cmd, shell=isinstance(cmd, str), env=self.env(), cwd=self.cwd,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return out.returncode, out.stdout

    def kill(self, signal=None):          # noqa: A002
        self.signal(signal or 'SIGKILL')

    def signal(self, sig):
        num = getattr(signal, sig) if isinstance(sig, str) else sig
        if self.proc is None or self.proc.poll() is not None:
            return
        if num == signal.SIGKILL:
            os.killpg(self.proc.pid, num)   # a container's death takes all of its processes
            self.proc.wait()
        else:
            self.proc.send_signal(num)      # docker signals pid 1 of the container
            # The command takes docker longer than this. Without a pause two in a row are one for the process: while one is
            # pending the kernel drops the next of its kind, and so does Python until its handler has run.
            time.sleep(0.1)
        self.reload()

    def stop(self, timeout=10):
        if self.proc is None:
            return
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.proc.wait()
        self.reload()

    def restart(self, timeout=10):
        self.stop(timeout)
        self.start()

    def wait(self, timeout=None):
        return {'StatusCode': self.proc.wait(timeout) if self.proc else 0}

    def remove(self, force=False, **kw):
        self.stop(3)
        if self in LIVE:
            LIVE.remove(self)
        if not os.environ.get('SMOKE_KEEP'):
            shutil.rmtree(self.dir, ignore_errors=True)
        return True


class Redis(Proc):
    def __init__(self, kwargs):
        super().__init__(kwargs)
        self.port = free_port()
        self.ports = {'6379/tcp': self.port}
        self.hostname = f'localhost:{self.port}'

    def argv(self):
        return ['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '',
                '--dir', self.dir, '--loglevel', 'notice']


class Rabbit(Proc):
    def __init__(self, kwargs):
        super().__init__(kwargs)
        self.port, self.dist = free_port(), free_port()
        self.ports = {'5672/tcp': self.port}
        self.hostname = f'localhost:{self.port}'
        self.management = 'management' in kwargs['image']
        conf = f'listeners.tcp.1 = 127.0.0.1:{self.port}\nloopback_users = none\nlog.console = true\n'
        plugins = '[].'
        if self.management:
            self.mport = free_port()
            self.ports['15672/tcp'] = self.mport
            conf += f'management.tcp.port = {self.mport}\nmanagement.tcp.ip = 127.0.0.1\n'
            conf += 'collect_statistics_interval = 1000\n'
            plugins = '[rabbitmq_management].'
        with open(self.dir + '/rabbitmq.conf', 'w') as fh:
            fh.write(conf)
        with open(self.dir + '/plugins', 'w') as fh:
            fh.write(plugins)

    def env(self):
        return dict(os.environ, HOME=self.dir, RABBITMQ_NODENAME=f'{self.name.replace("-", "")}@localhost',
                    RABBITMQ_MNESIA_BASE=self.dir + '/mnesia', RABBITMQ_LOG_BASE=self.dir + '/rlog',
                    RABBITMQ_DIST_PORT=str(self.dist), RABBITMQ_CONFIG_FILE=self.dir + '/rabbitmq',
                    RABBITMQ_ENABLED_PLUGINS_FILE=self.dir + '/plugins', RABBITMQ_LOGS='-',
                    RABBITMQ_PID_FILE=self.dir + '/pid', PATH=RMQ + ':' + os.environ['PATH'])

    def argv(self):
        return [RMQ + '/rabbitmq-server']


class Worker(Proc):
    """Python worker, or SMOKE_WORKER."""

    def __init__(self, kwargs, volumes):
        super().__init__(kwargs)
        if 'latest' in kwargs['image'] or 'legacy' in kwargs['image']:
            pytest.skip(f'no local worker for image {kwargs["image"]}')
        self.app_dir = next((volumes[k].path for k, v in (kwargs.get('volumes') or {}).items()
                             if k in volumes and v['bind'] == '/app'), self.dir)
        self.command = [a.replace('%h', self.short_id) for a in kwargs.get('command') or []]

    cwd = property(lambda self: self.app_dir)
    config = property(lambda self: os.path.join(self.dir, 'config.json'))

    def changed_config(self):
        try:
            tree = ast.parse(open(self.app_dir + '/app.py').read())
        except OSError:
            return {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == 'config':
                try:
                    return ast.literal_eval(node.value) or {}
                except ValueError:
                    return {}
        return {}

    def env(self):
        env = dict(os.environ)
        env.update({k: str(v) for k, v in (self.kwargs.get('environment') or {}).items()})
        host, _, port = env.get('REDIS_HOST', '').partition(':')
        if port:
            env['REDIS_HOST'], env['REDIS_PORT'] = host, port
        env['PYTHONPATH'] = f'{self.app_dir}:{SUITE}'
        with open(self.config, 'w') as fh:
            # Celery does not look at names that are not its own, and a foreign worker may refuse them.
            json.dump({k: v for k, v in self.changed_config().items() if k in DEFAULTS}, fh, default=str)
        return env

    def argv(self):
        if FOREIGN:
            return [FOREIGN, *self.command[1:], '--config', self.config]
        return [os.path.join(os.path.dirname(PY), self.command[0])] + self.command[1:]

    def exec_run(self, cmd, **kw):
        if isinstance(cmd, str) and 'get_running_processes_info' in cmd:
            try:
                me = psutil.Process(self.proc.pid)
                procs = [me, *me.children(recursive=True)]
            except psutil.NoSuchProcess:
                procs = []
            rows = []
            for p in procs:
                try:
                    rows.append(p.as_dict(['pid', 'name', 'username', 'cmdline', 'create_time']))
                except psutil.NoSuchProcess:
                    pass
            return 0, json.dumps(rows).encode()
        if isinstance(cmd, str) and cmd.startswith('python '):
            cmd = PY + cmd[6:]
        elif isinstance(cmd, list) and cmd and cmd[0] == 'python':
            cmd = [PY] + cmd[1:]
        return super().exec_run(cmd, **kw)


class Volume:
    def __init__(self, name):
        self.name = name
        self.attrs = {'Labels': {}}
        self.path = os.path.join(ROOT, name)
        os.makedirs(self.path)

    def remove(self, force=False):
        if not os.environ.get('SMOKE_KEEP'):
            shutil.rmtree(self.path, ignore_errors=True)


class Client:
    def __init__(self):
        self.vols = {}
        ns = types.SimpleNamespace
        self.networks = ns(create=lambda name, **kw: ns(name=name, id=name, attrs={'Labels': {}}, remove=lambda: None))
        self.volumes = ns(create=self._volume)
        self.images = ns(build=lambda **kw: (ns(id=kw.get('tag') or 'scratch', tags=[kw.get('tag')]), iter(())),
                         pull=lambda **kw: ns(id=kw['repository'], tags=[kw['repository']]))
        self.containers = ns(run=self._run, create=self._create, list=lambda **kw: [])

    def _volume(self, name, **kw):
        self.vols[name] = Volume(name)
        return self.vols[name]

    def _create(self, image=None, volumes=None, **kw):
        vol = self.vols[next(iter(volumes))]

        def put_archive(path, fp):
            with tarfile.open(fileobj=fp) as tf:
                tf.extractall(vol.path, filter='data')
            return True
        return types.SimpleNamespace(put_archive=put_archive, remove=lambda force=False: None)

    def _run(self, **kwargs):
        image = str(kwargs['image'])
        if 'redis' in image:
            c = Redis(kwargs)
        elif 'rabbitmq' in image:
            c = Rabbit(kwargs)
        elif 'worker' in image:
            c = Worker(kwargs, self.vols)
        else:
            pytest.skip(f'no local process for image {image}')
        c.start()
        return c


@atexit.register
def _cleanup():
    for c in list(LIVE):
        try:
            c.remove(force=True)
        except Exception:  # noqa: BLE001
            pass
    if not os.environ.get('SMOKE_KEEP'):
        shutil.rmtree(ROOT, ignore_errors=True)


# End our processes when pytest itself is ended (a background shell job ignores SIGINT).  SystemExit would only fail the
# test that runs.
signal.signal(signal.SIGTERM, signal.default_int_handler)

docker.from_env = lambda *a, **kw: Client()
docker.client.from_env = docker.from_env

# On a machine that is itself a container pytest_docker_tools would use the
# inner port numbers; our "published" ports are the real ones.
import pytest_docker_tools.wrappers.container as _wc  # noqa: E402

_wc.tests_inside_container = lambda: False
