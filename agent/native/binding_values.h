/* What the datapath has to say, as JavaScript values in the shapes of agent/ports/datapath.ts. */
#ifndef TINCAN_BINDING_VALUES_H
#define TINCAN_BINDING_VALUES_H

#define NAPI_VERSION 8
#include <node_api.h>

#include "control.h"

/* At most this many events in one call of JavaScript, so that its other work has its turn. */
enum { EVENTS_A_CALL = 256 };

/*
 * The oldest events as an array of DatapathEvent, but frames of the slow path as {kind, slot, bundle}, many in one; bytes
 * are copies of their own. *more: the ring holds others yet.
 */
napi_value events_value(napi_env env, struct datapath *datapath, bool *more);

/* DatapathStats, but `peers` as an array of [slot, PeerTraffic]. */
napi_value stats_value(napi_env env, const struct datapath_snapshot *snapshot);

#endif
