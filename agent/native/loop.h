/* The datapath's thread. */
#ifndef TINCAN_LOOP_H
#define TINCAN_LOOP_H

#include "datapath.h"

/* 0, or an errno. The thread takes no signals: those are for Node's own thread. */
int loop_start_thread(struct datapath *datapath);

#endif
