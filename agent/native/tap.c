#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool tap_open(struct tap *tap, const char *name, struct fault *fault)
{
    tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0) return fault_at(fault, FAULT_TUN_DEVICE, errno);

    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(tap->fd, TUNSETIFF, &request) < 0) {
        fault_at(fault, FAULT_TAP_CREATE, errno);
        tap_close(tap);
        return false;
    }
    memcpy(tap->name, request.ifr_name, IFNAMSIZ);
    return true;
}

void tap_close(struct tap *tap)
{
    if (tap->fd >= 0) close(tap->fd);
    tap->fd = -1;
}

ssize_t tap_read(const struct tap *tap, uint8_t *frame, size_t capacity)
{
    return read(tap->fd, frame, capacity);
}

bool tap_write(const struct tap *tap, const uint8_t *frame, size_t bytes)
{
    return write(tap->fd, frame, bytes) == (ssize_t)bytes;
}
