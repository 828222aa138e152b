/*
 * A mutex that two threads take in turn. With a plain one the datapath's thread, which lets go only to take it again at
 * once, would keep the other waiting for as long as it is busy. Here whoever waits holds the turn, and the one that
 * just had the lock queues for the turn behind it.
 */
#ifndef TINCAN_TURN_LOCK_H
#define TINCAN_TURN_LOCK_H

#include <pthread.h>

struct turn_lock {
    pthread_mutex_t turn;
    pthread_mutex_t held;
};

static inline void turn_lock_init(struct turn_lock *lock)
{
    pthread_mutex_init(&lock->turn, NULL);
    pthread_mutex_init(&lock->held, NULL);
}

static inline void turn_lock_destroy(struct turn_lock *lock)
{
    pthread_mutex_destroy(&lock->turn);
    pthread_mutex_destroy(&lock->held);
}

static inline void turn_lock_acquire(struct turn_lock *lock)
{
    pthread_mutex_lock(&lock->turn);
    pthread_mutex_lock(&lock->held);
    pthread_mutex_unlock(&lock->turn);
}

static inline void turn_lock_release(struct turn_lock *lock)
{
    pthread_mutex_unlock(&lock->held);
}

#endif
