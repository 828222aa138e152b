/*
 * The addon: two functions, and one class, `Datapath`, whose methods are those of agent/ports/datapath.ts. Every method checks `this` and
 * its arguments, calls one function of control.h, and turns the answer into a JavaScript value.
 */
#include <stdlib.h>

#include "aead_speed.h"
#include "binding_arguments.h"
#include "binding_lifetime.h"
#include "binding_values.h"
#include "control.h"
#include "notify.h"

/* A random number of ours: an object without it is no Datapath, whatever `this` says. */
static const napi_type_tag datapath_tag = {0x9b1f4c2ad07e4f63, 0xa6c85d10e23b9f74};

enum { MAX_ARGUMENTS = 4, NOTIFY_PATH_BYTES = 128, NOTIFY_MESSAGE_BYTES = 2048 };

struct call {
    napi_env env;
    napi_value self;
    napi_value arguments[MAX_ARGUMENTS];
    struct handle *handle;
    struct datapath *datapath;
};

/* Missing arguments are `undefined`. */
static bool begin(napi_env env, napi_callback_info info, struct call *call)
{
    size_t count = MAX_ARGUMENTS;
    bool ours = false;
    void *wrapped = NULL;
    call->env = env;
    napi_get_cb_info(env, info, &count, call->arguments, &call->self, NULL);
    if (napi_check_object_type_tag(env, call->self, &datapath_tag, &ours) != napi_ok || !ours ||
        napi_unwrap(env, call->self, &wrapped) != napi_ok) {
        napi_throw_type_error(env, "ERR_INVALID_THIS", "this must be a Datapath.");
        return false;
    }
    call->handle = wrapped;
    call->datapath = call->handle->datapath;
    return true;
}

static napi_value truth(napi_env env, bool value)
{
    napi_value result;
    napi_get_boolean(env, value, &result);
    return result;
}

/* undefined, or an Error with the result's name as its code. */
static napi_value outcome(napi_env env, enum table_result result)
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

static napi_value set_peer(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    struct peer_addresses addresses;
    if (!begin(env, info, &call) || !argument_peer(env, call.arguments[0], &slot, &addresses)) return NULL;
    return outcome(env, control_set_peer(call.datapath, slot, &addresses));
}

