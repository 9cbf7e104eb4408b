/* What the machine reaches, measured by two kernels of the library: the roofs of a report. */
#ifndef TG_CLI_ROOF_H
#define TG_CLI_ROOF_H

#include "tegula/tegula.h"

/* 0: could not be measured. */
typedef struct cli_roof {
    tg_dtype dtype;    /* of the product's operands */
    double gflops;     /* C = A B, 512 x 512 x 512, best launch */
    double cache_gbs;  /* sum of rows that fill half the second level of each thread */
    double memory_gbs; /* sum of rows four times as large as all caches, 256 MiB at most */
} cli_roof;

/* Takes some tenths of a second on all threads of the context. `dtype`: f16, bf16, f32 or f64; anything else: f32. */
cli_roof cli_measure_roof(tg_context *context, tg_dtype dtype);

#endif
