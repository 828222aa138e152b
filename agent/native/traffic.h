/* What passed, in frames and bytes, and when: the counters behind `tincan status`. */
#ifndef TINCAN_TRAFFIC_H
#define TINCAN_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "drop_reason.h"

struct traffic {
    uint64_t frames;
    uint64_t bytes;
};

/* Times are of clock_us; 0 is never. */
struct peer_traffic {
    struct traffic sent;
    struct traffic received;
    uint64_t last_sent_us;     /* a frame or a probe; an echo answers and is no sign of wanting something */
    uint64_t last_received_us; /* any authentic packet */
};

struct counters {
    struct traffic from_tap;
    struct traffic to_tap;
    uint64_t drops[DROP_REASON_COUNT];
};

static inline void traffic_count(struct traffic *traffic, size_t bytes)
{
    traffic->frames++;
    traffic->bytes += bytes;
}

#endif
