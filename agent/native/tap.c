#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Newer than some kernel headers that this is built with (Linux 6.2). */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static bool create(const struct tap *tap, struct ifreq *request, const char *name, short flags)
{
    memset(request, 0, sizeof *request);
    request->ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags);
    strncpy(request->ifr_name, name, IFNAMSIZ - 1);
    return ioctl(tap->fd, TUNSETIFF, request) == 0;
}

/* From all to none, what the kernel grants. */
static void grant_offloads(struct tap *tap)
{
    const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    int header_bytes = sizeof(struct vnet_header);
    if (ioctl(tap->fd, TUNSETVNETHDRSZ, &header_bytes) < 0) return;
    tap->udp = ioctl(tap->fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
    tap->tcp = tap->udp || ioctl(tap->fd, TUNSETOFFLOAD, tcp) == 0;
}

bool tap_open(struct tap *tap, const char *name, bool offloads, struct fault *fault)
{
    tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0) return fault_at(fault, FAULT_TUN_DEVICE, errno);

    struct ifreq request;
    tap->vnet_header = offloads && create(tap, &request, name, IFF_VNET_HDR);
    if (!tap->vnet_header && !create(tap, &request, name, 0)) {
        fault_at(fault, FAULT_TAP_CREATE, errno);
        tap_close(tap);
        return false;
    }
    memcpy(tap->name, request.ifr_name, IFNAMSIZ);
    if (tap->vnet_header) grant_offloads(tap);
    return true;
}

void tap_close(struct tap *tap)
{
    if (tap->fd >= 0) close(tap->fd);
    tap->fd = -1;
}

ssize_t tap_read(const struct tap *tap, struct vnet_frame *frame)
{
    if (!tap->vnet_header) {
        frame->header = (struct vnet_header){0};
        return read(tap->fd, frame->bytes, sizeof frame->bytes);
    }
    ssize_t bytes = read(tap->fd, frame, sizeof *frame);
    if (bytes < 0) return bytes;
    return bytes < (ssize_t)sizeof frame->header ? 0 : bytes - (ssize_t)sizeof frame->header;
}

bool tap_write(const struct tap *tap, struct vnet_frame *frame, size_t bytes)
{
    if (!tap->vnet_header) {
        vnet_finish_checksum(frame, bytes);
        return write(tap->fd, frame->bytes, bytes) == (ssize_t)bytes;
    }
    bytes += sizeof frame->header;
    return write(tap->fd, frame, bytes) == (ssize_t)bytes;
}
