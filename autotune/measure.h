/* Between bench.c (tensors, oracle) and measure.c (launches, statistics). */
#ifndef TG_AUTOTUNE_MEASURE_H
#define TG_AUTOTUNE_MEASURE_H

#include "autotune/tuner.h"

/* Fills `b`; `reduced` null: the caller's own extents. UNSUPPORTED: these extents do not go together. */
tg_status tg_bench_make(tg_session *s, tg_bench *b, const tg_launch_binding *reduced);
void tg_bench_free(tg_bench *b, const tg_allocator *a);
/* Written tensors as they were before the first launch. */
tg_status tg_bench_restore(const tg_session *s, const tg_bench *b);
/* s->small, where it can be had. */
tg_status tg_bench_make_small(tg_session *s);

#endif
