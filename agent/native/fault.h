/* Why opening failed: the step and the kernel's errno. The adapter makes a sentence of it. */
#ifndef TINCAN_FAULT_H
#define TINCAN_FAULT_H

#include <errno.h>
#include <stdbool.h>

#define FAULT_STEPS(X)                                                                                                 \
    X(FAULT_TUN_DEVICE, "open-tun-device")                                                                             \
    X(FAULT_TAP_CREATE, "create-tap")                                                                                  \
    X(FAULT_TAP_LINK, "configure-tap")                                                                                 \
    X(FAULT_TAP_IP4, "add-ip4-address")                                                                                \
    X(FAULT_TAP_IP6, "add-ip6-address")                                                                                \
    X(FAULT_UDP_BIND, "bind-udp-port")                                                                                 \
    X(FAULT_THREAD, "start-thread")

enum fault_step {
#define FAULT_ENUM(symbol, name) symbol,
    FAULT_STEPS(FAULT_ENUM)
#undef FAULT_ENUM
};

struct fault {
    enum fault_step step;
    int error; /* errno */
};

/* For `return fault_at(...)`: notes errno, answers false. */
static inline bool fault_at(struct fault *fault, enum fault_step step, int error)
{
    *fault = (struct fault){.step = step, .error = error};
    return false;
}

#endif
