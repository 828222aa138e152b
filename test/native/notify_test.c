/* The message of sd_notify(3), received by real sockets. */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0);
    return fd;
}

static void reaches(const char *path)
{
    char received[64] = {0};
    int fd = listen_at(path);
    CHECK(notify_send(path, "READY=1") == 0);
    CHECK(recv(fd, received, sizeof received - 1, 0) == 7);
    CHECK(strcmp(received, "READY=1") == 0);
    close(fd);
}

static void reaches_a_socket_with_a_path(void)
{
    char path[] = "/tmp/tincan-notify-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    char at[64];
    snprintf(at, sizeof at, "%s/notify", path);
    reaches(at);
    unlink(at);
    rmdir(path);
}

static void reaches_an_abstract_socket(void)
{
    char name[64];
    snprintf(name, sizeof name, "@tincan-notify-%d", getpid());
    reaches(name);
}

static void never_waits_for_a_reader(void)
{
    char name[64];
    snprintf(name, sizeof name, "@tincan-notify-full-%d", getpid());
    int fd = listen_at(name), error = 0;
    for (int sent = 0; sent < 100000 && error == 0; sent++) error = notify_send(name, "WATCHDOG=1");
    CHECK(error == EAGAIN);
    close(fd);
}

static void says_what_is_wrong(void)
{
    char long_name[256];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[0] = '/';
    long_name[sizeof long_name - 1] = 0;
    CHECK(notify_send("/nowhere/notify", "READY=1") == ENOENT);
    CHECK(notify_send("notify", "READY=1") == EINVAL);
    CHECK(notify_send("", "READY=1") == EINVAL);
    CHECK(notify_send("@", "READY=1") == EINVAL);
    CHECK(notify_send(long_name, "READY=1") == ENAMETOOLONG);
}

RUN_TESTS(TEST(reaches_a_socket_with_a_path), TEST(reaches_an_abstract_socket), TEST(never_waits_for_a_reader),
          TEST(says_what_is_wrong))
