# Sourced by tools/run and tools/test: installs the Debian packages of a group that are missing, without a question.
# Needs root or sudo only when something is missing.

install_packages() {  # install_packages GROUP...
  local root_dir group missing=() package
  root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  for group in "$@"; do
    while read -r package; do
      dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done < <(sed -n "s/^$group //p" "$root_dir/tools/packages.txt" | tr ' ' '\n')
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "installing: ${missing[*]}" >&2
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "run this as root, or install sudo: packages are missing" >&2; return 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" bash -s "${missing[@]}" >&2 <<'INSTALL'
    export DEBIAN_FRONTEND=noninteractive
    # Servers that tests start by themselves must not be started as services of this machine.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      trap 'rm -f "$policy"' EXIT
      printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    fi
    apt-get update -q && apt-get install -y -q --no-install-recommends "$@" </dev/null
INSTALL
}
