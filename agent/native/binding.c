/*
 * The addon: three functions, and one class, `Datapath`, whose methods are those of agent/ports/datapath.ts. Every method checks `this` and
 * its arguments, calls one function of control.h, and turns the answer into a JavaScript value.
 */
#include <stdlib.h>

#include "aead_speed.h"
#include "binding_arguments.h"
#include "binding_call.h"
#include "binding_lifetime.h"
#include "binding_values.h"
#include "control.h"
#include "notify.h"
#include "process_memory.h"

enum { NOTIFY_PATH_BYTES = 128, NOTIFY_MESSAGE_BYTES = 2048 };

static napi_value truth(napi_env env, bool value)
{
    napi_value result;
    napi_get_boolean(env, value, &result);
    return result;
}

static napi_value send_frame(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    const uint8_t *frame;
    size_t bytes;
    if (!call_begin(env, info, &call) || !argument_slot(env, call.arguments[0], &slot) ||
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
    if (!call_begin(env, info, &call)) return NULL;
    napi_typeof(env, call.arguments[0], &type);
    if ((type != napi_null && !argument_slot(env, call.arguments[0], &slot)) ||
        !argument_bytes(env, call.arguments[1], "frame", &frame, &bytes)) {
        return NULL;
    }
    return truth(env, control_deliver(call.datapath, type == napi_null ? -1 : (int)slot, frame, bytes));
}

static napi_value deliver_bundle(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    const uint8_t *bundle;
    size_t bytes;
    if (call_begin(env, info, &call) && argument_slot(env, call.arguments[0], &slot) &&
        argument_bytes(env, call.arguments[1], "bundle", &bundle, &bytes)) {
        control_deliver_bundle(call.datapath, slot, bundle, bytes);
    }
    return NULL;
}

static napi_value send_probe(napi_env env, napi_callback_info info)
{
    struct call call;
    unsigned slot;
    struct endpoint endpoint;
    uint32_t id, frame_bytes;
    if (call_begin(env, info, &call) && argument_slot(env, call.arguments[0], &slot) &&
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
    if (call_begin(env, info, &call) && argument_endpoint(env, call.arguments[0], &endpoint) &&
        argument_bytes(env, call.arguments[1], "message", &message, &bytes)) {
        control_send_stun(call.datapath, &endpoint, message, bytes);
    }
    return NULL;
}

static napi_value stats(napi_env env, napi_callback_info info)
{
    struct call call;
    if (!call_begin(env, info, &call)) return NULL;
    struct datapath_snapshot *snapshot = malloc(sizeof *snapshot);
    if (snapshot == NULL) return call_outcome(env, TABLE_NO_MEMORY);
    control_snapshot(call.datapath, snapshot);
    napi_value result = stats_value(env, snapshot);
    free(snapshot);
    return result;
}

static napi_value restore_interface(napi_env env, napi_callback_info info)
{
    struct call call;
    struct fault fault = {.step = FAULT_TAP_LINK, .error = ENODEV};
    if (!call_begin(env, info, &call)) return NULL;
    if (call.datapath->closed || !datapath_restore_interface(call.datapath, &fault)) fault_throw(env, &fault);
    return NULL;
}

static napi_value close_datapath(napi_env env, napi_callback_info info)
{
    struct call call;
    if (call_begin(env, info, &call)) handle_close(call.handle);
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
    napi_type_tag_object(env, self, &call_datapath_tag);
    set_facts(env, self, handle->datapath);
    return self;
}

static napi_value give_back_memory(napi_env env, napi_callback_info info)
{
    (void)env;
    (void)info;
    process_memory_give_back();
    return NULL;
}

NAPI_MODULE_INIT()
{
#define METHOD(name, function) {.utf8name = name, .method = function, .attributes = napi_default_method}
    const napi_property_descriptor methods[] = {
        METHOD("setPeer", table_method_set_peer),     METHOD("removePeer", table_method_remove_peer), METHOD("addSession", table_method_add_session),
        METHOD("setPath", table_method_set_path),     METHOD("sendFrame", send_frame),   METHOD("deliver", deliver),
        METHOD("deliverBundle", deliver_bundle),
        METHOD("sendProbe", send_probe), METHOD("stats", stats),            METHOD("close", close_datapath),
        METHOD("sendStun", send_stun),   METHOD("useSession", table_method_use_session),
        METHOD("forgetPreviousSession", table_method_forget_previous_session),
        METHOD("restoreInterface", restore_interface),
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
    napi_create_function(env, "giveBackMemory", NAPI_AUTO_LENGTH, give_back_memory, NULL, &function);
    napi_set_named_property(env, exports, "giveBackMemory", function);
    process_memory_share_arenas();
    return exports;
}
