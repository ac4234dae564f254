"""HOST:PORT, where the processes meet: what it says, and how process 0 listens there."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from ..errors import InputError

EVERYONE = 1024  # processes that may knock at the same moment


@dataclass(frozen=True, slots=True)
class Address:
    """The machine of process 0 and a port there.

    >>> print(Address.parse("node1:7777"), Address.parse("[::1]:7777").host)
    node1:7777 ::1
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that HOST:PORT says; raises :class:`~backtalk.InputError`."""
        host, _, port = text.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host or "/" in host:  # an IPv6 address without brackets, a URL
            host = ""
        if not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
            raise InputError(
                f"coordinator is {text!r}, expected HOST:PORT, the machine of process 0 and a free port there, such as "
                "node1:7777."
            )
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_here_only(self) -> bool:
        """Whether no other machine can reach it."""
        literal = _literal(self.host)
        return self.host == "localhost" if literal is None else literal.is_loopback

    def resolve(self) -> list[str]:
        """The numbers of the host; raises OSError where no machine has this name."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a part of the name is empty, or too long
            raise socket.gaierror(socket.EAI_NONAME, "no name of a machine") from None
        return list(dict.fromkeys(str(place[0]) for *_, place in found))

    def is_of_this_machine(self) -> bool:
        """Whether one of the host's numbers belongs to this machine."""
        return any(_may_bind(number) for number in self.resolve())

    def listen(self) -> tuple[socket.socket, str]:
        """A socket that listens here, and the address it listens at in numbers.

        A number of this machine is listened at alone. For a name every number of the machine is, since a machine often
        knows itself by another one (127.0.1.1 in /etc/hosts) than the others do.
        """
        literal, here = _literal(self.host), self.is_here_only
        hosts = [self.host] if literal is not None else self.resolve() if here else []
        if not here:
            hosts += ["::", "0.0.0.0"]
        for host in hosts:
            try:
                listener = _listener(host, self.port)
            except OSError as error:
                if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    continue
                raise self._refusal(error) from None
            return listener, str(Address(host, self.port))
        raise InputError(
            f"coordinator is {self}, but this machine, of process 0, has no such address: give one of its."
        )

    def _refusal(self, error: OSError) -> InputError:
        if error.errno == errno.EADDRINUSE:
            why = "is in use there, by another program or by a process 0 that runs already: give another port"
        elif error.errno == errno.EACCES:
            why = "may not be used by this user: give one of 1024 or more"
        else:
            why = f"cannot be listened at ({error.strerror}): give another port"
        return InputError(f"coordinator is {self}, but port {self.port} {why}.")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # JAX listens at the same port right after
        if host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # and IPv4 as well
        listener.bind((host, port))
        listener.listen(EVERYONE)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _may_bind(number: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in number else socket.AF_INET) as probe:
            probe.bind((number, 0))
    except OSError:
        return False
    return True
