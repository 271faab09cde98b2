"""`_ssl`, of which the library makes `ssl`: contexts can be made and set up as always, and nothing comes of it. The
host makes the encrypted connections of a sandbox, and checks their certificates.
"""

import errno
import sys
from types import ModuleType

NO_SOCKETS = "encrypted sockets are not possible in a Capsule sandbox: its host makes the connections of HTTPS"
NO_KEYS = "client certificates are not possible in a Capsule sandbox: its host makes the connections of HTTPS"

# Numbers as OpenSSL 3 has them.
_NUMBERS = """
PROTOCOL_SSLv23 2 PROTOCOL_TLS 2 PROTOCOL_TLS_CLIENT 16 PROTOCOL_TLS_SERVER 17 PROTOCOL_TLSv1 3 PROTOCOL_TLSv1_1 4
PROTOCOL_TLSv1_2 5 CERT_NONE 0 CERT_OPTIONAL 1 CERT_REQUIRED 2
OP_ALL 2147483728 OP_CIPHER_SERVER_PREFERENCE 4194304 OP_ENABLE_KTLS 8 OP_ENABLE_MIDDLEBOX_COMPAT 1048576
OP_IGNORE_UNEXPECTED_EOF 128 OP_LEGACY_SERVER_CONNECT 4 OP_NO_COMPRESSION 131072 OP_NO_RENEGOTIATION 1073741824
OP_NO_SSLv2 0 OP_NO_SSLv3 33554432 OP_NO_TICKET 16384 OP_NO_TLSv1 67108864 OP_NO_TLSv1_1 268435456
OP_NO_TLSv1_2 134217728 OP_NO_TLSv1_3 536870912 OP_SINGLE_DH_USE 0 OP_SINGLE_ECDH_USE 0
VERIFY_ALLOW_PROXY_CERTS 64 VERIFY_CRL_CHECK_CHAIN 12 VERIFY_CRL_CHECK_LEAF 4 VERIFY_DEFAULT 0
VERIFY_X509_PARTIAL_CHAIN 524288 VERIFY_X509_STRICT 32 VERIFY_X509_TRUSTED_FIRST 32768
SSL_ERROR_EOF 8 SSL_ERROR_INVALID_ERROR_CODE 10 SSL_ERROR_SSL 1 SSL_ERROR_SYSCALL 5 SSL_ERROR_WANT_CONNECT 7
SSL_ERROR_WANT_READ 2 SSL_ERROR_WANT_WRITE 3 SSL_ERROR_WANT_X509_LOOKUP 4 SSL_ERROR_ZERO_RETURN 6
PROTO_MAXIMUM_SUPPORTED -1 PROTO_MINIMUM_SUPPORTED -2 PROTO_SSLv3 768 PROTO_TLSv1 769 PROTO_TLSv1_1 770
PROTO_TLSv1_2 771 PROTO_TLSv1_3 772 HOSTFLAG_NEVER_CHECK_SUBJECT 32 ENCODING_PEM 1 ENCODING_DER 2
ALERT_DESCRIPTION_CLOSE_NOTIFY 0 ALERT_DESCRIPTION_HANDSHAKE_FAILURE 40 ALERT_DESCRIPTION_INTERNAL_ERROR 80
""".split()
_THERE = "SNI ECDH ALPN TLSv1_2 TLSv1_3"
_NOT_THERE = "NPN SSLv2 SSLv3 TLSv1 TLSv1_1 PSK PSK_TLS13 PHA"
_OBJECTS = {
    "1.3.6.1.5.5.7.3.1": (129, "serverAuth", "TLS Web Server Authentication"),
    "1.3.6.1.5.5.7.3.2": (130, "clientAuth", "TLS Web Client Authentication"),
}


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    library = reason = None

    def __str__(self):
        return str(self.args[-1]) if self.args else ""


def _error(name, *bases):
    return type(name, bases or (SSLError,), {"__module__": "ssl"})


