#!/bin/sh
# Installs the real parts that tests talk to, and starts none of them: policy-rc.d forbids it while apt runs.
set -eu

packages='openssh-server openssh-client dropbear-bin busybox zsh mksh fish tcsh frr bird2 less nginx openssl iproute2'

if [ "$(id -u)" -ne 0 ]; then
  echo "make test-setup installs Debian packages and needs root: sudo make test-setup"
  exit 1
fi
if ! command -v apt-get >/dev/null; then
  echo "make test-setup knows Debian and its kin; install these yourself: $packages"
  exit 1
fi

policy=/usr/sbin/policy-rc.d
kept=
restore() {
  if [ -n "$kept" ]; then mv -f "$kept" "$policy"; else rm -f "$policy"; fi
}
if [ -e "$policy" ]; then
  kept=$policy.kept
  mv "$policy" "$kept"
fi
trap restore EXIT INT TERM
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $packages >/dev/null
echo "installed, and not started: $packages"
