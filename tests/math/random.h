/* Random numbers of the tests that sample: SplitMix64, the same ones in every run. */
#ifndef TG_TESTS_MATH_RANDOM_H
#define TG_TESTS_MATH_RANDOM_H

#include <stdint.h>

static uint64_t random_state = 1;

static uint64_t next(void) {
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif
