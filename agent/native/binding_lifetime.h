/*
 * How long a datapath lives under Node. Its thread never keeps the process or a worker alive, and never outlives them:
 * it ends at close(), when the object is collected, when its worker ends, and at process.exit().
 */
#ifndef TINCAN_BINDING_LIFETIME_H
#define TINCAN_BINDING_LIFETIME_H

#define NAPI_VERSION 8
#include <node_api.h>

#include "datapath.h"

/* What the JavaScript object wraps. */
struct handle {
    struct datapath *datapath;
    napi_threadsafe_function events; /* NULL after close */
    napi_env env;
    struct handle *next; /* of those that are open */
};

/* Opens a datapath whose events go to `receive`; NULL with an exception thrown where that fails. */
struct handle *handle_open(napi_env env, const struct datapath_options *options, napi_value receive);

/* An Error with {step, errno}: adapters/native-datapath.ts has the sentences. */
void fault_throw(napi_env env, const struct fault *fault);

/* Idempotent. */
void handle_close(struct handle *handle);

/* napi_finalize: closes and frees. */
void handle_finalize(napi_env env, void *data, void *hint);

#endif
