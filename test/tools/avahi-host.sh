#!/bin/sh
# avahi-daemon with a D-Bus of its own, on the network that this shell is in: /run is hidden behind an empty one, so that
# programs which join this mount namespace (nsenter --mount) find it where they look for the system's.
#   avahi-host.sh HOST-NAME INTERFACE
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/avahi-daemon
cat >/run/avahi.conf <<CONF
[server]
host-name=$1
allow-interfaces=$2
use-ipv4=yes
use-ipv6=yes
enable-dbus=yes
[publish]
publish-hinfo=no
publish-workstation=no
CONF
dbus-daemon --system --fork --nopidfile
exec avahi-daemon -f /run/avahi.conf --no-drop-root --no-chroot --no-rlimits 2>&1
