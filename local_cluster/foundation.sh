#!/bin/sh
# Give a cluster namespaces of its own (mounts, network, processes) and become its supervisor, process 1 in them.
#
# When process 1 ends, the kernel takes everything inside along: processes, containers, mounts, interfaces, nftables.
# Outside there is only the host's end of one veth pair, which goes with the other end.
#
# Wants in the environment: RUN, CONFIG, FIXED_FOLDERS, LINK, NODE_ADDRESS, HOST_ADDRESS, POD_SUBNET,
# SERVICE_SUBNET, MTU, PYTHON. Called with `outside` in a new mount namespace; calls itself with `inside`.
set -eu
host_network=$RUN/host-network
on_host() { nsenter --net="$host_network" "$@"; }

if [ "$1" = outside ]; then
    : > "$host_network"
    mount --bind /proc/self/ns/net "$host_network"
    exec unshare --net --pid --fork --kill-child sh "$0" inside
fi

mount -t proc proc /proc
mount --make-rshared /  # kubelet and containerd see each other's mounts; the host sees none
for folder in $FIXED_FOLDERS; do
    mount -t tmpfs tmpfs "$folder"  # paths that are fixed in the programs and would be shared with others
done
# kubelet wants these settings of the whole machine and would change them for good: it sees them as it wishes.
mkdir "$RUN/shown-settings"
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    shown=$RUN/shown-settings/$(basename "${setting%=*}")
    echo "${setting#*=}" > "$shown"
    mount --bind "$shown" "/proc/sys/${setting%=*}"
done

# One veth pair joins host and node, another each pod and the node: between any two of them the node routes, so that every
# packet of a pod's passes its packet filter, where network policies are.
echo 1 > /proc/sys/net/ipv4/ip_forward
for of in all default; do
    echo 0 > "/proc/sys/net/ipv4/conf/$of/send_redirects"
    echo 1 > "/proc/sys/net/ipv4/conf/$of/rp_filter"  # nobody sends in the name of another
done
ip link set lo up
ip link add uplink mtu "$MTU" type veth peer name "$LINK" mtu "$MTU" netns "$host_network"
ip address add "$NODE_ADDRESS" peer "$HOST_ADDRESS" dev uplink
ip link set uplink up
on_host ip address add "$HOST_ADDRESS" peer "$NODE_ADDRESS" dev "$LINK"
on_host ip link set "$LINK" up
on_host ip route add "$POD_SUBNET" via "$NODE_ADDRESS" src "$HOST_ADDRESS"
ip route add default via "$HOST_ADDRESS"
ip route add unreachable "$POD_SUBNET"  # an address that no pod has must not leave by it, and come back
# Cluster IPs that no rule translates must not leave by the default route.
ip route add "$SERVICE_SUBNET" dev uplink src "$NODE_ADDRESS"
on_host ip route add "$SERVICE_SUBNET" via "$NODE_ADDRESS" src "$HOST_ADDRESS"

# Names are resolved by the host's own resolv.conf, which is no copy and so follows every change of the host's. A server
# on the host's loopback is not on this one: the cluster's DNS server answers in its place, and may do so without root.
nft "table ip host-resolver { chain output { type nat hook output priority -100
    ip daddr 127.0.0.0/8 meta l4proto { tcp, udp } th dport 53 dnat to $NODE_ADDRESS; }; }"
echo 53 > /proc/sys/net/ipv4/ip_unprivileged_port_start

exec "$PYTHON" -P -m supervisor.supervisord --nodaemon --configuration "$CONFIG/supervisord.conf"
