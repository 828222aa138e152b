#include "datapath.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

static bool watch(const struct datapath *datapath, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(datapath->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_devices(struct datapath *datapath, const struct datapath_options *options, struct fault *fault)
{
    return tap_open(&datapath->tap, options->tap_name, options->tap_offloads, fault) &&
           socket_open(&datapath->socket, options->udp_port, options->udp_offloads, fault) &&
           datapath_restore_interface(datapath, fault);
}

static bool open_loop(struct datapath *datapath, struct fault *fault)
{
    datapath->stop_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    datapath->poll = epoll_create1(EPOLL_CLOEXEC);
    bool ready = datapath->stop_event >= 0 && datapath->poll >= 0 && watch(datapath, datapath->stop_event) &&
                 watch(datapath, datapath->tap.fd) && watch(datapath, datapath->socket.fd) &&
                 event_ring_init(&datapath->ring);
    return ready || fault_at(fault, FAULT_THREAD, errno);
}

struct datapath *datapath_open(const struct datapath_options *options, wake_function *wake, void *wake_context,
                               struct fault *fault)
{
    struct datapath *datapath = calloc(1, sizeof *datapath);
    if (datapath == NULL) {
        fault_at(fault, FAULT_THREAD, ENOMEM);
        return NULL;
    }
    turn_lock_init(&datapath->lock);
    datapath->wake = wake;
    datapath->wake_context = wake_context;
    datapath->tap.fd = datapath->socket.fd = datapath->stop_event = datapath->poll = -1;
    datapath->interface = options->interface;
    datapath->max_frame_bytes = FRAME_HEADER_BYTES + VLAN_TAG_BYTES + options->interface.mtu_bytes;

    if (open_devices(datapath, options, fault) && open_loop(datapath, fault)) {
        datapath->run.tcp = datapath->tap.tcp;
        datapath->run.udp = datapath->tap.udp;
        return datapath;
    }
    datapath_free(datapath);
    return NULL;
}

bool datapath_start(struct datapath *datapath, struct fault *fault)
{
    int error = loop_start_thread(datapath);
    datapath->thread_started = error == 0;
    return error == 0 || fault_at(fault, FAULT_THREAD, error);
}

bool datapath_restore_interface(struct datapath *datapath, struct fault *fault)
{
    return interface_configure(datapath->tap.name, &datapath->interface, &datapath->ip6_configured, fault);
}

static void wipe_frames(struct datapath *datapath)
{
    OPENSSL_cleanse(&datapath->frame, sizeof datapath->frame);
    OPENSSL_cleanse(datapath->outbox.bytes, sizeof datapath->outbox.bytes);
    OPENSSL_cleanse(datapath->received, sizeof datapath->received);
    OPENSSL_cleanse(&datapath->run.frame, sizeof datapath->run.frame);
    OPENSSL_cleanse(datapath->packet, sizeof datapath->packet);
}

void datapath_close(struct datapath *datapath)
{
    if (datapath->closed) return;
    if (datapath->thread_started) {
        eventfd_write(datapath->stop_event, 1);
        pthread_join(datapath->thread, NULL);
    }
    datapath->closed = true;
    tap_close(&datapath->tap);
    socket_close(&datapath->socket);
    if (datapath->poll >= 0) close(datapath->poll);
    if (datapath->stop_event >= 0) close(datapath->stop_event);
    event_ring_free(&datapath->ring);
    table_clear(&datapath->table);
    wipe_frames(datapath);
}

void datapath_free(struct datapath *datapath)
{
    if (datapath == NULL) return;
    datapath_close(datapath);
    turn_lock_destroy(&datapath->lock);
    free(datapath);
}

void datapath_wake(struct datapath *datapath)
{
    if (!atomic_exchange(&datapath->wake_pending, true)) datapath->wake(datapath->wake_context);
}
