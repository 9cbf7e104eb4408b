/* Bit patterns of the float formats. Private to base/ and its tests; others use dtype.h. */
#ifndef TG_BASE_DTYPE_FLOAT_H
#define TG_BASE_DTYPE_FLOAT_H

#include "base/dtype.h"

/* Value of a bit pattern (low bits of `bits`); exact. */
double tg_float_decode(tg_dtype t, uint64_t bits);
/* Bit pattern of the nearest value, as tg_round_to. */
uint64_t tg_float_encode(tg_dtype t, double v);

#endif
