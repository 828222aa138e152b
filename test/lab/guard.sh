#!/bin/sh
# Holds a lab and takes it away again: the only cleanup there is, for a normal end and for SIGKILL alike.
#   guard.sh NAME DIRECTORY [private]
# It makes DIRECTORY, says "ready", and waits until its standard input closes, which happens however its owner ends.
# Then it stops every process in the network namespaces called NAME-*, deletes them, and deletes DIRECTORY.
# `private`: it was started in a user and mount namespace of its own, and /run there is hidden behind an empty one.
name=$1
directory=$2

# Only the closed pipe ends it: Ctrl-C is for the owner, and nobody may be listening to what it prints.
trap '' HUP INT TERM PIPE

namespaces() {
  ip netns list 2>/dev/null | cut -d ' ' -f 1 | grep "^$name-"
}

processes() {
  for namespace in $(namespaces); do ip netns pids "$namespace" 2>/dev/null; done
}

# Sends a signal to all, again and again for new ones, until none is left or the tenths of a second are over.
stop_all() {
  signal=$1 tenths=$2
  while [ "$tenths" -gt 0 ]; do
    left=$(processes)
    [ -z "$left" ] && return 0
    # Word splitting is wanted: one argument a process.
    kill -s "$signal" $left 2>/dev/null
    sleep 0.1
    tenths=$((tenths - 1))
  done
  return 1
}

if [ "$3" = private ]; then mount -t tmpfs tmpfs /run || exit 1; fi
mkdir -m 0700 "$directory" || exit 1
echo ready
cat >/dev/null

stop_all TERM 20 || stop_all KILL 50
for namespace in $(namespaces); do ip netns delete "$namespace" 2>/dev/null; done
rm -rf -- "$directory"
[ -z "$(namespaces)" ] && [ ! -e "$directory" ]
