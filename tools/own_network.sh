#!/bin/sh
# Run a command in a network of its own, without a way out: `tools/own_network.sh COMMAND ARGUMENT...`. Linux, root.
#
# A Chromium outside a network lab aborts what it loads (ERR_NETWORK_CHANGED) whenever another process makes or removes a lab.
# So tests that run side by side need networks of their own, and folders of their own for what labs keep by name.
# `tools/own_network.sh true` tells whether that is permitted here.
set -eu
if [ "${1-}" != --inside ]; then
    exec unshare --net --mount "$0" --inside "$@"
fi
shift

for folder in /run/netns /run/pyvidu-lab /etc/netns; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
done
mkdir /run/pyvidu-lab/tmp
export TMPDIR=/run/pyvidu-lab/tmp

# A browser with nothing but a loopback interface says that it is offline: here is another one, with a default route.
ip link set lo up
ip link add uplink type veth peer name nowhere
echo 1 >/proc/sys/net/ipv6/conf/uplink/disable_ipv6 2>/dev/null || true
ip address add 10.212.0.2/24 dev uplink
ip link set nowhere up
ip link set uplink up
ip route add default via 10.212.0.1

# What is sent there is refused at once, as by a firewall: nobody waits for an answer.
nft -f - <<END
table inet own_network {
  chain leaving {
    type filter hook output priority 0; policy accept;
    oifname "uplink" meta l4proto tcp reject with tcp reset
    oifname "uplink" meta l4proto udp reject
  }
}
END
exec "$@"
