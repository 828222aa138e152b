#include "process_memory.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

enum { ARENAS = 2 };

void process_memory_share_arenas(void)
{
    mallopt(M_ARENA_MAX, ARENAS);
}

void process_memory_give_back(void)
{
    malloc_trim(0);
}
#else
void process_memory_share_arenas(void)
{
}

void process_memory_give_back(void)
{
}
#endif
