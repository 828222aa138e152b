/* One message to the service manager that started this process: a datagram to a unix socket, which Node has none of. */
#ifndef TINCAN_NOTIFY_H
#define TINCAN_NOTIFY_H

/* `path` as NOTIFY_SOCKET has it: absolute, or '@' and an abstract name. Never waits. 0, or the errno. */
int notify_send(const char *path, const char *message);

#endif
