/* Integers without surprises: defined for all values. */
#ifndef TG_BASE_INTEGER_H
#define TG_BASE_INTEGER_H

#include <stdint.h>

/* Greatest common divisor; of 0 and b it is b. */
static inline uint64_t tg_gcd_unsigned(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Of the absolute values. INT64_MIN where that is 2^63, which has no other name. */
static inline int64_t tg_gcd(int64_t a, int64_t b) {
    return (int64_t)tg_gcd_unsigned(a < 0 ? 0 - (uint64_t)a : (uint64_t)a,
                                    b < 0 ? 0 - (uint64_t)b : (uint64_t)b);
}

#endif
