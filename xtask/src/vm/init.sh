#!/bin/busybox sh
# The first process of a guest: makes the usual file systems, brings loopback up, loads the modules
# listed in /job/modules, runs /job/command, hands both its streams and its exit status out through
# three virtio ports, and ends the machine. Whatever goes wrong here is on the console.
/bin/busybox --install -s /bin 2>/dev/null # all but sh, which is there
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /run /tmp /root /var/lib
mount -t devpts devpts /dev/pts
ln -sf pts/ptmx /dev/ptmx
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /tmp /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
hostname guest
ip link set lo up

# Drivers of the ports; built in on newer kernels.
for module in virtio_pci virtio_console; do modprobe -q $module; done

# Prints the device of the port called $1, once the driver has made it.
port() {
    tries=1000
    while [ $tries -gt 0 ]; do
        for at in /sys/class/virtio-ports/*; do
            if [ "$(cat "$at/name" 2>/dev/null)" = "$1" ]; then
                echo "/dev/${at##*/}"
                return
            fi
        done
        tries=$((tries - 1))
        usleep 10000
    done
    echo "init: no virtio port $1" >/dev/console
    reboot -f
}
status_port=$(port status)

# Through pipes: a port can be opened only once, and /dev/stdout only where that does not matter.
mkfifo /run/stdout /run/stderr
cat /run/stdout >"$(port stdout)" &
stdout=$!
cat /run/stderr >"$(port stderr)" &
stderr=$!

run() {
    while read -r module; do
        if ! modprobe "$module"; then
            echo "init: cannot load module $module; the kernel's last words:" >&2
            dmesg | tail -n 20 >&2
            return 125
        fi
    done </job/modules
    echo started >"$status_port"
    cd /root || return 125
    /bin/sh /job/command
}
run </dev/null >/run/stdout 2>/run/stderr
status=$?

# What the command left behind may hold the pipes open. Threads of the kernel have no program.
for at in /proc/[0-9]*; do
    pid=${at#/proc/}
    case $pid in 1 | "$stdout" | "$stderr") continue ;; esac
    readlink "$at/exe" >/dev/null && kill -9 "$pid"
done 2>/dev/null
wait "$stdout" "$stderr"
echo "status $status" >"$status_port"
reboot -f
