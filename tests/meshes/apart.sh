#!/usr/bin/env bash
# Runs a command where nothing of it stays: in namespaces of its own, with a network of loopback alone, and with an overlay
# over this machine's files, so that /etc/hosts and /certs are what Envoy Gateway needs and are gone afterwards. Needs root.
# What it writes below the folders that are named first does stay.
#
#   apart.sh FOLDER… -- COMMAND…
set -euo pipefail

if [[ -z ${SCRATCH:-} ]]; then
  SCRATCH=$(mktemp -d)
  export SCRATCH
  trap 'rmdir "$SCRATCH"' EXIT
  unshare --mount --net --pid --fork --kill-child -- "$0" "$@"
  exit
fi

mount -t tmpfs none "$SCRATCH"
root=$SCRATCH/root
mkdir "$SCRATCH/upper" "$SCRATCH/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" "$root"
folder=$PWD
for each in /dev /sys /tmp; do mount --rbind "$each" "$root$each"; done
while [[ $1 != -- ]]; do
  mount --rbind "$1" "$root$1"
  shift
done
shift
mount -t proc proc "$root/proc"
ip link set lo up
# shellcheck disable=SC2016 # for the shell inside
exec chroot "$root" bash -c 'cd "$0" && exec "$@"' "$folder" "$@"
