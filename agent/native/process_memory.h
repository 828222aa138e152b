/* What the C library keeps of the process's memory for later, and how to make that less. Does nothing without glibc. */
#ifndef TINCAN_PROCESS_MEMORY_H
#define TINCAN_PROCESS_MEMORY_H

/* Threads that start from now on share two arenas (mallopt(3)), in place of one for each with what it has freed. */
void process_memory_share_arenas(void);

/* Gives the kernel back every page that is free (malloc_trim(3)). */
void process_memory_give_back(void);

#endif
