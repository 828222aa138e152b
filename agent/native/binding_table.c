#include "binding_arguments.h"
#include "binding_call.h"
#include "control.h"

const napi_type_tag call_datapath_tag = {0x9b1f4c2ad07e4f63, 0xa6c85d10e23b9f74};

bool call_begin(napi_env env, napi_callback_info info, struct call *call)
{
    size_t count = MAX_ARGUMENTS;
    bool ours = false;
    void *wrapped = NULL;
    call->env = env;
    napi_get_cb_info(env, info, &count, call->arguments, &call->self, NULL);
    if (napi_check_object_type_tag(env, call->self, &call_datapath_tag, &ours) != napi_ok || !ours ||
        napi_unwrap(env, call->self, &wrapped) != napi_ok) {
        napi_throw_type_error(env, "ERR_INVALID_THIS", "this must be a Datapath.");
        return false;
    }
    call->handle = wrapped;
    call->datapath = call->handle->datapath;
    return true;
}

napi_value call_outcome(napi_env env, enum table_result result)
{
    switch (result) {
    case TABLE_OK:
        break;
    case TABLE_NO_MEMORY:
        napi_throw_error(env, "no-memory", "There is no memory for another peer or session.");
        break;
    case TABLE_NO_SUCH_PEER:
        napi_throw_error(env, "no-such-peer", "There is no peer in this slot.");
        break;
    case TABLE_MAC_IN_USE:
        napi_throw_error(env, "mac-in-use", "Another peer has this MAC.");
        break;
    case TABLE_INDEX_IN_USE:
        napi_throw_error(env, "index-in-use", "Another session has this receive index.");
        break;
    }
    return NULL;
}

napi_value table_method_set_peer(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    struct peer_addresses addresses;
    if (!call_begin(env, info, &call) || !argument_peer(env, call.arguments[0], &slot, &addresses)) return NULL;
    return call_outcome(env, control_set_peer(call.datapath, slot, &addresses));
}

napi_value table_method_remove_peer(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    if (!call_begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    control_remove_peer(call.datapath, slot);
    return NULL;
}

napi_value table_method_add_session(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    struct session_keys keys;
    napi_value result = NULL;
    if (!call_begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    if (argument_session(env, call.arguments[1], &keys)) {
        result = call_outcome(env, control_add_session(call.datapath, slot, &keys));
    }
    session_keys_wipe(&keys);
    return result;
}

napi_value table_method_use_session(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    if (!call_begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    control_use_session(call.datapath, slot);
    return NULL;
}

napi_value table_method_forget_previous_session(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    if (!call_begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    control_forget_previous_session(call.datapath, slot);
    return NULL;
}

napi_value table_method_set_path(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    napi_valuetype type;
    struct endpoint endpoint;
    uint32_t max_frame_bytes;
    if (!call_begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    napi_typeof(env, call.arguments[1], &type);
    if (type == napi_null) return call_outcome(env, control_set_path(call.datapath, slot, NULL, 0));
    if (!argument_endpoint(env, call.arguments[1], &endpoint) ||
        !argument_frame_bytes(env, call.arguments[2], FRAME_MAX_BYTES, &max_frame_bytes)) {
        return NULL;
    }
    return call_outcome(env, control_set_path(call.datapath, slot, &endpoint, max_frame_bytes));
}