class _SSLContext:
    def __new__(cls, protocol=2):
        self = super().__new__(cls)
        is_client = protocol == 16
        vars(self).update(
            _protocol=protocol,
            _options=2186412112,
            _verify_flags=32768,
            _verify_mode=2 if is_client else 0,
            _minimum_version=771,
            _maximum_version=-1,
            _message=None,
            check_hostname=is_client,
            _host_flags=0,
            post_handshake_auth=False,
            num_tickets=2,
            security_level=2,
            sni_callback=None,
        )
        return self

    protocol = property(lambda self: self._protocol)

    def _nothing(self, *args, **kwargs):
        pass

    load_verify_locations = set_default_verify_paths = set_ciphers = set_ecdh_curve = load_dh_params = _nothing
    _set_alpn_protocols = set_groups = set_ciphersuites = _nothing
    set_client_sigalgs = set_server_sigalgs = _nothing

    def _empty(self, *args, **kwargs):
        return []

    get_ca_certs = get_ciphers = get_groups = _empty

    def cert_store_stats(self):
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self):
        return {}

    def load_cert_chain(self, *args, **kwargs):
        raise OSError(errno.ENOTSUP, NO_KEYS)

    def _refuse(self, *args, **kwargs):
        raise OSError(errno.ENOTSUP, NO_SOCKETS)

    _wrap_socket = _wrap_bio = _refuse


def _setting(name):
    return property(lambda self: getattr(self, name), lambda self, value: setattr(self, name, value))


for _name in "options verify_flags verify_mode minimum_version maximum_version".split():
    setattr(_SSLContext, _name, _setting(f"_{_name}"))
_SSLContext._msg_callback = _setting("_message")


class MemoryBIO:
    def __init__(self):
        self._data, self._ended = b"", False

    pending = property(lambda self: len(self._data))
    eof = property(lambda self: self._ended and not self._data)

    def read(self, size=-1):
        size = len(self._data) if size < 0 else size
        data, self._data = self._data[:size], self._data[size:]
        return data

    def write(self, data):
        self._data += bytes(data)
        return len(data)

    def write_eof(self):
        self._ended = True


def _txt2obj(txt, name=False):
    for oid, (nid, short, long) in _OBJECTS.items():
        if txt == oid or name and txt in (short, long):
            return nid, short, long, oid
    raise ValueError(f"unknown object '{txt[:100]}'")


def _nid2obj(nid):
    for oid, (number, short, long) in _OBJECTS.items():
        if nid == number:
            return nid, short, long, oid
    raise ValueError(f"unknown NID {nid}")


def install():
    """Before anything imports `ssl`."""
    module = ModuleType("_ssl", "Stands in for OpenSSL, which is not in a Capsule sandbox.")
    scope = vars(module)
    scope.update(zip(_NUMBERS[::2], map(int, _NUMBERS[1::2]), strict=True))
    scope.update((f"HAS_{name}", True) for name in _THERE.split())
    scope.update((f"HAS_{name}", False) for name in _NOT_THERE.split())
    SSLError.__module__ = "ssl"
    scope["SSLError"] = SSLError
    for name in "ZeroReturn WantRead WantWrite Syscall EOF".split():
        scope[f"SSL{name}Error"] = _error(f"SSL{name}Error")
    scope["SSLCertVerificationError"] = _error("SSLCertVerificationError", SSLError, ValueError)
    scope["SSLSession"] = type("SSLSession", (), {"__module__": "_ssl"})
    for kind in (_SSLContext, MemoryBIO):
        kind.__module__ = "_ssl"
        scope[kind.__name__] = kind
    scope.update(
        txt2obj=_txt2obj,
        nid2obj=_nid2obj,
        RAND_status=lambda: True,
        RAND_add=lambda data, entropy: None,
        RAND_bytes=_random,
        get_sigalgs=lambda: [],
        get_default_verify_paths=lambda: ("SSL_CERT_FILE", "/etc/ssl/cert.pem", "SSL_CERT_DIR", "/etc/ssl/certs"),
        OPENSSL_VERSION="OpenSSL 3.0.0 (stands for that of the host)",
        OPENSSL_VERSION_NUMBER=0x30000000,
        OPENSSL_VERSION_INFO=(3, 0, 0, 0, 0),
        _OPENSSL_API_VERSION=(3, 0, 0, 0, 0),
        _DEFAULT_CIPHERS="DEFAULT",
    )
    sys.modules["_ssl"] = module


def _random(size):
    from os import urandom

    return urandom(size)
