#!/bin/sh
# Installs the outside programs that the tests and the bench drive, from Debian's packages.
#
#   programs.sh          what `make test` and `make bench` need
#   programs.sh ova      what `make ova` needs
#
# As root, or with a sudo that asks nothing; otherwise it says what is missing and fails. A program
# that is there already is left alone. Services that the packages bring are neither started nor
# enabled: the tests start what they need, on free ports and in temporary folders.
set -eu

PATH=$PATH:/usr/sbin:/sbin

# program:package
wanted="
    dockerd:docker.io
    docker:docker.io
    podman:podman
    buildah:buildah
    skopeo:skopeo
    docker-registry:docker-registry
    go:golang-go
    nginx:nginx-light
    wrk:wrk
    rsyslogd:rsyslog
    setpriv:util-linux
    mkfs.ext4:e2fsprogs
    mkfs.xfs:xfsprogs
    systemd-analyze:systemd
    ansible-playbook:ansible
    mmdebstrap:mmdebstrap
    nft:nftables
    sshd:openssh-server
    ssh-keygen:openssh-client
"

wanted_ova="
    ansible-playbook:ansible
    debugfs:e2fsprogs
    git:git
    grub-mkimage:grub-common
    mcopy:mtools
    mkfs.vfat:dosfstools
    mmdebstrap:mmdebstrap
    packer:packer
    qemu-img:qemu-utils
    qemu-system-x86_64:qemu-system-x86
    sfdisk:fdisk
    ssh-keygen:openssh-client
    xorriso:xorriso
"

kind=${1:-test}
case $kind in
test) ;;
ova) wanted=$wanted_ova ;;
*) echo "usage: programs.sh [test|ova]" >&2 && exit 2 ;;
esac

packages=
for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || packages="$packages ${pair##*:}"
done
if [ "$kind" = test ]; then
    if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null 2>&1; then
        packages="$packages postgresql"
    fi
    if ! ls /usr/lib/*/rsyslog/lmnsd_gtls.so /usr/lib/rsyslog/lmnsd_gtls.so >/dev/null 2>&1; then
        packages="$packages rsyslog-gnutls"
    fi
    # A library without a program: the tests build their own vCenter of it.
    if [ ! -d /usr/share/gocode/src/github.com/vmware/govmomi/simulator ]; then
        packages="$packages golang-github-vmware-govmomi-dev"
    fi
else
    # These are no programs on the path: loaders, firmware, Debian's keys and the writer of disks.
    [ -d /usr/lib/grub/i386-pc ] || packages="$packages grub-pc-bin"
    [ -d /usr/lib/grub/x86_64-efi ] || packages="$packages grub-efi-amd64-bin"
    [ -e /usr/share/OVMF/OVMF_CODE.fd ] || packages="$packages ovmf"
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || packages="$packages debian-archive-keyring"
    /usr/bin/python3 -c 'import VMDKstream' 2>/dev/null || packages="$packages python3-vmdkstream"
fi
# shellcheck disable=SC2086 # the list of packages is meant to be split
packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ')
[ -n "${packages% }" ] || exit 0

fail() {
    echo "programs: $*" >&2
    exit 1
}

command -v apt-get >/dev/null 2>&1 ||
    fail "these are missing, by the names of Debian's packages: $packages"
if [ "$(id -u)" = 0 ]; then
    root=
elif sudo -n true >/dev/null 2>&1; then
    root="sudo -n"
else
    fail "these of Debian's packages are missing; as root, run: apt-get install $packages"
fi

policy=/usr/sbin/policy-rc.d
ours=
tidy() {
    [ -z "$ours" ] || $root rm -f "$policy"
}
trap tidy EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    # Debian's way to say that an installed service is not to be started.
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    ours=yes
    $root chmod +x "$policy"
fi

had_clusters=$(ls -A /etc/postgresql 2>/dev/null || true)
echo "programs: installing Debian's $packages"
$root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
# shellcheck disable=SC2086 # the list of packages is meant to be split
$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends $packages

for package in $packages; do
    case $package in
    docker.io) services="docker.service docker.socket containerd.service" ;;
    docker-registry) services=docker-registry.service ;;
    nginx-light) services=nginx.service ;;
    rsyslog) services="rsyslog.service syslog.socket" ;;
    nftables) services=nftables.service ;;
    openssh-server) services=ssh.service ;;
    postgresql) services=postgresql.service ;;
    podman) services="podman.socket podman.service podman-auto-update.timer podman-restart.service" ;;
    *) continue ;;
    esac
    if [ -d /run/systemd/system ]; then
        # shellcheck disable=SC2086
        $root systemctl disable --quiet $services || true
    fi
done
if [ -z "$had_clusters" ] && [ -d /etc/postgresql ]; then
    for cluster in /etc/postgresql/*/main; do
        [ -d "$cluster" ] || continue
        $root pg_dropcluster --stop "$(basename "$(dirname "$cluster")")" main
    done
fi
