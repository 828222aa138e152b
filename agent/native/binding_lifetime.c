#include "binding_lifetime.h"

#include <stdlib.h>
#include <string.h>

#include "binding_values.h"

static struct handle *open_handles;
static pthread_mutex_t open_handles_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/*
 * process.exit() runs no finalizers, but the C library's exit handlers, OpenSSL's own clean-up among them: a thread
 * that still sealed packets would use what that freed. Handlers run newest first, so ours ends it before.
 */
static void close_all_at_exit(void)
{
    pthread_mutex_lock(&open_handles_lock);
    for (struct handle *handle = open_handles; handle != NULL; handle = handle->next) datapath_close(handle->datapath);
    pthread_mutex_unlock(&open_handles_lock);
}

static void register_at_exit(void)
{
    atexit(close_all_at_exit);
}

static void enlist(struct handle *handle)
{
    pthread_once(&exit_once, register_at_exit);
    pthread_mutex_lock(&open_handles_lock);
    handle->next = open_handles;
    open_handles = handle;
    pthread_mutex_unlock(&open_handles_lock);
}

static void strike_off(struct handle *handle)
{
    pthread_mutex_lock(&open_handles_lock);
    struct handle **at = &open_handles;
    while (*at != NULL && *at != handle) at = &(*at)->next;
    if (*at != NULL) *at = handle->next;
    pthread_mutex_unlock(&open_handles_lock);
}

/* From the datapath's thread: has Node call `take_events` on its own. */
static void wake(void *context)
{
    struct handle *handle = context;
    napi_call_threadsafe_function(handle->events, NULL, napi_tsfn_nonblocking);
}

/* An exception of the controller's is its own: it becomes an uncaughtException, and later events still come. */
static void call_receiver(napi_env env, napi_value receive, napi_value events)
{
    napi_value undefined, exception;
    napi_get_undefined(env, &undefined);
    if (napi_call_function(env, undefined, receive, 1, &events, NULL) != napi_pending_exception) return;
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
}

/* Node calls it with env NULL when it discards a wake-up at the end. */
static void take_events(napi_env env, napi_value receive, void *context, void *data)
{
    (void)data;
    struct handle *handle = context;
    if (env == NULL || handle->datapath->closed) return;

    bool more;
    uint32_t count = 0;
    datapath_begin_taking_events(handle->datapath);
    napi_value events = events_value(env, handle->datapath, &more);
    if (more) datapath_wake(handle->datapath);
    napi_get_array_length(env, events, &count);
    if (count > 0) call_receiver(env, receive, events);
}

void fault_throw(napi_env env, const struct fault *fault)
{
    static const char *const steps[] = {
#define FAULT_NAME(symbol, name) name,
        FAULT_STEPS(FAULT_NAME)
#undef FAULT_NAME
    };
    napi_value error, message, step, number;
    napi_create_string_utf8(env, strerror(fault->error), NAPI_AUTO_LENGTH, &message);
    napi_create_string_utf8(env, steps[fault->step], NAPI_AUTO_LENGTH, &step);
    napi_create_int32(env, fault->error, &number);
    napi_create_error(env, NULL, message, &error);
    napi_set_named_property(env, error, "step", step);
    napi_set_named_property(env, error, "errno", number);
    napi_throw(env, error);
}

static bool make_events_function(napi_env env, struct handle *handle, napi_value receive)
{
    napi_value name;
    napi_create_string_utf8(env, "tincan-datapath", NAPI_AUTO_LENGTH, &name);
    napi_status status = napi_create_threadsafe_function(env, receive, NULL, name, 0, 1, NULL, NULL, handle,
                                                         take_events, &handle->events);
    if (status != napi_ok) {
        handle->events = NULL;
        napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "receive must be a function.");
        return false;
    }
    napi_unref_threadsafe_function(env, handle->events);
    return true;
}

static void close_at_env_end(void *data)
{
    handle_close(data);
}

struct handle *handle_open(napi_env env, const struct datapath_options *options, napi_value receive)
{
    struct fault fault = {.step = FAULT_THREAD, .error = ENOMEM};
    struct handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        fault_throw(env, &fault);
        return NULL;
    }
    handle->env = env;
    if (!make_events_function(env, handle, receive)) {
        free(handle);
        return NULL;
    }
    handle->datapath = datapath_open(options, wake, handle, &fault);
    if (handle->datapath == NULL || !datapath_start(handle->datapath, &fault)) {
        fault_throw(env, &fault);
        napi_release_threadsafe_function(handle->events, napi_tsfn_abort);
        datapath_free(handle->datapath);
        free(handle);
        return NULL;
    }
    enlist(handle);
    /* After the function was made: hooks run newest first, so the thread ends before its function does. */
    napi_add_env_cleanup_hook(env, close_at_env_end, handle);
    return handle;
}

void handle_close(struct handle *handle)
{
    if (handle->events == NULL) return;
    strike_off(handle);
    datapath_close(handle->datapath);
    napi_remove_env_cleanup_hook(handle->env, close_at_env_end, handle);
    napi_release_threadsafe_function(handle->events, napi_tsfn_abort);
    handle->events = NULL;
}

void handle_finalize(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    struct handle *handle = data;
    handle_close(handle);
    datapath_free(handle->datapath);
    free(handle);
}
