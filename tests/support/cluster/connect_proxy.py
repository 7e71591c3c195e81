"""An HTTP proxy for HTTPS that leads to one port, so that programs reach the hook by the name of its Service."""

import contextlib
import socket
import threading


class ConnectProxy:
    """
    Answers CONNECT to any host with a tunnel to `target`, a port on loopback; 502 if nothing listens there.

    Programs in Go use it with HTTPS_PROXY, except for addresses of loopback. `hosts` collects what they connect to.
    """

    def __init__(self, target: int) -> None:
        self.target, self.hosts = target, set[str]()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            header = b""
            while b"\r\n\r\n" not in header:
                if not (data := client.recv(4096)):
                    return
                header += data
            self.hosts.add(header.split()[1].decode())
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
