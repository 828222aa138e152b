/* Peer to TAP. The caller holds the lock. */
#ifndef TINCAN_INBOUND_H
#define TINCAN_INBOUND_H

#include "datapath.h"

/* Carries what waits in the socket, at most one batch; false with errno where the socket is unusable. */
bool inbound_batch(struct datapath *datapath);

#endif