static napi_value remove_peer(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    if (!begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    control_remove_peer(call.datapath, slot);
    return NULL;
}

static napi_value add_session(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    struct session_keys keys;
    napi_value result = NULL;
    if (!begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    if (argument_session(env, call.arguments[1], &keys)) {
        result = outcome(env, control_add_session(call.datapath, slot, &keys));
    }
    session_keys_wipe(&keys);
    return result;
}

static napi_value use_session(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    if (!begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    control_use_session(call.datapath, slot);
    return NULL;
}

static napi_value forget_previous_session(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    if (!begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    control_forget_previous_session(call.datapath, slot);
    return NULL;
}

/* A frame size that may be left out. */
static bool argument_frame_bytes(napi_env env, napi_value value, uint32_t otherwise, uint32_t *bytes)
{
    napi_valuetype type;
    napi_typeof(env, value, &type);
    *bytes = otherwise;
    return type == napi_undefined || argument_integer(env, value, "frame bytes", 0, FRAME_MAX_BYTES, bytes);
}

static napi_value set_path(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    napi_valuetype type;
    struct endpoint endpoint;
    uint32_t max_frame_bytes;
    if (!begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot)) return NULL;
    napi_typeof(env, call.arguments[1], &type);
    if (type == napi_null) return outcome(env, control_set_path(call.datapath, slot, NULL, 0));
    if (!argument_endpoint(env, call.arguments[1], &endpoint) ||
        !argument_frame_bytes(env, call.arguments[2], FRAME_MAX_BYTES, &max_frame_bytes)) {
        return NULL;
    }
    return outcome(env, control_set_path(call.datapath, slot, &endpoint, max_frame_bytes));
}

static napi_value send_frame(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    const uint8_t *frame;
    size_t bytes;
    if (!begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot) ||
        !argument_bytes(env, call.arguments[1], "frame", &frame, &bytes)) {
        return NULL;
    }
    return truth(env, control_send_frame(call.datapath, slot, frame, bytes));
}

static napi_value deliver(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot = 0;
    napi_valuetype type;
    const uint8_t *frame;
    size_t bytes;
    if (!begin(env, info, &call)) return NULL;
    napi_typeof(env, call.arguments[0], &type);
    if ((type != napi_null && !argument_slot(env, call.arguments[0], &slot)) ||
        !argument_bytes(env, call.arguments[1], "frame", &frame, &bytes)) {
        return NULL;
    }
    return truth(env, control_deliver(call.datapath, type == napi_null ? -1 : (int)slot, frame, bytes));
}

static napi_value send_probe(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    struct endpoint endpoint;
    uint32_t id, frame_bytes;
    if (begin(env, info, &call) && argument_slot(env, call.arguments[0], &slot) &&
        argument_endpoint(env, call.arguments[1], &endpoint) &&
        argument_integer(env, call.arguments[2], "id", 0, UINT32_MAX, &id) &&
        argument_frame_bytes(env, call.arguments[3], 0, &frame_bytes)) {
        control_send_probe(call.datapath, slot, &endpoint, id, frame_bytes);
    }
    return NULL;
}

static napi_value send_stun(napi_env env, napi_callback_info info)
{
    struct call call;
    struct endpoint endpoint;
    const uint8_t *message;
    size_t bytes;
    if (begin(env, info, &call) && argument_endpoint(env, call.arguments[0], &endpoint) &&
        argument_bytes(env, call.arguments[1], "message", &message, &bytes)) {
        control_send_stun(call.datapath, &endpoint, message, bytes);
    }
    return NULL;
}

static napi_value stats(napi_env env, napi_callback_info info)
{
    struct call call;
    if (!begin(env, info, &call)) return NULL;
    struct datapath_snapshot *snapshot = malloc(sizeof *snapshot);
    if (snapshot == NULL) return outcome(env, TABLE_NO_MEMORY);
    control_snapshot(call.datapath, snapshot);
    napi_value result = stats_value(env, snapshot);
    free(snapshot);
    return result;
}

static napi_value close_datapath(napi_env env, napi_callback_info info)
{
    struct call call;
    if (begin(env, info, &call)) handle_close(call.handle);
    return NULL;
}

static void set_facts(napi_env env, napi_value self, const struct datapath *datapath)
{
    napi_value name, port;
    napi_create_string_utf8(env, datapath->tap.name, NAPI_AUTO_LENGTH, &name);
    napi_create_uint32(env, datapath->socket.port, &port);
    napi_set_named_property(env, self, "tapName", name);
    napi_set_named_property(env, self, "udpPort", port);
    napi_set_named_property(env, self, "ip6Configured", truth(env, datapath->ip6_configured));
}

/* aeadSpeed(): megabytes a second of each cipher on this CPU. */
static napi_value aead_speeds(napi_env env, napi_callback_info info)
{
    (void)info;
    napi_value speeds, speed;
    napi_create_object(env, &speeds);
    napi_create_double(env, aead_speed(AEAD_AES_256_GCM), &speed);
    napi_set_named_property(env, speeds, "aes-256-gcm", speed);
    napi_create_double(env, aead_speed(AEAD_CHACHA20_POLY1305), &speed);
    napi_set_named_property(env, speeds, "chacha20-poly1305", speed);
    return speeds;
}

/* notify(path, message): 0, or the errno. */
static napi_value notify(napi_env env, napi_callback_info info)
{
    size_t count = 2;
    napi_value arguments[2], error;
    char path[NOTIFY_PATH_BYTES], message[NOTIFY_MESSAGE_BYTES];
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    if (!argument_text(env, arguments[0], "path", path, sizeof path) ||
        !argument_text(env, arguments[1], "message", message, sizeof message)) {
        return NULL;
    }
    napi_create_int32(env, notify_send(path, message), &error);
    return error;
}

/* new Datapath(options, receive) */
static napi_value construct(napi_env env, napi_callback_info info)
{
    size_t count = 2;
    napi_value self, target, arguments[2];
    char tap_name[IFNAMSIZ];
    struct datapath_options options;
    napi_get_cb_info(env, info, &count, arguments, &self, NULL);
    napi_get_new_target(env, info, &target);
    if (target == NULL) {
        napi_throw_type_error(env, "ERR_CONSTRUCT_CALL_REQUIRED", "Datapath must be called with new.");
        return NULL;
    }
    if (!argument_options(env, arguments[0], &options, tap_name)) return NULL;

    struct handle *handle = handle_open(env, &options, arguments[1]);
    if (handle == NULL) return NULL;
    if (napi_wrap(env, self, handle, handle_finalize, NULL, NULL) != napi_ok) {
        handle_finalize(env, handle, NULL);
        return NULL;
    }
    napi_type_tag_object(env, self, &datapath_tag);
    set_facts(env, self, handle->datapath);
    return self;
}

NAPI_MODULE_INIT()
{
#define METHOD(name, function) {.utf8name = name, .method = function, .attributes = napi_default_method}
    const napi_property_descriptor methods[] = {
        METHOD("setPeer", set_peer),     METHOD("removePeer", remove_peer), METHOD("addSession", add_session),
        METHOD("setPath", set_path),     METHOD("sendFrame", send_frame),   METHOD("deliver", deliver),
        METHOD("sendProbe", send_probe), METHOD("stats", stats),            METHOD("close", close_datapath),
        METHOD("sendStun", send_stun),   METHOD("useSession", use_session),
        METHOD("forgetPreviousSession", forget_previous_session),
    };
#undef METHOD
    napi_value class, function;
    napi_define_class(env, "Datapath", NAPI_AUTO_LENGTH, construct, NULL, sizeof methods / sizeof *methods, methods,
                      &class);
    napi_set_named_property(env, exports, "Datapath", class);
    napi_create_function(env, "aeadSpeed", NAPI_AUTO_LENGTH, aead_speeds, NULL, &function);
    napi_set_named_property(env, exports, "aeadSpeed", function);
    napi_create_function(env, "notify", NAPI_AUTO_LENGTH, notify, NULL, &function);
    napi_set_named_property(env, exports, "notify", function);
    return exports;
}
