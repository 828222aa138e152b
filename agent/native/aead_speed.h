/* How quickly this CPU seals full packets: which cipher suits it is measured, because no CPU flag tells it all. */
#ifndef TINCAN_AEAD_SPEED_H
#define TINCAN_AEAD_SPEED_H

#include "aead.h"

/* Megabytes a second, the best of a few short runs (well under a millisecond each on a CPU of this century). 0: it cannot. */
double aead_speed(enum aead_cipher cipher);

#endif
