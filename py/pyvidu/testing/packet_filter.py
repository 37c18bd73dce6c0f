"""The nftables table at either end of a lab: it counts what arrives, drops what a fault says, and notes the flows."""

from __future__ import annotations

from typing import Literal

TCP, UDP = 6, 17
"""Protocol numbers (IANA)."""

_FAMILIES = {"": ("ip protocol", "ip", "ipv4_addr"), "6": ("meta l4proto", "ip6", "ipv6_addr")}
SUFFIXES = tuple(_FAMILIES)
"""What the names of the sets end with: nothing for IPv4, "6" for IPv6."""

_DNS_PORTS = "{ 53, 853 }"

# `ends` holds the guest's ends (address and port) of flows of the last 30 s; packets from or to a `dead` one are dropped for
# good, whatever the host's end: if one pair alone were dropped, ICE would use another. Neighbour discovery passes, as ARP
# does, which no table of this family sees.
_TABLE = f"""
table inet %(name)s {{
  counter dropped {{ }}
  counter passed {{ }}
  counter passed_tcp {{ }}
  counter passed_udp {{ }}
  %(sets)s
  chain faults {{ }}
  chain arriving {{
    type filter hook prerouting priority -300; policy accept;
    iifname != {{ %(interfaces)s }} accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
    %(departures)s
    %(killed)s
    jump faults
    %(flows)s
    meta l4proto {TCP} counter name passed_tcp
    meta l4proto {UDP} counter name passed_udp
    counter name passed
  }}
}}
"""


def packet_filter(name: str, interfaces: str, guest: Literal["saddr", "daddr"]) -> str:
    """Return the script of the table at the host, where the guest is the source ("saddr"), or at the guest ("daddr").

    At the host it drops departures, and counts them in `strays`: an address of this machine is none, on whatever interface,
    and multicast stays on the link.
    """
    sets, departures, killed, flows = [], [], [], []
    ports = f"meta l4proto {{ {TCP}, {UDP} }}"
    for suffix, (protocol, family, address) in _FAMILIES.items():
        kind = f"type inet_proto . {address} . inet_service"
        end = f"{protocol} . {family} {guest} . th {guest[0]}port"
        sets += [
            f"set strays{suffix} {{ {kind}; flags dynamic; size 4096; counter; }}",
            f"set ends{suffix} {{ {kind}; flags dynamic, timeout; timeout 30s; size 65535; }}",
            f"set dead{suffix} {{ {kind}; size 65535; }}",
        ]
        killed.append(f"{end} @dead{suffix} counter name dropped drop")
        flows.append(f"{ports} update @ends{suffix} {{ {end} }}")
        if guest == "saddr":
            note = f"update @strays{suffix} {{ {protocol} . {family} daddr . th dport }} drop"
            departures.append(f"{ports} th dport {_DNS_PORTS} {note}")
            departures.append(f"fib daddr type != {{ local, broadcast, multicast }} {note}")
    rules = {"sets": sets, "departures": departures, "killed": killed, "flows": flows}
    return _TABLE % {"name": name, "interfaces": interfaces, **{key: "\n".join(lines) for key, lines in rules.items()}}
