/* How much arithmetic a kernel does, estimated from its tile IR for given sizes. */
#ifndef TG_AUTOTUNE_FLOPS_H
#define TG_AUTOTUNE_FLOPS_H

#include "base/signature.h"
#include "dsl/ir/ir.h"

/* Floating-point operations of one launch: 2 per point of a dot, 1 per point of an elementwise
 * operation or a reduction, 2 of an fma. args: one per parameter of f, as for a launch. Bounds
 * that depend on data or on an index count with the middle of their range. */
double tg_count_flops(const tg_func *f, const tg_launch_arg *args, tg_arena *arena);
/* The same, and the sizes of the axes' whole domains by rank (f->axes.len of them); a domain that
 * depends on an index counts with its average. */
double tg_count_work(const tg_func *f, const tg_launch_arg *args, tg_arena *arena,
                     double *axis_sizes);

#endif
