"""A TCP proxy on loopback between one client and one server, which harms what passes."""
import asyncio
import socket
import struct
import threading


class Proxies:
    """The event loop of all proxies, on a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self, port):
        """Opens a proxy to a port of this machine."""
        proxy = Proxy(self.loop, port)
        asyncio.run_coroutine_threadsafe(proxy.listen(), self.loop).result(10)
        return proxy


# What a proxy does to bytes: nothing passes; answers vanish; answers come so many seconds late; each way so many bytes
# pass in a second.
HARMLESS = {"is_black_hole": False, "drops_answers": False, "lateness": 0, "rate": 0}


class Proxy:
    def __init__(self, loop, upstream):
        self.loop, self.upstream, self.port = loop, upstream, None
        self.__dict__ |= HARMLESS
        self.writers = set()

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def reset(self):
        """Resets all connections, on both sides."""
        self.loop.call_soon_threadsafe(lambda: [abort(writer) for writer in list(self.writers)])

    def ports(self):
        """The ports from which the server sees the connections."""
        ports = []
        for writer in list(self.writers):
            peer, own = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
            if peer and own and peer[1] == self.upstream:
                ports.append(own[1])
        return ports

    async def serve(self, client, to_client):
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            return abort(to_client)
        pair = {to_client, to_server}
        self.writers |= pair
        try:
            pumps = [self.pump(client, to_server, False), self.pump(server, to_client, True)]
            tasks = [asyncio.ensure_future(pump) for pump in pumps]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self.writers -= pair
            for writer in pair:
                writer.close()

    async def pump(self, reader, writer, is_answer):
        while data := await reader.read(1 << 16):
            if is_answer and self.lateness:
                await asyncio.sleep(self.lateness)
            while self.is_black_hole:
                await asyncio.sleep(0.02)
            if is_answer and self.drops_answers:
                continue
            if self.rate:
                await asyncio.sleep(len(data) / self.rate)
            writer.write(data)
            await writer.drain()


def abort(writer):
    """Closes a connection by RST."""
    connection = writer.get_extra_info("socket")
    if connection:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()
