/* What the machine reaches with kernels of the library, measured: the roofs that others are held against. Each takes some hundredths of a second on
 * all threads of the context, more where it has to compile. 0: it could not be measured. */
#ifndef TG_CLI_ROOF_H
#define TG_CLI_ROOF_H

#include "tegula/tegula.h"

/* The type that products are measured in for a kernel on such elements: f16, bf16, f32 or f64 itself, else f32. */
tg_dtype cli_roof_dtype(tg_dtype dtype);
/* C = A B, 512 x 512 x 512: GFLOP/s of the best launch. */
double cli_roof_gflops(tg_context *context, tg_dtype dtype);
/* The better of a sum of rows and of a copy that move so many bytes, 256 MiB at most: GB/s of the best launch. */
double cli_roof_gbps(tg_context *context, double bytes);

#endif
