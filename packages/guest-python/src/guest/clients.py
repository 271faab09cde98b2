"""Clients of HTTP, given the host's exchanges in place of sockets: `http.client` with `urllib.request`, which is made of
it, and urllib3 with `requests`. `httpx` is in `httpx.py`.
"""

import functools

from .exchange import is_unconnected

# Set at the end of the boot, when `socket` may be imported: the module `sockets`.
sockets = None


def mend_http_client(module):
    make = module.HTTPConnection.__init__

    @functools.wraps(make)
    def __init__(self, *args, **kwargs):
        make(self, *args, **kwargs)
        self._create_connection = sockets.connect

    module.HTTPConnection.__init__ = __init__


def mend_urllib(module):
    def getproxies():
        """None: the host makes the connections. So nobody looks for them in the environment."""
        return {}

    getproxies.__module__ = module.__name__
    module.getproxies = getproxies


def mend_ssl(module):
    """The host makes the encrypted connection, and checks the certificate, whatever a context says."""
    wrap = module.SSLContext.wrap_socket

    @functools.wraps(wrap)
    def wrap_socket(self, sock, *args, **kwargs):
        if isinstance(sock, sockets.WireSocket):
            sock.wire.tls = True
            sock.context = self
            return sock
        return wrap(self, sock, *args, **kwargs)

    module.SSLContext.wrap_socket = wrap_socket


def mend_urllib3_sockets(module):
    module.create_connection = sockets.connect_late


def mend_urllib3(module):
    """What would have failed when connecting is known only when the answer is waited for."""
    wait = module.HTTPConnection.getresponse

    @functools.wraps(wait)
    def getresponse(self, *args, **kwargs):
        try:
            return wait(self, *args, **kwargs)
        except OSError as error:
            if not is_unconnected(error) or getattr(error, "capsule_code", "") == "ETLS":
                raise
            raise module.NewConnectionError(self, f"Failed to establish a new connection: {error}") from error

    module.HTTPConnection.getresponse = getresponse


REPAIRS = {
    "http.client": mend_http_client,
    "urllib.request": mend_urllib,
    "ssl": mend_ssl,
    "urllib3.util.connection": mend_urllib3_sockets,
    "urllib3.connection": mend_urllib3,
}
