"""Which machines before this one are believed in what they say of a caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of this installation.

    networks: of their addresses; none where there is no proxy.
    header:   in which they hand on the caller's certificate, and which they let nobody else set; empty: in none.
    cas:      a file of CA certificates (PEM) by which clients and signers may have theirs, or None.
    """

    networks: Sequence[Network] = ()
    header: str = ""
    cas: Path | None = None

    @property
    def tell_certificates(self) -> bool:
        """True where certificates of callers can reach the server."""
        return bool(self.networks and self.header)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is that of a proxy; what is no address is not."""
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self.networks)
