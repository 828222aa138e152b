/* A TAP device: Ethernet frames between this process and the kernel, one a system call. */
#ifndef TINCAN_TAP_H
#define TINCAN_TAP_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"

struct tap {
    int fd; /* -1: not open */
    char name[IFNAMSIZ];
};

/* Creates the device, down and without addresses; it goes when the descriptor is closed. `%d` in the name: a number. */
bool tap_open(struct tap *tap, const char *name, struct fault *fault);
void tap_close(struct tap *tap);

/* One frame; -1 with errno, EAGAIN where none waits. */
ssize_t tap_read(const struct tap *tap, uint8_t *frame, size_t capacity);

/* False where the kernel did not take it: the device is down or gone. */
bool tap_write(const struct tap *tap, const uint8_t *frame, size_t bytes);

#endif
