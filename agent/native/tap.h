/*
 * A TAP device: Ethernet frames between this process and the kernel, one a system call. Where the kernel has it, a
 * frame may be a super-frame of up to 64 KiB, with a header that says what is left undone (vnet_header.h).
 */
#ifndef TINCAN_TAP_H
#define TINCAN_TAP_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"
#include "vnet_header.h"

struct tap {
    int fd; /* -1: not open */
    char name[IFNAMSIZ];
    bool vnet_header; /* every frame has one in front */
    bool tcp;         /* TSO: the kernel leaves TCP uncut, and takes it so */
    bool udp;         /* USO: the same for UDP (Linux 6.2) */
};

/*
 * Creates the device, down and without addresses; it goes when the descriptor is closed. `%d` in the name: a number.
 * With `offloads` it has as many of them as the kernel grants, down to none.
 */
bool tap_open(struct tap *tap, const char *name, bool offloads, struct fault *fault);
void tap_close(struct tap *tap);

/* The bytes of one frame; -1 with errno, EAGAIN where none waits. Its header is all zero where the device has none. */
ssize_t tap_read(const struct tap *tap, struct vnet_frame *frame);

/*
 * What its header leaves undone, a device without headers has done before. False where the kernel did not take it: the
 * device is down or gone, or refuses such a super-frame (EINVAL).
 */
bool tap_write(const struct tap *tap, struct vnet_frame *frame, size_t bytes);

#endif
