/*
 * What every method of the addon's class `Datapath` begins and ends with, and the methods that program the table of
 * peers (binding_table.c); those that carry frames are in binding.c.
 */
#ifndef TINCAN_BINDING_CALL_H
#define TINCAN_BINDING_CALL_H

#include "binding_lifetime.h"
#include "table.h"

enum { MAX_ARGUMENTS = 4 };

struct call {
    napi_env env;
    napi_value self;
    napi_value arguments[MAX_ARGUMENTS];
    struct handle *handle;
    struct datapath *datapath;
};

/* A random number of ours: an object without it is no Datapath, whatever `this` says. */
extern const napi_type_tag call_datapath_tag;

/* False, with a TypeError pending, where `this` is no Datapath. Missing arguments are `undefined`. */
bool call_begin(napi_env env, napi_callback_info info, struct call *call);

/* undefined, or an Error with the result's name as its code. */
napi_value call_outcome(napi_env env, enum table_result result);

napi_value table_method_set_peer(napi_env env, napi_callback_info info);
napi_value table_method_remove_peer(napi_env env, napi_callback_info info);
napi_value table_method_add_session(napi_env env, napi_callback_info info);
napi_value table_method_use_session(napi_env env, napi_callback_info info);
napi_value table_method_forget_previous_session(napi_env env, napi_callback_info info);
napi_value table_method_set_path(napi_env env, napi_callback_info info);

#endif
