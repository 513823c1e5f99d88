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
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q >&2 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}
